"""The options of `python -m automation probe`, and the role for it."""

import json

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.probes.registry import PROBES
from localcloud.aws.iam.rules import allows

_WIDE = {"COLUMNS": "300", "TERM": "dumb"}
_ACCOUNT = "111122223333"


def _run(*options: str, key: str = "probe") -> tuple[int, str]:
    done = CliRunner().invoke(app, [key, *options], env=_WIDE)
    return done.exit_code, done.output


def test_the_probes_are_listed_without_a_stack() -> None:
    status, output = _run("--stack", "none", "--list")
    assert status == 0
    rows = [line.split()[0] for line in output.splitlines()]
    for probe in PROBES.values():
        assert (probe.key in rows) is not probe.disruptive
    assert "(--disruptive): apprunner-second-operation" in output
    assert "on AWS and cost at most 0." in output


def test_the_list_shows_what_a_probe_needs_and_whether_callers_notice_it() -> None:
    _, output = _run("--stack", "none", "--list", "--disruptive")
    lines = {line.split()[0]: line for line in output.splitlines() if line}
    assert "(needs a stack on App Runner)" in lines["apprunner-idle-limits"]
    assert "(needs a stack on App Runner, callers may" in lines["apprunner-second-operation"]
    assert "needs" not in lines["ecr-login"]
    assert "Those that need a stack are left out without it." in output


def test_the_list_is_available_as_json() -> None:
    _, output = _run("--stack", "none", "--list", "--json", "--disruptive", "--only", "sts-*")
    [listed] = json.loads(output)
    assert listed["probe"] == "sts-signatures"
    assert listed["services"] == ["sts"]
    assert listed["recordedAt"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "bucket-*"), "'bucket-*' matches no probe; --list lists them"),
        (("--only", "apprunner-second-operation"), "needs --disruptive: callers may notice it"),
    ],
)
def test_what_cannot_be_chosen_is_refused(options: tuple[str, ...], words: str) -> None:
    status, output = _run("--stack", "none", *options)
    assert status == 2
    assert words in output


@pytest.mark.parametrize("options", [(), ("--clean",), ("--json",)])
def test_without_a_terminal_nothing_is_done_unless_the_command_says_yes(
    options: tuple[str, ...],
) -> None:
    status, output = _run("--stack", "none", *options)
    assert status == 3
    assert "Nobody can be asked here: to run without asking, add --yes" in output


def test_cleaning_up_without_a_terminal_does_not_speak_of_probes() -> None:
    _, output = _run("--stack", "none", "--clean")
    assert "probes take" not in output


@pytest.mark.parametrize(
    ("action", "own", "other"),
    [
        (
            "secretsmanager:GetSecretValue",
            "secretsmanager:us-east-1:{}:secret:neo4j-mcp-probe-0011aabb-a1B2c3",
            "secretsmanager:us-east-1:{}:secret:neo4j-mcp-dev-agent-credentials-k3x9q2ab-a1B2c3",
        ),
        (
            "lambda:UpdateFunctionConfiguration",
            "lambda:us-east-1:{}:function:neo4j-mcp-probe-0011aabb",
            "lambda:us-east-1:{}:function:neo4j-mcp-dev-claims",
        ),
        (
            "iam:PutRolePolicy",
            "iam::{}:role/neo4j-mcp-probe-0011aabb",
            "iam::{}:role/neo4j-mcp-dev-claims",
        ),
        (
            "logs:DeleteLogGroup",
            "logs:us-east-1:{}:log-group:/aws/lambda/neo4j-mcp-probe-0011aabb",
            "logs:us-east-1:{}:log-group:/aws/lambda/neo4j-mcp-dev-claims-k3x9q2ab",
        ),
        (
            "ecr:DeleteRepository",
            "ecr:us-east-1:{}:repository/neo4j-mcp-probe-0011aabb",
            "ecr:us-east-1:{}:repository/neo4j-mcp-dev-server",
        ),
        (
            "apprunner:DeleteVpcConnector",
            "apprunner:us-east-1:{}:vpcconnector/neo4j-mcp-probe-0011aabb-a/1/0a1b",
            "apprunner:us-east-1:{}:vpcconnector/neo4j-mcp-dev/1/0a1b",
        ),
        (
            "cloudwatch:DeleteAlarms",
            "cloudwatch:us-east-1:{}:alarm:neo4j-mcp-probe-0011aabb",
            "cloudwatch:us-east-1:{}:alarm:neo4j-mcp-dev-canary",
        ),
    ],
)
def test_the_role_reaches_the_probes_own_resources_only(action: str, own: str, other: str) -> None:
    document = _document()
    assert allows([document], action, f"arn:aws:{own.format(_ACCOUNT)}", {})
    assert not allows([document], action, f"arn:aws:{other.format(_ACCOUNT)}", {})


@pytest.mark.parametrize("action", ["cognito-idp:DeleteUserPool", "ec2:DeleteSecurityGroup"])
def test_what_has_no_name_is_reached_by_its_tag(action: str) -> None:
    document = _document()
    service, _, _ = action.partition(":")
    kind = "userpool/us-east-1_AbCdEfGhI" if service == "cognito-idp" else "security-group/sg-1"
    arn = f"arn:aws:{service}:us-east-1:{_ACCOUNT}:{kind}"
    assert allows([document], action, arn, {"aws:ResourceTag/CreatedBy": "neo4j-mcp-probe"})
    assert not allows([document], action, arn, {"aws:ResourceTag/Project": "neo4j-mcp"})


def _document() -> dict[str, object]:
    options = ("probe", "--document", "permissions", "--stack", "dev", "--account", _ACCOUNT)
    status, output = _run(*options, key="role")
    assert status == 0
    document: dict[str, object] = json.loads(output)
    return document
