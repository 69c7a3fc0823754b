"""The pipelines' roles allow every AWS call of a deployment, on the stack's resources only."""

import ast
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from automation import checks, function_code, hosting, log_events, muting, support
from automation.audit import sources
from automation.grants import Purpose, StackLocation
from automation.hosting.hosts import HOSTS
from automation.roles import (
    access_log_permissions,
    host_permissions,
    monitoring_permissions,
    permissions,
    subject,
    trust,
)
from components.hosting.definitions import DEFINITIONS
from components.hosting.fargate import lookups
from components.names import ResourceNames
from components.settings import Hosting
from localcloud.aws.iam.rules import allows
from localcloud.providers.aws import provider as aws
from localcloud.providers.aws.resource import AwsResource
from tests.aws_actions import problems
from tests.aws_calls import action_of
from tests.pipeline_policies import policies

_SESSION = botocore.session.Session()
_ACCOUNT = "111122223333"
# No other name of a region is longer.
_LONGEST_REGION = "ap-southeast-1"
# Every host's module in automation.hosting.
_MODULES = {
    Hosting.APP_RUNNER: "apprunner",
    Hosting.FARGATE: "fargate",
    Hosting.LAMBDA: "lambda_",
}
_DRILLS = {"apprunner:StartDeployment", "ecs:UpdateService"}
# Only stacks of an earlier version have this, and lose it with the deployment that moves them.
_MOVED = "aws:secretsmanager/secretVersion:SecretVersion"


def _location(stack: str = "dev", region: str = "us-east-1") -> StackLocation:
    return StackLocation(
        names=ResourceNames(prefix="neo4j-mcp", stack=stack),
        project="neo4j-mcp",
        account=_ACCOUNT,
        region=region,
    )


def _policy(purpose: Purpose, *hosts: Hosting) -> dict[str, Any]:
    """Return a role's whole policy for some hosts; for all of them by default."""
    documents = policies(purpose, _location(), hosts or Hosting)
    return {"Statement": [each for document in documents for each in document["Statement"]]}


def _actions(purpose: Purpose, *hosts: Hosting) -> set[str]:
    statements = _policy(purpose, *hosts)["Statement"]
    return {action for statement in statements for action in statement["Action"]}


def _deployment_actions() -> Iterator[tuple[str, str]]:
    """Yield the AWS actions of all resource types, with the type."""
    yield "lambda:InvokeFunction", "aws:lambda/invocation:Invocation"
    yield "lambda:PublishVersion", "aws:lambda/function:Function"
    for resource in aws.RESOURCES:
        if not isinstance(resource, AwsResource):
            continue
        tagging = resource.tagging
        operations = {
            # Nothing creates a secret's value any more but the rotation function.
            *([] if resource.token == _MOVED else [resource.creates.name]),
            resource.reads.name,
            resource.deletes.name,
            *([resource.updates.name] if resource.updates else []),
            *([tagging.tag, tagging.untag, tagging.list] if tagging else []),
        }
        for operation in operations - {None}:
            yield action_of(resource.service, str(operation)), resource.token


@pytest.mark.parametrize(("action", "token"), sorted(_deployment_actions()))
def test_a_deployment_is_allowed_every_action_it_needs(action: str, token: str) -> None:
    # Those of the resources that are moved are added for one deployment.
    added = _actions(Purpose.UPGRADE) if token == _MOVED else set()
    assert action in _actions(Purpose.DEPLOY) | added


def test_only_a_check_and_an_upgrade_can_read_a_clients_secret() -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{_ACCOUNT}:secret:neo4j-mcp-dev-agent-credentials-"
    allowed = {
        purpose
        for purpose in Purpose
        if allows(
            [_policy(purpose)], "secretsmanager:GetSecretValue", f"{secret}k3x9q2ab-a1B2c3", {}
        )
    }
    assert allowed == {Purpose.CHECK, Purpose.UPGRADE}


