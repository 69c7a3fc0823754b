"""The check of the policy, with AWS's answers and the state made up."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from automation.checks import CHECKS, runner
from automation.checks.results import Outcome, Result
from components.policies import LAMBDA, call_as, trust
from tests.automation.checks.fake_aws import AnsweredStack, error
from tests.automation.policy.rule_cases import allow, let, policy
from tests.components.parsing import parse

REGION = "eu-west-1"
ROLE = "neo4j-mcp-dev-claims"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:neo4j-mcp-dev-alarms"
EDGE_TOPIC = TOPIC.replace(REGION, "us-east-1")
SECRET = f"arn:aws:secretsmanager:{REGION}:111122223333:secret:agent-x"
TAGS = {"Project": "p", "Stack": "s", "ManagedBy": "pulumi"}
RIGHTS = call_as(SECRET)
PUBLIC = policy(let("*", "sns:Publish"))


def _resource(kind: str, inputs: Mapping[str, Any], **outputs: str) -> dict[str, Any]:
    name = kind.rpartition(":")[2]
    return {"urn": f"urn::x::{kind}::{name}", "type": kind, "inputs": inputs, "outputs": outputs}


def _state(**role: object) -> dict[str, Any]:
    trusted = {"name": ROLE, "tags": TAGS, "assumeRolePolicy": trust(LAMBDA), **role}
    repository = {
        "name": "neo4j-mcp-dev-server",
        "tags": TAGS,
        "encryptionConfigurations": [{}],
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE",
    }
    named = {"tags": TAGS}
    resources = [
        _resource("aws:iam/role:Role", trusted),
        _resource("aws:iam/rolePolicy:RolePolicy", {"role": ROLE, "name": "own", "policy": RIGHTS}),
        _resource("aws:ecr/repository:Repository", repository),
        _resource("aws:lambda/function:Function", {"name": ROLE, **named}),
        _resource("aws:lambda/function:Function", {"name": "neo4j-mcp-dev-function", **named}),
        _resource("aws:secretsmanager/secret:Secret", {"name": "agent", **named}, arn=SECRET),
        _resource("aws:sns/topic:Topic", {"name": "alarms", **named}, arn=TOPIC),
        _resource("aws:sns/topic:Topic", {"name": "edge-alarms", **named}, arn=EDGE_TOPIC),
    ]
    return {"resources": resources}


def _run(state: Mapping[str, Any] | None = None, **answers: object) -> Result:
    settings = parse(
        {
            "neo4jUri": "neo4j+s://a.databases.neo4j.io",
            "clients": {"agent": {"scopes": ["reader"]}},
            "deletionProtection": False,
            "hosting": "lambda",
        }
    )
    found: dict[str, Any] = {
        "GetRole": {"Role": {"AssumeRolePolicyDocument": trust(LAMBDA)}},
        "ListAttachedRolePolicies": {"AttachedPolicies": []},
        "ListRolePolicies": {"PolicyNames": ["own"]},
        "GetRolePolicy": {"PolicyDocument": RIGHTS},
        "GetPolicy": error("ResourceNotFoundException"),
        "GetRepositoryPolicy": error("RepositoryPolicyNotFoundException"),
        "GetResourcePolicy": {},
        "GetTopicAttributes": {"Attributes": {}},
        **answers,
    }
    asked: list[str] = []

    def answer(operation: str) -> Any:  # noqa: ANN401 - a function
        def answered(region: str, parameters: dict[str, Any]) -> dict[str, Any]:
            asked.append(f"{operation} {region} {json.dumps(parameters)}")
            # Every name but the server's on Lambda, which is public.
            assert parameters.get("FunctionName", ROLE) == ROLE
            if operation == "GetTopicAttributes":
                assert parameters["TopicArn"].split(":")[3] == region
            response: dict[str, Any] = found[operation]
            return response

        return answered

    stack = AnsweredStack(
        {operation: answer(operation) for operation in found},
        settings=settings,
        outputs={},
        region=REGION,
        state=state or _state(),
    )
    result = runner.run_one(CHECKS["P2-policy"], stack)
    assert asked
    return result


def test_a_stack_as_deployed_passes() -> None:
    result = _run()

    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_a_deployed_resource_that_violates_a_rule_fails() -> None:
    result = _run(_state(tags={}))

    assert result.outcome is Outcome.FAILED
    assert "Role lacks the tags ManagedBy, Project, Stack (tags)" in result.reason
    assert "run: python -m automation deploy --stack dev" in result.reason


@pytest.mark.parametrize(
    ("operation", "response", "says"),
    [
        (
            "GetRole",
            {"Role": {"AssumeRolePolicyDocument": policy(let("*", "sts:AssumeRole"))}},
            f'{ROLE} can be assumed by "*", changed by hand (trust)',
        ),
        (
            "GetRolePolicy",
            {"PolicyDocument": policy(allow("secretsmanager:*", SECRET))},
            f"{ROLE} allows secretsmanager:*, changed by hand (least-privilege)",
        ),
        (
            "ListRolePolicies",
            {"PolicyNames": ["own", "more"]},
            f"aws iam delete-role-policy --role-name {ROLE} --policy-name more",
        ),
        (
            "ListAttachedRolePolicies",
            {"AttachedPolicies": [{"PolicyName": "Admin", "PolicyArn": "arn:aws:iam::aws:a"}]},
            f"aws iam detach-role-policy --role-name {ROLE} --policy-arn arn:aws:iam::aws:a",
        ),
        ("GetPolicy", {"Policy": PUBLIC}, f"{ROLE} allows everyone sns:Publish"),
        (
            "GetRepositoryPolicy",
            {"policyText": PUBLIC},
            "neo4j-mcp-dev-server allows everyone sns:Publish",
        ),
        ("GetResourcePolicy", {"ResourcePolicy": PUBLIC}, "agent allows everyone sns:Publish"),
        (
            "GetTopicAttributes",
            {"Attributes": {"Policy": PUBLIC}},
            "edge-alarms allows everyone sns:Publish",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalpha() else "",
)
def test_rights_that_were_given_by_hand_fail(
    operation: str, response: dict[str, Any], says: str
) -> None:
    result = _run(**{operation: response})

    assert result.outcome is Outcome.FAILED
    assert says in result.reason
    assert "pulumi up --refresh --stack dev" in result.reason


def test_an_operation_that_is_refused_is_no_proof() -> None:
    result = _run(GetRepositoryPolicy=error("AccessDeniedException"))

    assert result.outcome is Outcome.FAILED
    assert "AccessDenied" in result.reason
