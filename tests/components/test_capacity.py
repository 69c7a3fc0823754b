import re

import pytest

from components import capacity, policies
from components.configuration import ConfigurationError
from components.names import ResourceNames
from components.rotation import Rotation
from tests.components.aws_models import shape
from tests.components.model_rules import BASE
from tests.components.parsing import parse

NAMES = ResourceNames(prefix="neo4j-mcp", stack="production")
SHORTEST = ResourceNames(prefix="p", stack="x")
LONGEST_OVERLAP = Rotation(days=1000, overlap_hours=720)
NO_OVERLAP = Rotation(days=1000, overlap_hours=0)


def clients(count: int, rotation: Rotation = LONGEST_OVERLAP) -> dict[str, Rotation]:
    return {f"client-{number:03}": rotation for number in range(count)}


def test_the_limit_is_eventbridges() -> None:
    assert shape("events", "TargetInput")["max"] == capacity.LONGEST_INPUT == 8192


def test_another_client_adds_what_its_entry_takes() -> None:
    entry = (
        '{"secret":"arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:'
        'neo4j-mcp-production-client-000-credentials-k3x9q2ab-AbCdEf","overlapHours":720},'
    )
    lengths = [capacity.input_length(NAMES, clients(count)) for count in (7, 8)]

    assert lengths[1] - lengths[0] == len(entry)


def test_as_many_clients_are_served_as_fit() -> None:
    most = capacity.served(NAMES, clients(500))

    assert 40 < most < 90
    assert capacity.input_length(NAMES, clients(most)) <= capacity.LONGEST_INPUT
    assert capacity.input_length(NAMES, clients(most + 1)) > capacity.LONGEST_INPUT
    assert capacity.served(NAMES, clients(most)) == most
    assert capacity.served(NAMES, {}) == 0


def test_an_input_of_the_greatest_length_is_accepted_and_one_more_character_is_not() -> None:
    fitting = clients(capacity.served(NAMES, clients(500)))
    *_, last = fitting
    padding = "x" * (capacity.LONGEST_INPUT - capacity.input_length(NAMES, fitting))
    del fitting[last]

    longest = {**fitting, last + padding: LONGEST_OVERLAP}
    assert capacity.input_length(NAMES, longest) == capacity.LONGEST_INPUT
    assert capacity.served(NAMES, longest) == len(longest)
    longer = {**fitting, last + padding + "x": LONGEST_OVERLAP}
    assert capacity.served(NAMES, longer) == len(longer) - 1


def test_longer_names_leave_room_for_fewer_clients() -> None:
    long = {f"client-{number:03}-{'x' * 80}": LONGEST_OVERLAP for number in range(100)}

    assert 0 < capacity.served(NAMES, long) < capacity.served(NAMES, clients(100))


@pytest.mark.parametrize("names", [NAMES, SHORTEST])
@pytest.mark.parametrize("name", ["{}", "client-{:03}", "client-{:03}-" + "x" * 80])
def test_the_role_can_name_every_secret_that_the_schedule_can(
    names: ResourceNames, name: str
) -> None:
    configured = {name.format(number): NO_OVERLAP for number in range(500)}
    most = capacity.served(names, configured)
    assert most

    arns = [capacity.secret_arn(names, client) for client in list(configured)[:most]]
    pool = f"arn:aws:cognito-idp:ap-southeast-1:000000000000:userpool/{'0' * 55}"
    log = f"arn:aws:logs:ap-southeast-1:000000000000:log-group:{'0' * 512}"
    documents = policies.rotate_client_secrets(arns, pool) + policies.write_logs(log)
    # Source: "IAM and AWS STS quotas" in the IAM User Guide: 10,240 characters in all inline
    # policies of a role, without white space.
    assert len(re.sub(r"\s", "", documents)) <= 10_240


def test_clients_beyond_the_capacity_are_refused_one_by_one() -> None:
    most = capacity.served(ResourceNames(prefix="p", stack="dev"), clients(200, NO_OVERLAP))
    configured = {name: {"scopes": ["reader"]} for name in clients(most + 2)}
    parse({**BASE, "clients": dict(list(configured.items())[:most])})

    with pytest.raises(ConfigurationError) as caught:
        parse({**BASE, "clients": configured})
    assert [problem.key for problem in caught.value.problems] == [
        f"neo4j-mcp:clients.client-{number:03}" for number in (most, most + 1)
    ]
    for problem in caught.value.problems:
        assert problem.message.startswith("is one too many")
        assert f"8192, enough for {most} clients" in problem.message
        assert problem.commands == (f"pulumi config rm --path {problem.key}",)
