"""A stack moves from one host to another in three deployments."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.configuration import ConfigurationError
from components.hosting.definitions import HOST_KEYS
from components.settings import Hosting
from tests.components.mocks import Registration, Result
from tests.program.conftest import Deploy
from tests.program.test_main import HOSTS

INVOCATION = "aws:lambda/invocation:Invocation"
# A stack with protection, and one without.
STACKS = ("prod", "local")
_NOT_SET = {"", "{}"}
# The stacks' files are App Runner's.
NEXT_HOSTS = [each for each in HOSTS if each is not Hosting.APP_RUNNER]


class Move:
    """The same stack before, during and after a move."""

    def __init__(
        self, deploy: Deploy, stack: str, to: Hosting, changes: Mapping[str, str] | None = None
    ) -> None:
        own, common = _split(HOSTS[to])

        def next_host(*, serving: bool) -> dict[str, str]:
            following = {**own, "hosting": to, "serving": serving}
            return {"neo4j-mcp:nextHost": json.dumps(following)}

        changes = {**common, **(changes or {})}
        self.before: Result = deploy(stack, changes)
        self.both: Result = deploy(stack, {**changes, **next_host(serving=False)})
        self.switched: Result = deploy(stack, {**changes, **next_host(serving=True)})
        unset = {f"neo4j-mcp:{key}": "" for key in HOST_KEYS}
        configured = {f"neo4j-mcp:{key}": value for key, value in own.items()}
        self.after: Result = deploy(
            stack, {**changes, **unset, **configured, "neo4j-mcp:hosting": to.value}
        )

    @property
    def steps(self) -> tuple[Result, ...]:
        return (self.before, self.both, self.switched, self.after)


def _split(changes: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a host's keys are set to, and the other keys with their namespace."""
    values = {key.removeprefix("neo4j-mcp:"): value for key, value in changes.items()}
    own = {
        key: value for key, value in values.items() if key in HOST_KEYS and value not in _NOT_SET
    }
    others = {key: value for key, value in values.items() if key not in {*HOST_KEYS, "hosting"}}
    return own, {f"neo4j-mcp:{key}": value for key, value in others.items()}


def by_urn(result: Result) -> dict[str, Registration]:
    return {each.urn: each for each in result.registrations}


def of_host(result: Result) -> dict[str, Registration]:
    """The resources of the host alone, without those that every stack has."""
    return {
        urn: each
        for urn, each in by_urn(result).items()
        if "neo4j-mcp:hosting:" in urn or "neo4j-mcp:image:" in urn
    }


def of_monitoring(result: Result) -> dict[str, Registration]:
    """The alarms, their topic and the dashboard."""
    return {
        urn: each
        for urn, each in by_urn(result).items()
        if "neo4j-mcp:monitoring:Monitoring" in urn
    }


def without_monitoring(result: Result) -> dict[str, Registration]:
    alarms = of_monitoring(result)
    return {urn: each for urn, each in by_urn(result).items() if urn not in alarms}


def protected(result: Result, urns: Mapping[str, Registration]) -> set[str]:
    return {urn for urn in urns if by_urn(result)[urn].protect}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("to", NEXT_HOSTS)
def test_both_hosts_are_up_in_between_and_nothing_else_changes(
    deploy: Deploy, stack: str, to: Hosting
) -> None:
    move = Move(deploy, stack, to)
    everything = without_monitoring(move.before) | without_monitoring(move.after)

    assert (
        set(without_monitoring(move.both))
        == set(without_monitoring(move.switched))
        == set(everything)
    )
    for urn, each in everything.items():
        if each.type == INVOCATION:
            continue
        for step in move.steps:
            found = by_urn(step).get(urn)
            if found:
                assert _lasting(found) == _lasting(each)


@pytest.mark.parametrize("to", NEXT_HOSTS)
def test_the_alarms_follow_the_host_that_serves(deploy: Deploy, to: Hosting) -> None:
    move = Move(deploy, "prod", to)
    before, both, switched, after = (
        {urn: each.inputs for urn, each in of_monitoring(step).items()} for step in move.steps
    )

    assert before
    assert both == before
    assert switched == after != before