def test_an_upgrade_adds_the_actions_on_secret_values_only() -> None:
    moved = {action for action, token in _deployment_actions() if token == _MOVED}
    assert _actions(Purpose.UPGRADE) == moved
    assert not moved & _actions(Purpose.DEPLOY)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_aws_has_every_action_with_its_resources_and_conditions(purpose: Purpose) -> None:
    document = json.dumps(_policy(purpose))
    assert "*" not in "".join(_actions(purpose))
    assert list(problems(document)) == []


def test_a_check_is_allowed_to_read_only() -> None:
    reading = ("Describe", "Get", "List", "Filter", "BatchGet", "Simulate", "Lookup")
    actions = _actions(Purpose.CHECK)
    assert all(action.split(":")[1].startswith(reading) for action in actions)
    # A deployment has no use for the clients' secrets, nor for who read them.
    secrets = {
        "cloudtrail:LookupEvents",
        "cognito-idp:ListUserPoolClientSecrets",
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
    }
    assert actions - secrets < _actions(Purpose.DEPLOY)


def _operations_in(files: Iterable[Path]) -> Iterator[str]:
    """Yield the AWS operations in source code."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="aws" | "_aws" | "aws_pages") | ast.Name(id="aws"),
                    args=[
                        ast.Constant(value=str(service)),
                        ast.Constant(value=str(operation)),
                        *_,
                    ],
                ):
                    names = {
                        xform_name(name): name
                        for name in _SESSION.get_service_model(service).operation_names
                    }
                    yield action_of(service, names[operation])


def test_a_check_is_allowed_every_action_it_needs() -> None:
    used = set(_operations_in(Path(checks.__file__).parent.glob("*.py")))
    assert len(used) > 10
    # These are called by what reads the state of a rotation.
    used |= {"secretsmanager:ListSecretVersionIds", "cognito-idp:ListUserPoolClientSecrets"}
    # One check creates an app client and deletes it again; without permission, it is skipped.
    changing = {"cognito-idp:CreateUserPoolClient", "cognito-idp:DeleteUserPoolClient"}
    assert used - changing <= _actions(
        Purpose.CHECK, *[host for host in Hosting if _has_image(host)]
    )
    assert changing <= _actions(Purpose.DEPLOY)


def _has_image(host: Hosting) -> bool:
    return DEFINITIONS[host].runs_image


@pytest.mark.parametrize("host", list(Hosting))
@pytest.mark.parametrize("purpose", [Purpose.CHECK, Purpose.DEPLOY])
def test_what_a_host_is_read_with_is_allowed(host: Hosting, purpose: Purpose) -> None:
    module = Path(hosting.__file__).with_name(f"{_MODULES[host]}.py")
    used = set(_operations_in([module]))
    assert used
    # Only a drill deploys again, with a person's own permissions.
    assert used - _DRILLS <= _actions(purpose, host)


@pytest.mark.parametrize(
    ("host", "actions"),
    [
        (Hosting.APP_RUNNER, {"apprunner:ListServices", "apprunner:CreateService"}),
        (
            Hosting.FARGATE,
            {"acm:DescribeCertificate", "ec2:DescribeInternetGateways", "route53:GetHostedZone"},
        ),
        (Hosting.LAMBDA, {"ec2:DescribeSecurityGroups", "lambda:GetAccountSettings"}),
    ],
)
def test_a_deployment_is_allowed_what_its_preflights_look_up(
    host: Hosting, actions: set[str]
) -> None:
    assert actions <= _actions(Purpose.DEPLOY, host)


def test_whoever_checks_may_read_the_audit() -> None:
    used = set(_operations_in([Path(sources.__file__), Path(log_events.__file__)]))
    assert len(used) == 3
    assert used <= _actions(Purpose.CHECK)


def test_a_check_is_allowed_what_support_needs() -> None:
    used = set(_operations_in(Path(support.__file__).parent.glob("*.py")))
    assert len(used) == 3, used
    assert used <= _actions(Purpose.CHECK)


def test_a_deployment_may_mute_its_alarms() -> None:
    used = set(_operations_in([Path(muting.__file__)]))
    assert len(used) == 3, used
    assert used <= _actions(Purpose.DEPLOY)


def test_a_deployment_may_restore_the_functions_code() -> None:
    used = set(_operations_in([Path(function_code.__file__)]))
    assert len(used) == 2
    assert used <= _actions(Purpose.DEPLOY)


def test_a_role_is_for_the_hosts_that_it_names() -> None:
    every_host = _actions(Purpose.DEPLOY)
    own = {
        host: {
            action
            for grant in HOSTS[host].access(_location()).grants
            for action in grant.actions(Purpose.DEPLOY)
        }
        for host in Hosting
    }
    # The edge and the other functions need some of the same actions, on other resources.
    common = set.intersection(*(_actions(Purpose.DEPLOY, host) for host in Hosting))
    for host in Hosting:
        others = {action for each in set(Hosting) - {host} for action in own[each]}
        foreign = others - own[host] - common
        granted = _actions(Purpose.DEPLOY, host)
        assert own[host] <= granted
        assert foreign <= every_host
        assert not foreign & granted
    passed = [
        each["Condition"]["StringEquals"]["iam:PassedToService"]
        for each in _policy(Purpose.DEPLOY, Hosting.LAMBDA)["Statement"]
        if each["Sid"] == "PassStackRoles"
    ]
    # Those of the claims and rotation functions and the server's, and the canary's.
    assert passed == [["lambda.amazonaws.com"]] * 2


# Operations of Pulumi's functions, which the program calls in a preview too.
_FUNCTIONS = {
    "get_managed_prefix_list": {
        "ec2:DescribeManagedPrefixLists",
        "ec2:GetManagedPrefixListEntries",
    },
    "get_route_table": {"ec2:DescribeRouteTables"},
    "get_route_tables": {"ec2:DescribeRouteTables"},
    "get_subnet": {"ec2:DescribeSubnets"},
    "get_subnets": {"ec2:DescribeSubnets"},
    "get_vpcs": {"ec2:DescribeVpcs"},
}


def _functions_in(file: Path) -> Iterator[str]:
    """Yield the functions of EC2 that a module calls through Pulumi."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="ec2"), attr=name)) if (
                name.startswith("get_")
            ):
                yield name


