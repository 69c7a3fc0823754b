"""How a killed deployment's state is taken over; the lookups are tested on the stand-in."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.takeover import (
    ID_FORMATS,
    LOOKUPS,
    UNREAD,
    adopt,
    find_ids,
    has_unread,
    pending_operations,
)
from components.replacement import REPLACEMENTS

_STACK = "urn:pulumi:local::neo4j-mcp"


def _resource(kind: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"urn": f"{_STACK}::{kind}::{name}", "type": kind, "custom": True, **more}


def _state(*resources: dict[str, Any], creating: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {
        "manifest": {},
        "resources": list(resources),
        "pending_operations": [{"type": "creating", "resource": each} for each in creating],
    }


_ROLE = _resource("aws:iam/role:Role", "role", inputs={"name": "stack-claims"})
_CLIENT = _resource(
    "aws:cognito/userPoolClient:UserPoolClient",
    "client",
    inputs={"name": "stack-reader", "userPoolId": "pool"},
)


def _no_aws(service: str) -> Any:  # noqa: ANN401 - boto3's own
    raise AssertionError(f"{service} was asked")


def _clients_of_a_pool(*ids: str) -> Callable[[str], Any]:
    class Pages:
        def paginate(self, **_: object) -> list[dict[str, Any]]:
            named = [{"ClientId": each, "ClientName": "stack-reader"} for each in ids]
            other = {"ClientId": "other", "ClientName": "stack-writer"}
            return [{"UserPoolClients": [each]} for each in (other, *named)]

    class Cognito:
        def get_paginator(self, operation: str) -> Pages:
            assert operation == "list_user_pool_clients"
            return Pages()

    return lambda _service: Cognito()


def test_an_id_made_of_the_inputs_needs_no_lookup() -> None:
    state = _state(creating=(_ROLE,))
    assert find_ids(pending_operations(state), state, _no_aws) == {_ROLE["urn"]: "stack-claims"}


def test_an_id_chosen_by_aws_is_looked_up_among_those_missing_in_the_state() -> None:
    state = _state({**_CLIENT, "id": "old"}, creating=(_CLIENT,))
    aws = _clients_of_a_pool("old", "new")
    assert find_ids(pending_operations(state), state, aws) == {_CLIENT["urn"]: "new"}
    assert find_ids(pending_operations(state), state, _clients_of_a_pool("old")) == {}


def test_a_resource_without_a_cloud_is_created_again() -> None:
    suffix = _resource("random:index/randomString:RandomString", "suffix", inputs={})
    state = _state(creating=(suffix,))
    assert find_ids(pending_operations(state), state, _no_aws) == {}
    assert adopt(state, {}) == {"manifest": {}, "resources": [], "pending_operations": []}


@pytest.mark.parametrize(
    ("kind", "inputs", "found"),
    [
        ("aws:cloudwatch/eventRule:EventRule", {"name": "stack-retirement"}, "stack-retirement"),
        (
            "aws:cloudwatch/eventTarget:EventTarget",
            {"rule": "stack-retirement", "targetId": "rotation-function"},
            "stack-retirement-rotation-function",
        ),
        (
            "aws:secretsmanager/secretRotation:SecretRotation",
            {"secretId": "arn:aws:secretsmanager:x"},
            "arn:aws:secretsmanager:x",
        ),
    ],
)
def test_what_rotates_secrets_is_found_by_its_names(
    kind: str, inputs: dict[str, Any], found: str
) -> None:
    resource = _resource(kind, "thing", inputs=inputs)
    operations = pending_operations(_state(creating=(resource,)))
    assert find_ids(operations, {}, _no_aws) == {resource["urn"]: found}


def test_the_alias_of_the_servers_function_and_its_url_are_found() -> None:
    arn = "arn:aws:lambda:us-east-1:1:function:stack-function:live"

    class Lambda:
        def get_alias(self, **named: str) -> dict[str, str]:
            assert named == {"FunctionName": "stack-function", "Name": "live"}
            return {"AliasArn": arn}

    function = {"functionName": "stack-function"}
    alias = _resource("aws:lambda/alias:Alias", "alias", inputs={**function, "name": "live"})
    url = _resource(
        "aws:lambda/functionUrl:FunctionUrl", "url", inputs={**function, "qualifier": "live"}
    )
    state = _state(creating=(alias, url))

    assert find_ids(pending_operations(state), state, lambda _service: Lambda()) == {
        alias["urn"]: arn,
        url["urn"]: "stack-function/live",
    }


def test_an_invocation_is_made_again_as_nothing_shows_whether_it_was_made() -> None:
    invocation = _resource("aws:lambda/invocation:Invocation", "publication", inputs={"input": ""})
    state = _state(creating=(invocation,))
    assert find_ids(pending_operations(state), state, _no_aws) == {}


def test_a_refused_lookup_raises() -> None:
    class Secrets:
        def describe_secret(self, **_: object) -> None:
            raise ClientError({"Error": {"Code": self.code}}, "DescribeSecret")

        code = "AccessDeniedException"

    secret = _resource("aws:secretsmanager/secret:Secret", "secret", inputs={"name": "s"})
    state = _state(creating=(secret,))
    with pytest.raises(ClientError, match="AccessDenied"):
        find_ids(pending_operations(state), state, lambda _: Secrets())
    Secrets.code = "ResourceNotFoundException"
    assert find_ids(pending_operations(state), state, lambda _: Secrets()) == {}


def test_an_adopted_resource_is_marked_as_unread() -> None:
    state = _state(creating=(_ROLE,))
    adopted = adopt(state, {_ROLE["urn"]: "stack-claims"})
    (resource,) = adopted["resources"]
    assert resource["id"] == "stack-claims"
    assert resource["outputs"] == resource["inputs"] == {"name": "stack-claims"}
    assert resource["initErrors"] == [UNREAD]
    assert has_unread(adopted)
    assert not has_unread(state)
    assert adopted["pending_operations"] == []


def test_a_second_resource_with_the_same_urn_is_marked_for_deletion() -> None:
    old = {**_CLIENT, "id": "old"}
    first, second = adopt(_state(old, creating=(_CLIENT,)), {_CLIENT["urn"]: "new"})["resources"]
    assert first == old
    assert (second["id"], second["delete"]) == ("new", True)


def test_a_replacement_takes_the_place_of_the_deleted_resource() -> None:
    new_parent = _resource("aws:cognito/userPool:UserPool", "pool", id="pool")
    replaced = {**_CLIENT, "id": "old", "pendingReplacement": True}
    dependent = _resource(
        "aws:secretsmanager/secretRotation:SecretRotation",
        "value",
        id="value",
        dependencies=[_CLIENT["urn"]],
    )
    begun_again = {**_CLIENT, "dependencies": [new_parent["urn"]]}
    state = _state(replaced, dependent, new_parent, creating=(begun_again,))
    resources = adopt(state, {_CLIENT["urn"]: "new"})["resources"]
    assert [each.get("id") for each in resources] == ["pool", "new", "value"]


class _Fargate:
    """ECS, Elastic Load Balancing and EC2 with one service."""

    def __call__(self, _service: str) -> "_Fargate":
        return self

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        assert (cluster, services) == ("c", ["s"])
        found = [("INACTIVE", "gone"), ("ACTIVE", "arn:s")]
        return {"services": [{"status": status, "serviceArn": arn} for status, arn in found]}

    def describe_clusters(self, *, clusters: list[str]) -> dict[str, Any]:
        assert clusters == ["c"]
        return {"clusters": [{"status": "ACTIVE", "clusterArn": "arn:c"}]}

    def describe_load_balancers(self, **_: object) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "LoadBalancerNotFound"}}, "DescribeLoadBalancers")

    def describe_listeners(self, **_: object) -> dict[str, Any]:
        ports = [(80, "other"), (443, "arn:l")]
        return {"Listeners": [{"Port": port, "ListenerArn": arn} for port, arn in ports]}

    def describe_security_group_rules(self, **_: object) -> dict[str, Any]:
        rule = {"FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"}
        return {
            "SecurityGroupRules": [
                {**rule, "IsEgress": is_egress, "SecurityGroupRuleId": f"sgr-{is_egress}"}
                for is_egress in (False, True)
            ]
        }


_RULE = {"securityGroupId": "sg", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("kind", "inputs", "found"),
    [
        ("aws:ecs/cluster:Cluster", {"name": "c"}, "arn:c"),
        ("aws:ecs/service:Service", {"name": "s", "cluster": "c"}, "arn:s"),
        ("aws:lb/loadBalancer:LoadBalancer", {"name": "b"}, None),
        ("aws:lb/listener:Listener", {"loadBalancerArn": "arn:b", "port": 443}, "arn:l"),
        ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", _RULE, "sgr-True"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", _RULE, "sgr-False"),
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {**_RULE, "cidrIpv4": "10.0.0.0/8"},
            None,
        ),
        ("aws:appautoscaling/target:Target", {"resourceId": "service/c/s"}, "service/c/s"),
    ],
)
def test_the_resources_of_fargate_are_found_by_their_inputs(
    kind: str, inputs: dict[str, Any], found: str | None
) -> None:
    resource = _resource(kind, "thing", inputs=inputs)
    operations = pending_operations(_state(creating=(resource,)))
    expected = {resource["urn"]: found} if found else {}
    assert find_ids(operations, {}, _Fargate()) == expected


def test_everything_that_the_program_creates_on_aws_can_be_taken_over() -> None:
    declared = set(REPLACEMENTS)
    created_again = {
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:lambda/invocation:Invocation",
        # Creating either again returns the existing one.
        "aws:sns/topic:Topic",
        "aws:sns/topicSubscription:TopicSubscription",
        "docker:index/image:Image",
        "random:index/randomString:RandomString",
    }
    assert declared - created_again == {*ID_FORMATS, *LOOKUPS}
