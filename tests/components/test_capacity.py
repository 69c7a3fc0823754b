import pytest

from components import capacity
from components.configuration import ConfigurationError
from components.names import ResourceNames
from components.rotation import Rotation, retire_event
from tests.components.aws_models import shape
from tests.components.model_rules import BASE
from tests.components.parsing import parse

NAMES = ResourceNames(prefix="neo4j-mcp", stack="production")
EVERY_MONTH = Rotation(days=30, overlap_hours=720)
EVENT, POLICIES = capacity.LIMITS


def clients(count: int, rotation: Rotation = EVERY_MONTH) -> dict[str, Rotation]:
    return {f"client-{number:03}": rotation for number in range(count)}


def test_the_limits_are_awss() -> None:
    assert EVENT.longest == shape("events", "TargetInput")["max"] == 8192
    # Source: "IAM and AWS STS quotas" in the IAM User Guide.
    assert POLICIES.longest == 10_240


@pytest.mark.parametrize("limit", capacity.LIMITS, ids=["event", "policies"])
def test_another_client_adds_what_its_arn_takes(limit: capacity.Limit) -> None:
    # arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:<name>-<8>-<6>
    name = NAMES.secret("client-000")
    arn = len("arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:") + len(name) + 9 + 7
    added = limit.length(NAMES, clients(8)) - limit.length(NAMES, clients(7))

    around = len(retire_event({"": 720})) - len(retire_event({})) + 1 if limit is EVENT else 3
    assert added == arn + around


def test_as_many_clients_are_served_as_fit() -> None:
    most = capacity.served(NAMES, clients(500))

    assert 40 < most < 90
    for limit in capacity.LIMITS:
        assert limit.length(NAMES, clients(most)) <= limit.longest
    assert any(limit.length(NAMES, clients(most + 1)) > limit.longest for limit in capacity.LIMITS)
    assert capacity.problem(NAMES, clients(most)) is None
    assert capacity.served(NAMES, clients(most)) == most
    assert capacity.served(NAMES, {}) == 0


def test_longer_names_leave_room_for_fewer_clients() -> None:
    long = {f"client-{number:03}-{'x' * 80}": EVERY_MONTH for number in range(100)}

    assert 0 < capacity.served(NAMES, long) < capacity.served(NAMES, clients(100))


def test_clients_beyond_the_capacity_are_refused_one_by_one() -> None:
    yearly = Rotation(days=1000, overlap_hours=0)
    most = capacity.served(ResourceNames(prefix="p", stack="dev"), clients(200, yearly))
    configured = {name: {"scopes": ["reader"]} for name in clients(most + 2)}
    parse({**BASE, "clients": dict(list(configured.items())[:most])})

    with pytest.raises(ConfigurationError) as caught:
        parse({**BASE, "clients": configured})
    assert [problem.key for problem in caught.value.problems] == [
        f"neo4j-mcp:clients.client-{number:03}" for number in (most, most + 1)
    ]
    for problem in caught.value.problems:
        assert problem.message.startswith("makes the input of the rotation function's schedule")
        assert problem.message.endswith(f"8192, which is enough for the first {most} clients")
        assert problem.commands == (f"pulumi config rm --path {problem.key}",)