def test_a_preview_can_log_in_to_the_registry_and_look_up_fargates_network() -> None:
    login = {"ecr:GetAuthorizationToken"}
    called = set(_functions_in(Path(lookups.__file__)))
    assert _actions(Purpose.PREVIEW, Hosting.APP_RUNNER) == login
    assert _actions(Purpose.PREVIEW, Hosting.LAMBDA) == login
    looked_up = set().union(*(_FUNCTIONS[each] for each in called))
    assert looked_up
    assert _actions(Purpose.PREVIEW, Hosting.FARGATE) == login | looked_up


def test_deleting_a_security_group_is_allowed() -> None:
    # Pulumi's provider looks for interfaces in it first.
    used = {"ec2:DescribeNetworkInterfaces", "ec2:DeleteSecurityGroup"}
    assert used <= _actions(Purpose.DEPLOY, Hosting.FARGATE)


@pytest.mark.parametrize(
    ("action", "own", "other"),
    [
        ("ecr:PutImage", "ecr:us-east-1:{}:repository/neo4j-mcp-{}-server", None),
        ("iam:PutRolePolicy", "iam::{}:role/neo4j-mcp-{}-claims", "iam::{}:role/Admin"),
        ("lambda:UpdateFunctionCode", "lambda:us-east-1:{}:function:neo4j-mcp-{}-claims", None),
        ("lambda:InvokeFunction", "lambda:us-east-1:{}:function:neo4j-mcp-{}-rotation", None),
        ("events:PutTargets", "events:us-east-1:{}:rule/neo4j-mcp-{}-retirement", None),
        (
            "secretsmanager:RotateSecret",
            "secretsmanager:us-east-1:{}:secret:neo4j-mcp-{}-agent-credentials-k3x9q2ab-a1B2c3",
            None,
        ),
        (
            "apprunner:UpdateService",
            "apprunner:us-east-1:{}:service/neo4j-mcp-{}-server/0123456789abcdef",
            None,
        ),
        (
            "logs:PutRetentionPolicy",
            "logs:us-east-1:{}:log-group:/aws/lambda/neo4j-mcp-{}-claims-k3x9q2ab:*",
            None,
        ),
    ],
)
def test_other_stacks_resources_are_not_allowed(action: str, own: str, other: str | None) -> None:
    documents = [_policy(Purpose.DEPLOY)]
    other = other or own.replace("neo4j-mcp-{}", "neo4j-mcp-prod")
    assert allows(documents, action, f"arn:aws:{own.format(_ACCOUNT, 'dev')}", {})
    assert not allows(documents, action, f"arn:aws:{other.format(_ACCOUNT)}", {})