def _lasting(registration: Registration) -> dict[str, Any]:
    # A protected repository can't be deleted with its images, a load balancer's own protection
    # follows the host that serves, and changes of an image's name are ignored.
    passing = {"enableDeletionProtection", "forceDelete", "imageName"}
    return {
        name: each.path if isinstance(each, pulumi.FileArchive) else each
        for name, each in registration.inputs.items()
        if name not in passing
    }


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("to", NEXT_HOSTS)
def test_callers_get_the_new_address_when_the_next_host_serves(
    deploy: Deploy, stack: str, to: Hosting
) -> None:
    move = Move(deploy, stack, to)
    old, new = move.before.outputs["mcpUrl"], move.after.outputs["mcpUrl"]

    assert old != new
    assert [each.outputs["mcpUrl"] for each in move.steps] == [old, old, new, new]
    assert [each.outputs.get("otherMcpUrl") for each in move.steps] == [None, new, old, None]
    for step in move.steps:
        invoked = [json.loads(each.inputs["input"]) for each in step.of_type(INVOCATION)]
        # Lambda's versions are invoked too.
        published = [each for each in invoked if "publish" in each]
        assert published
        assert {each["mcpUrl"] for each in published} == {step.outputs["mcpUrl"]}
        assert step.outputs["mcpUrl"] == f"{step.outputs['serviceUrl']}/mcp"


@pytest.mark.parametrize("to", NEXT_HOSTS)
def test_the_edge_keeps_its_address_and_changes_its_origin(deploy: Deploy, to: Hosting) -> None:
    move = Move(deploy, "prod", to, {"neo4j-mcp:edge": "true"})

    assert len({each.outputs["edgeUrl"] for each in move.steps}) == 1
    for step in move.steps:
        (origin,) = step.one("aws:cloudfront/distribution:Distribution").inputs["origins"]
        assert step.outputs["serviceUrl"] == f"https://{origin['domainName']}"


@pytest.mark.parametrize("to", NEXT_HOSTS)
def test_only_the_host_that_callers_use_is_protected(deploy: Deploy, to: Hosting) -> None:
    move = Move(deploy, "prod", to)
    old, new = of_host(move.before), of_host(move.after)
    shared = old.keys() & new.keys()

    assert protected(move.before, old)
    assert protected(move.after, new)
    assert protected(move.both, old) == protected(move.before, old)
    assert protected(move.both, new) <= shared
    assert protected(move.switched, new) == protected(move.after, new)
    assert protected(move.switched, old) <= shared


def test_a_move_from_lambda_starts_the_image_hosts_service(deploy: Deploy) -> None:
    outputs = deploy(
        "local",
        {**HOSTS[Hosting.LAMBDA], "neo4j-mcp:nextHost": json.dumps({"hosting": "apprunner"})},
    ).outputs

    assert outputs["imageDigest"]
    assert outputs["codeSha256"]
    assert outputs["otherMcpUrl"] != outputs["mcpUrl"]


def test_a_network_of_the_next_host_is_set_in_nexthost(deploy: Deploy) -> None:
    network = {"vpcId": "vpc-00000099", "subnetIds": ["subnet-0000000a", "subnet-0000000b"]}
    own, common = _split(HOSTS[Hosting.FARGATE])
    following = {**own, "hosting": "fargate", "network": network}

    with pytest.raises(ConfigurationError) as raised:
        deploy("prod", {**common, "neo4j-mcp:nextHost": json.dumps(following)})

    assert "neo4j-mcp:nextHost.network.vpcId: must exist" in str(raised.value)
    assert "pulumi config set --path neo4j-mcp:nextHost.network.vpcId 'vpc-<id>'" in str(
        raised.value
    )
    assert "pulumi config rm --path neo4j-mcp:nextHost.network" in str(raised.value)
