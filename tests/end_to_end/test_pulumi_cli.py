"""A stack deployed with the plain Pulumi CLI, each command run by a shell."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from components.hosting.definitions import HOST_KEYS
from components.settings import Hosting
from localcloud.cloud import Cloud
from localcloud.paths import Home
from tests.repository import ROOT, configuration_keys
from tests.stand_in import Aws, shell_of

# The stack is on App Runner.
_OF_OTHER_HOSTS = {key for key, hosts in HOST_KEYS.items() if Hosting.APP_RUNNER not in hosts}

pytestmark = pytest.mark.stand_in

_STACK = "typed"
_TIMEOUT = 600
# What a person would set in the course of time; each is accepted, and deployed with the others.
_DEPLOYED = {
    "neo4jDatabase": "movies",
    "readOnly": "true",
    "resourceServerIdentifier": "graph",
    "scopes.admin.role": "admin",
    "scopes.admin.description": "Administer the graph",
    "clients.third.scopes[0]": "admin",
    "clients.third.tokenValidityMinutes": "30",
    "clients.third.rotationDays": "20",
    "rotationDays": "10",
    "overlapHours": "2",
    "userPoolTier": "PLUS",
    "cpu": "512",
    "memory": "1024",
    "minInstances": "2",
    "maxInstances": "4",
    "maxConcurrency": "20",
    "healthCheck.unhealthyThreshold": "4",
    "allowUnauthenticatedPing": "false",
    "allowUnauthenticatedToolsList": "false",
    "imageRetention": "5",
    "logLevel": "warning",
    "logRetentionDays": "3",
    "schemaSampleSize": "50",
    "tags.CostCenter": "42",
    "secretRecoveryDays": "7",
    "retainClaimsLog": "true",
}
# What would replace the service or name what isn't there is previewed only.
_PREVIEWED = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "namePrefix": "graph",
    "cognitoDomainPrefix": "my-own-prefix",
    "hosting": "apprunner",
    "nextHost.hosting": "lambda",
    "edge": "true",
    "accessLogs": "true",
    "monitoring.enabled": "true",
    "logKeyArn": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "edgeDomain.name": "mcp.example.com",
    "edgeDomain.certificateArn": (
        "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    ),
    "edgeRequestsPerIp": "1000",
    "serverVersion": "1.6.1",
    "tracing": "true",
    "deletionProtection": "true",
    "trustedCertificates": "",
    "endpointOverrides.cognitoIdp": "http://localhost:1",
    "vpcConnector.subnetIds[0]": "subnet-0123456789abcdef0",
    "vpcConnector.securityGroupIds[0]": "sg-0123456789abcdef0",
}
# In another preview, as it can't be combined with a prefix.
_DOMAIN = {
    "customDomain.name": "auth.example.com",
    "customDomain.certificateArn": (
        "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    ),
}


@dataclass(frozen=True)
class Kept:
    """The stack's secrets that are scheduled for deletion, and its claims function's logs."""

    secrets: Any
    logs: Any

    def secret_names(self) -> list[str]:
        listed = self.secrets.list_secrets(IncludePlannedDeletion=True, MaxResults=100)
        return [
            each["Name"]
            for each in listed["SecretList"]
            if each["Name"].startswith(f"neo4j-mcp-{_STACK}-") and each.get("DeletedDate")
        ]

    def log_groups(self) -> list[str]:
        prefix = f"/aws/lambda/neo4j-mcp-{_STACK}-claims"
        found = self.logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        return [group["logGroupName"] for group in found]


class Pulumi(Protocol):
    """Runs lines of a shell after `eval "$(make -s env)"`."""

    def __call__(self, script: str, *, fails: bool = False) -> str:
        """Run commands, and return their output."""


@pytest.fixture(scope="module")
def kept(aws: Aws) -> Iterator[Kept]:
    """Resources that outlive the stack on purpose; the test removes them."""
    found = Kept(secrets=aws("secretsmanager"), logs=aws("logs"))
    yield found
    for name in found.secret_names():
        found.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    for group in found.log_groups():
        found.logs.delete_log_group(logGroupName=group)


@pytest.fixture(scope="module")
def pulumi(running: Cloud, kept: Kept) -> Iterator[Pulumi]:
    """A shell with a separate stack, next to the one that the tests share."""
    assert not kept.secret_names()
    home = Home(running.home)
    environment = shell_of(home, running.ports) | {"PULUMI_STACK": _STACK}

    def run(script: str, *, fails: bool = False) -> str:
        done = subprocess.run(
            ["bash", "-eu", "-c", f'eval "$(make -s env)"\n{script}'],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=_TIMEOUT,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout

    run(f"pulumi stack init --no-select {_STACK}")
    try:
        yield run
    finally:
        run("pulumi destroy --yes --skip-preview && pulumi stack rm --yes")


@pytest.fixture
def stack_file(running: Cloud, pulumi: Pulumi) -> Iterator[Path]:  # noqa: ARG001 - creates the stack
    """The stack's file, with the configuration of the stack local."""
    path = Home(running.home).workspace / f"Pulumi.{_STACK}.yaml"
    stack = yaml.safe_load(path.read_text(encoding="utf-8"))
    local = yaml.safe_load(path.with_name("Pulumi.local.yaml").read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(stack | {"config": local["config"]}), encoding="utf-8")
    original = path.read_text(encoding="utf-8")
    yield path
    path.write_text(original, encoding="utf-8")


