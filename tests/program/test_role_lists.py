"""Every role that a stack creates: what it must be able to do, and what it must not."""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from automation.grants import StackLocation
from automation.role_lists.model import Access
from automation.role_lists.stack import StackParts, stack_roles
from components.configuration import parse_settings
from components.hosting.definitions import DEFINITIONS
from components.names import ResourceNames
from components.settings import Hosting, StackSettings
from localcloud.aws.iam.rules import Decision, Document, decide
from tests.aws_actions import problems
from tests.components.mocks import ACCOUNT, PROJECT, REGION, Result
from tests.program.conftest import ON_FARGATE, ON_LAMBDA, ROOT, Deploy, stack_configuration

_MONITORED = {"neo4j-mcp:monitoring": '{"enabled": true}'}
_VPC = json.dumps({"subnetIds": ["subnet-0000000a"], "securityGroupIds": ["sg-0000000a"]})
_CONNECTED = {"neo4j-mcp:tracing": "true", "neo4j-mcp:vpcConnector": _VPC}
# All that changes what a role may do.
_STACKS: Mapping[str, Mapping[str, str]] = {
    "App Runner": {},
    "App Runner, with everything": {**_MONITORED, **_CONNECTED},
    "Fargate": ON_FARGATE,
    "Fargate, with everything": {
        **ON_FARGATE,
        **_MONITORED,
        "neo4j-mcp:edge": "true",
        "neo4j-mcp:accessLogs": "true",
    },
    "Lambda": ON_LAMBDA,
    "Lambda, with everything": {**ON_LAMBDA, **_MONITORED, **_CONNECTED},
}
_ROLE_OF_STEM = {
    "claims_log_stem": "claims_function",
    "rotation_log_stem": "rotation_function",
    "canary_log_stem": "canary_function",
    "log_function_log_stem": "log_function",
    "task_log_stem": "task_execution_role",
    "server_log_stem": "server_function",
}
# What each function's code calls, as IAM and boto3 name the services.
_CODE = {
    "claims_function": ("claims", ()),
    "rotation_function": ("rotation", ("secretsmanager", "cognito-idp")),
    "canary_function": ("canary", ("secretsmanager", "cloudwatch")),
    "log_function": ("logs", ("logs",)),
}
_SESSION = botocore.session.Session()


def _settings(changes: Mapping[str, str]) -> StackSettings:
    configured = {**stack_configuration("dev"), **changes}
    values = {
        key.removeprefix(f"{PROJECT}:"): value
        for key, value in configured.items()
        if key.startswith(f"{PROJECT}:") and value
    }
    return parse_settings(values, project=PROJECT, stack="dev", region=REGION)


def _parts(result: Result, settings: StackSettings) -> StackParts:
    location = StackLocation(
        names=ResourceNames(prefix=settings.name_prefix, stack="dev"),
        project=PROJECT,
        account=ACCOUNT,
        region=REGION,
    )
    names = location.names
    groups = [each.inputs["name"] for each in result.of_type("aws:cloudwatch/logGroup:LogGroup")]
    secrets = {
        client: location.arn("secretsmanager", f"secret:{each.inputs['name']}")
        for each in result.of_type("aws:secretsmanager/secret:Secret")
        for client in settings.all_clients
        if each.inputs["name"].startswith(names.secret(client))
    }
    services = result.of_type("aws:apprunner/service:Service")
    return StackParts(
        location=location,
        settings=settings,
        secrets=secrets,
        user_pool=location.arn("cognito-idp", f"userpool/{REGION}_Example01"),
        log_groups={
            getattr(names, role): location.arn("logs", f"log-group:{group}")
            for stem, role in _ROLE_OF_STEM.items()
            for group in groups
            if group.startswith(getattr(names, stem))
        },
        service_log_groups=[
            location.arn("logs", f"log-group:/aws/apprunner/{names.service}/0123/{each}")
            for each in ("application", "service")
            if services
        ],
    )


