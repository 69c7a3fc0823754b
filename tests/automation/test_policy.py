import json
from typing import Any

import pytest

from automation.deployment import Step
from automation.policy import violations
from components.policies import pull_images, write_traces
from components.replacement import REPLACEMENTS
from tests.components.resource_classes import resource_class

_TAGS = {"Project": "p", "Stack": "s", "ManagedBy": "pulumi"}
_REPOSITORY: dict[str, Any] = {
    "tags": _TAGS,
    "encryptionConfigurations": [{"encryptionType": "AES256"}],
    "imageScanningConfiguration": {"scanOnPush": True},
    "imageTagMutability": "IMMUTABLE",
}
_CLIENT: dict[str, Any] = {
    "allowedOauthFlows": ["client_credentials"],
    "allowedOauthFlowsUserPoolClient": True,
    "generateSecret": True,
}
_DISABLED: dict[str, Any] = {
    "allowedOauthFlows": [],
    "allowedOauthFlowsUserPoolClient": False,
    "generateSecret": True,
}
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(kind: str, /, **inputs: Any) -> Step:  # noqa: ANN401 - Pulumi's own
    operation = inputs.pop("operation", "create")
    return Step(urn=f"urn::x::{kind}::thing", type=kind, operation=operation, inputs=inputs)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def allow(action: object, resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


_CONNECTOR = "aws:apprunner/vpcConnector:VpcConnector"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_FUNCTION = "aws:lambda/function:Function"


def replaced_connector(*properties: str, operation: str = "replace") -> Step:
    return Step(
        urn=f"urn::x::{_CONNECTOR}::thing",
        type=_CONNECTOR,
        operation=operation,
        inputs={"tags": _TAGS},
        properties=properties,
    )


@pytest.mark.parametrize(
    "kept",
    [
        step("aws:ecr/repository:Repository", **_REPOSITORY),
        step("aws:cognito/userPoolClient:UserPoolClient", **_CLIENT),
        step("aws:cognito/userPoolClient:UserPoolClient", **_DISABLED),
        step("aws:secretsmanager/secretVersion:SecretVersion", operation="delete"),
        step("aws:cloudwatch/logGroup:LogGroup", tags=_TAGS, retentionInDays=1),
        step(_FUNCTION, tags=_TAGS, environment={"variables": {"RESOURCE_SERVER_IDENTIFIER": "x"}}),
        step(_ROLE_POLICY, policy=pull_images("arn:aws:ecr:x")),
        step(_ROLE_POLICY, policy=write_traces()),
        step(_ROLE_POLICY, policy=_UNKNOWN),
        step(_ROLE_POLICY, policy=policy({"Effect": "Deny", "Action": "*", "Resource": "*"})),
        step("aws:iam/role:Role", operation="delete"),
        step("random:index/randomString:RandomString"),
        replaced_connector("securityGroups[0]", "subnets", "vpcConnectorName"),
        replaced_connector(operation="delete"),
        step(_CONNECTOR, tags=_TAGS),
    ],
    ids=lambda kept: f"{kept.type}-{kept.operation}",
)
def test_a_correct_resource_violates_no_rule(kept: Step) -> None:
    assert violations([kept]) == ()


@pytest.mark.parametrize(
    ("broken", "rule", "says"),
    [
        (step("aws:iam/role:Role", tags={"Project": "p"}), "tags", "ManagedBy, Stack"),
        (
            replaced_connector("subnets", "vpcConnectorName"),
            "vpc-connector",
            "no two connectors with the same security groups",
        ),
        (
            step("aws:ecr/repository:Repository", **_REPOSITORY | {"encryptionConfigurations": []}),
            "repository",
            "isn't encrypted",
        ),
        (
            step(
                "aws:ecr/repository:Repository", **_REPOSITORY | {"imageTagMutability": "MUTABLE"}
            ),
            "repository",
            "moved",
        ),
        (
            step(
                "aws:ecr/repository:Repository", **_REPOSITORY | {"imageScanningConfiguration": {}}
            ),
            "repository",
            "scan",
        ),
        (
            step(_FUNCTION, tags=_TAGS, environment={"variables": {"NEO4J_PASSWORD": "[secret]"}}),
            "no-credentials",
            "NEO4J_PASSWORD",
        ),
        (
            step(
                "aws:apprunner/service:Service",
                tags=_TAGS,
                sourceConfiguration={"image": {"runtimeEnvironmentSecrets": {"API_KEY": "arn"}}},
            ),
            "no-credentials",
            "API_KEY",
        ),
        (step(_ROLE_POLICY, policy=policy(allow("ecr:*", "arn"))), "least-privilege", "ecr:*"),
        (
            step(_ROLE_POLICY, policy=policy(allow(["ecr:BatchGetImage"], ["*"]))),
            "least-privilege",
            "every resource",
        ),
        (
            step(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:x"
            ),
            "least-privilege",
            "isn't written in this program",
        ),
        (
            step("aws:cloudwatch/logGroup:LogGroup", tags=_TAGS),
            "log-retention",
            "no retention period",
        ),
        (
            step(
                "aws:cognito/userPoolClient:UserPoolClient",
                **_CLIENT | {"allowedOauthFlows": ["client_credentials", "implicit"]},
            ),
            "client-credentials",
            "implicit",
        ),
        (
            step(
                "aws:cognito/userPoolClient:UserPoolClient", **_CLIENT | {"allowedOauthFlows": []}
            ),
            "client-credentials",
            "[]",
        ),
        (
            step(
                "aws:cognito/userPoolClient:UserPoolClient",
                **_DISABLED | {"allowedOauthFlows": ["client_credentials"]},
            ),
            "client-credentials",
            "client_credentials",
        ),
        (
            step("aws:secretsmanager/secretVersion:SecretVersion", secretString="[secret]"),
            "no-secret-values",
            "rotation function",
        ),
        (step("aws:cloudwatch/eventRule:EventRule"), "tags", "ManagedBy, Project, Stack"),
        (
            step(
                "aws:cognito/userPoolClient:UserPoolClient",
                **_CLIENT | {"generateSecret": False},
            ),
            "client-credentials",
            "no secret",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_violation_names_the_rule_and_the_resource(broken: Step, rule: str, says: str) -> None:
    (violation,) = violations([broken])
    assert (violation.rule, violation.resource) == (rule, "thing")
    assert says in violation.message


@pytest.mark.parametrize("operation", ["delete", "replace", "delete-replaced"])
def test_a_protected_resource_cannot_be_deleted_or_replaced(operation: str) -> None:
    doomed = Step(
        urn="urn::x::t::pool", type="t", operation=operation, protected=True, properties=("name",)
    )
    (violation,) = violations([doomed])
    assert violation.rule == "protection"
    assert "because of name" in violation.message
    kept = Step(urn="urn::x::t::pool", type="t", operation="update", protected=True)
    assert violations([kept]) == ()


def test_tags_are_required_on_every_type_that_can_have_them() -> None:
    requiring = {
        token
        for token in REPLACEMENTS
        if any(each.rule == "tags" for each in violations([step(token)]))
    }
    assert requiring == {token for token in REPLACEMENTS if hasattr(resource_class(token), "tags")}
