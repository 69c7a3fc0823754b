import pytest
from botocore.exceptions import ClientError

from automation.probes.kinds import Kind, is_probes
from tests.automation.probes.made_up import error


def _kind(failures: list[str]) -> Kind:
    def delete(_client: object, _resource: str) -> None:
        if failures:
            raise error(failures.pop(0))

    return Kind(title="bucket", service="s3", find=lambda _: [], delete=delete)


def test_what_is_gone_is_removed() -> None:
    _kind(["ResourceNotFoundException"]).remove(None, "one")


def test_what_is_still_used_is_removed_later() -> None:
    waits: list[float] = []
    failures = ["DependencyViolation", "DependencyViolation"]
    _kind(failures).remove(None, "one", waits.append)
    assert failures == []
    assert len(waits) == 2


def test_it_is_not_attempted_for_ever() -> None:
    waits: list[float] = []
    with pytest.raises(ClientError):
        _kind(["DependencyViolation"] * 1000).remove(None, "one", waits.append)
    assert 30 < sum(waits) < 120


def test_another_error_is_raised_at_once() -> None:
    waits: list[float] = []
    with pytest.raises(ClientError):
        _kind(["AccessDenied"]).remove(None, "one", waits.append)
    assert waits == []


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("neo4j-mcp-probe-0011aabb", True),
        ("neo4j-mcp-probe-0011aabb-composite", True),
        ("neo4j-mcp-probe-claims", False),
        ("neo4j-mcp-probe-0011aabbcc", False),
        ("neo4j-mcp-dev-claims", False),
    ],
)
def test_a_stack_that_is_called_probe_is_not_a_probes(name: str, *, chosen: bool) -> None:
    assert is_probes(name) is chosen