def _documents(result: Result) -> dict[str, list[Document]]:
    """Return the policies of every role, by the role's name."""
    documents: dict[str, list[Document]] = {
        each.inputs["name"]: [] for each in result.of_type("aws:iam/role:Role")
    }
    for each in result.of_type("aws:iam/rolePolicy:RolePolicy"):
        documents[each.inputs["role"]].append(json.loads(each.inputs["policy"]))
    return documents


def _is_allowed(documents: list[Document], access: Access) -> bool:
    decision = decide(documents, access.action, access.resource, access.context, complete=True)
    return decision is Decision.ALLOWED


@pytest.fixture(params=_STACKS)
def changes(request: pytest.FixtureRequest) -> Mapping[str, str]:
    return _STACKS[request.param]


def test_a_role_can_do_what_it_must_and_nothing_that_it_must_not(
    deploy: Deploy, changes: Mapping[str, str]
) -> None:
    result = deploy("dev", changes)
    documents = _documents(result)
    lists = stack_roles(_parts(result, _settings(changes)))

    assert set(lists) == set(documents), "a role has no lists"
    for role, listed in lists.items():
        wrong = [
            (role, each.action, each.resource)
            for expected, accesses in ((True, listed.must), (False, listed.must_not))
            for each in accesses
            if _is_allowed(documents[role], each) is not expected
        ]
        assert wrong == []
        assert len(listed.must_not) > 50


def test_a_role_is_allowed_no_action_that_it_does_not_need(
    deploy: Deploy, changes: Mapping[str, str]
) -> None:
    result = deploy("dev", changes)
    lists = stack_roles(_parts(result, _settings(changes)))
    for role, documents in _documents(result).items():
        allowed = {
            action
            for document in documents
            for statement in document["Statement"]
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
        }
        assert allowed == {each.action for each in lists[role].must}


def test_aws_has_every_action_with_its_resources_and_conditions(
    deploy: Deploy, changes: Mapping[str, str]
) -> None:
    policies = deploy("dev", changes).of_type("aws:iam/rolePolicy:RolePolicy")
    assert [problem for each in policies for problem in problems(each.inputs["policy"])] == []


@pytest.mark.parametrize("function", _CODE)
def test_a_function_calls_what_its_role_must_be_able_to_do(deploy: Deploy, function: str) -> None:
    changes = _STACKS["App Runner, with everything"]
    parts = _parts(deploy("dev", changes), _settings(changes))
    folder, services = _CODE[function]
    # Its own log is written by Lambda's runtime, for the function.
    own_log = {"logs:CreateLogStream", "logs:PutLogEvents"}
    must = {
        each.action for each in stack_roles(parts)[getattr(parts.location.names, function)].must
    }
    assert must - own_log == {
        call for service in services for call in _calls(ROOT / "functions" / folder, service)
    }


def _calls(folder: Path, service: str) -> Iterator[str]:
    """Yield the actions of a service that code calls by its name in boto3."""
    operations = {
        xform_name(each): each for each in _SESSION.get_service_model(service).operation_names
    }
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr=name) | ast.Constant(value=str(name)) if name in operations:
                    yield f"{service}:{operations[name]}"


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("claims_function", {"Action": "secretsmanager:GetSecretValue", "Resource": "*"}),
        ("instance_role", {"Action": "*", "Resource": "*"}),
        ("rotation_function", {"Action": "cognito-idp:*", "Resource": "*"}),
        ("canary_function", {"Action": "cloudwatch:PutMetricData", "Resource": "*"}),
    ],
)
def test_a_role_that_may_more_is_noticed(
    deploy: Deploy, role: str, statement: Mapping[str, Any]
) -> None:
    changes = _STACKS["App Runner, with everything"]
    result = deploy("dev", changes)
    parts = _parts(result, _settings(changes))
    name = getattr(parts.location.names, role)
    documents = [*_documents(result)[name], {"Statement": [{"Effect": "Allow", **statement}]}]

    assert any(_is_allowed(documents, each) for each in stack_roles(parts)[name].must_not)


def test_every_host_is_listed() -> None:
    hosts = {_settings(changes).hosting for changes in _STACKS.values()}
    assert hosts == set(DEFINITIONS) == set(Hosting)