@pytest.mark.parametrize("purpose", [Purpose.DEPLOY, Purpose.OPERATE])
def test_no_role_can_invoke_the_claims_function(purpose: Purpose) -> None:
    function = f"arn:aws:lambda:us-east-1:{_ACCOUNT}:function:neo4j-mcp-dev"
    documents = [_policy(purpose)]
    assert allows(documents, "lambda:InvokeFunction", f"{function}-rotation", {})
    assert not allows(documents, "lambda:InvokeFunction", f"{function}-claims", {})


def test_only_a_deployment_can_invoke_the_server_and_only_its_versions() -> None:
    function = f"arn:aws:lambda:us-east-1:{_ACCOUNT}:function:neo4j-mcp-dev-function"
    for purpose in Purpose:
        documents = [_policy(purpose)]
        is_deployment = purpose is Purpose.DEPLOY
        assert allows(documents, "lambda:InvokeFunction", f"{function}:3", {}) is is_deployment
        assert not allows(documents, "lambda:InvokeFunction", function, {})


@pytest.mark.parametrize(
    ("action", "purposes"),
    [
        ("lambda:GetFunctionConfiguration", {Purpose.CHECK, Purpose.DEPLOY}),
        ("lambda:GetPolicy", {Purpose.CHECK, Purpose.DEPLOY}),
        ("lambda:AddPermission", {Purpose.DEPLOY}),
        ("lambda:UpdateFunctionUrlConfig", {Purpose.DEPLOY}),
    ],
)
def test_versions_and_the_alias_are_read_and_changed_by_their_own_arn(
    action: str, purposes: set[Purpose]
) -> None:
    alias = f"arn:aws:lambda:us-east-1:{_ACCOUNT}:function:neo4j-mcp-dev-function:live"
    assert {each for each in Purpose if allows([_policy(each)], action, alias, {})} == purposes


@pytest.mark.parametrize(
    ("stack", "allowed"), [("dev", True), ("prod", False)], ids=["own", "another's"]
)
def test_a_user_pool_is_identified_by_its_tags(stack: str, allowed: bool) -> None:
    documents = [_policy(Purpose.DEPLOY)]
    pool = f"arn:aws:cognito-idp:us-east-1:{_ACCOUNT}:userpool/us-east-1_Abc"
    for action, tag in (
        ("cognito-idp:CreateUserPool", "aws:RequestTag"),
        ("cognito-idp:UpdateUserPoolClient", "aws:ResourceTag"),
    ):
        context = {f"{tag}/Project": "neo4j-mcp", f"{tag}/Stack": stack}
        assert allows(documents, action, pool, context) is allowed
        assert not allows(documents, action, pool, {})