def _set(values: dict[str, str]) -> str:
    return "\n".join(f"pulumi config set {_key(key)} '{value}'" for key, value in values.items())


def _key(key: str) -> str:
    return f"{'--path ' if re.search(r'[.[]', key) else ''}'neo4j-mcp:{key}'"


def _counts(printed: str) -> dict[str, int]:
    summary = printed.rpartition("Resources:")[2]
    found = re.findall(r"^\s+[-+~]*\s*(\d+) (unchanged|\w+d|to \w+)$", summary, re.MULTILINE)
    return {operation: int(count) for count, operation in found}


def _previewed(pulumi: Pulumi, stack_file: Path, values: dict[str, str]) -> dict[str, int]:
    before = stack_file.read_text(encoding="utf-8")
    try:
        return _counts(pulumi(_set(values) + "\npulumi preview"))
    finally:
        stack_file.write_text(before, encoding="utf-8")


def test_every_key_has_a_case_here() -> None:
    cases = {re.split(r"[.[]", key)[0] for key in _DEPLOYED | _PREVIEWED | _DOMAIN}

    assert cases == configuration_keys() - _OF_OTHER_HOSTS


@pytest.mark.slow
@pytest.mark.usefixtures("stack_file")
def test_all_wrong_settings_are_reported_and_the_commands_fix_them(pulumi: Pulumi) -> None:
    wrong = {
        "memory": "lots",
        "cpu": "7",
        "readOnly": "perhaps",
        "logLevel": "loud",
        "healthCheck.interval": "0",
        "clients.third.scopes[0]": "writr",
        "tags.project": "x",
        "secretRecoveryDays": "3",
        "nmePrefix": "x",
    }
    pulumi(_set(wrong) + "\npulumi config set aws:region mars-1")

    refused = pulumi("pulumi preview", fails=True)

    assert "has 10 problems, so nothing was changed" in refused
    commands = re.findall(r"^          (pulumi config .*)$", refused, re.MULTILINE)
    assert len(commands) == 10
    # Whatever is reported is reported once.
    assert [refused.count(command) for command in commands] == [1] * 10
    # The example of the memory is one that the fixed cpu, 1024 units, goes with.
    pulumi("\n".join([*commands, "pulumi preview"]))


@pytest.mark.slow
def test_a_stack_is_deployed_changed_refreshed_destroyed_and_created_again(
    pulumi: Pulumi, stack_file: Path, kept: Kept
) -> None:
    # The commands of docs/stand-in.md, then every key, nearly all on the live stack at once.
    page = (ROOT / "docs" / "stand-in.md").read_text(encoding="utf-8")
    ((_, example),) = re.findall(r"<!-- example: (pulumi) -->\n```sh\n(.*?)\n```", page, re.DOTALL)
    assert "scopes" in pulumi(example)
    pulumi(_set(_DEPLOYED) + "\npulumi up --yes --skip-preview")
    outputs = json.loads(pulumi("pulumi stack output --json"))
    assert set(outputs["scopes"]) == {"graph/reader", "graph/writer", "graph/admin"}
    assert set(outputs["clients"]) == {"reader", "writer", "third"}

    # What was deployed is what there is.
    assert set(_counts(pulumi("pulumi refresh --yes --skip-preview"))) == {"unchanged"}
    assert set(_counts(pulumi("pulumi up --yes --skip-preview"))) == {"unchanged"}
    assert "to replace" in _previewed(pulumi, stack_file, _PREVIEWED)
    assert "to create" in _previewed(pulumi, stack_file, _DOMAIN)

    # A removed client's secret can be restored.
    arn = outputs["clients"]["third"]["secretArn"]
    pulumi("pulumi config rm --path neo4j-mcp:clients.third\npulumi up --yes --skip-preview")
    assert kept.secrets.describe_secret(SecretId=arn)["DeletedDate"]
    kept.secrets.restore_secret(SecretId=arn)
    assert "clientSecret" in kept.secrets.get_secret_value(SecretId=arn)["SecretString"]
    kept.secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)

    # Stack and client can be made again while the names of secrets and log are still taken.
    pulumi("pulumi destroy --yes --skip-preview")
    assert len(kept.secret_names()) == 3
    assert len(kept.log_groups()) == 1
    third = {key: value for key, value in _DEPLOYED.items() if key.startswith("clients.third")}
    made = _counts(pulumi(_set(third) + "\npulumi up --yes --skip-preview"))
    assert set(made) == {"created"}
    assert len(kept.log_groups()) == 2