@pytest.mark.parametrize(
    ("service", "allowed"), [("lambda.amazonaws.com", True), ("ec2.amazonaws.com", False)]
)
def test_roles_can_be_passed_only_to_the_services_that_assume_them(
    service: str, allowed: bool
) -> None:
    role = f"arn:aws:iam::{_ACCOUNT}:role/neo4j-mcp-dev-claims"
    context = {"iam:PassedToService": service}
    assert allows([_policy(Purpose.DEPLOY)], "iam:PassRole", role, context) is allowed


@pytest.mark.parametrize(
    ("purpose", "claim"),
    [
        (Purpose.PREVIEW, "repo:someone/neo4j-mcp:pull_request"),
        (Purpose.CHECK, "repo:someone/neo4j-mcp:environment:dev"),
        (Purpose.DEPLOY, "repo:someone/neo4j-mcp:environment:dev"),
        (Purpose.OPERATE, "repo:someone/neo4j-mcp:environment:dev"),
    ],
)
def test_a_role_is_for_one_repository_and_environment(purpose: Purpose, claim: str) -> None:
    document = json.loads(
        trust(repository="someone/neo4j-mcp", subject=subject(purpose, "dev"), account=_ACCOUNT)
    )
    (statement,) = document["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": claim,
        }
    }
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::{_ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }


# Both hosts while a stack moves.
@pytest.mark.parametrize("hosts", list(itertools.combinations(Hosting, 2)))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_policy_fits_in_an_inline_policy(purpose: Purpose, hosts: tuple[Hosting, ...]) -> None:
    # The quota of a role's inline policies, in which white space doesn't count.
    # Source: "IAM and AWS STS quotas" in the IAM User Guide.
    assert (
        len("".join(permissions(purpose, _location("production", _LONGEST_REGION), hosts).split()))
        <= 10_240
    )


@pytest.mark.parametrize("host", list(Hosting))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_policy_of_a_host_fits_in_a_managed_policy(purpose: Purpose, host: Hosting) -> None:
    # Source: "IAM and AWS STS quotas" in the IAM User Guide.
    document = host_permissions(purpose, _location("production", _LONGEST_REGION), host) or ""
    assert len("".join(document.split())) <= 6_144
    assert bool(document) is (purpose in {Purpose.CHECK, Purpose.DEPLOY})


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_policy_of_access_logs_fits_in_a_managed_policy(purpose: Purpose) -> None:
    location = _location("production", _LONGEST_REGION)
    document = access_log_permissions(purpose, location) or ""
    assert len("".join(document.split())) <= 6_144
    assert bool(document) is (purpose in {Purpose.CHECK, Purpose.DEPLOY})


@pytest.mark.parametrize("hosts", list(itertools.combinations(Hosting, 2)))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_policy_of_the_monitoring_fits_in_a_managed_policy(
    purpose: Purpose, hosts: tuple[Hosting, ...]
) -> None:
    location = _location("production", _LONGEST_REGION)
    document = monitoring_permissions(purpose, location, hosts) or ""
    assert len("".join(document.split())) <= 6_144
    assert bool(document) is (purpose in {Purpose.CHECK, Purpose.DEPLOY})


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:cloudwatch:{region}:111122223333:alarm:neo4j-mcp-dev-edge-errors",
        "arn:aws:sns:{region}:111122223333:neo4j-mcp-dev-alarms",
    ],
)
def test_the_edges_alarm_and_topic_are_in_us_east_1_wherever_the_stack_is(resource: str) -> None:
    action = "cloudwatch:PutMetricAlarm" if "alarm:" in resource else "sns:CreateTopic"
    location = _location(region="eu-west-1")
    document = json.loads(monitoring_permissions(Purpose.DEPLOY, location, Hosting) or "")
    for region, allowed in (("eu-west-1", True), ("us-east-1", True), ("eu-west-2", False)):
        assert allows([document], action, resource.format(region=region), {}) is allowed
    other = resource.format(region="eu-west-1").replace("-dev-", "-prod-")
    assert not allows([document], action, other, {})
