"""Every configuration key, changed on a live stack with the unmodified engine."""

import json
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from automation.deployment import Changes, Deployment, DeploymentError, Target
from automation.policy.changes import violations
from automation.policy.expectations import Expectations
from automation.target import resource_names, stack_settings
from components.hosting.definitions import HOST_KEYS
from components.settings import Hosting
from demo.stand_in import target
from functions.rotation.credentials import Credentials
from functions.rotation.token_endpoint import token_refusal
from localcloud.certificates import CertificateAuthority
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from tests.repository import configuration_keys
from tests.stand_in import Aws

# The stack is on App Runner.
_OF_OTHER_HOSTS = {key for key, hosts in HOST_KEYS.items() if Hosting.APP_RUNNER not in hosts}

pytestmark = pytest.mark.stand_in

_CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/tokens"
_SCOPES = {
    "reader": {"description": "Read all of the graph", "role": "reader"},
    "admin": {"description": "Do everything", "role": "admin"},
}
_CLIENTS = {
    "reader": {"scopes": ["admin", "reader"], "tokenValidityMinutes": 30},
    # The scope writer is removed, and leaves its holder with another one.
    "writer": {"scopes": ["reader"]},
    # Added while the token endpoint can't be reached, as before a custom domain's record exists.
    "auditor": {"scopes": ["reader"], "rotationDays": 40},
}
_HEALTH_CHECK = {
    "protocol": "TCP",
    "interval": 2,
    "timeout": 2,
    "healthyThreshold": 2,
    "unhealthyThreshold": 4,
}


@dataclass(kw_only=True)
class Live:
    """A deployed stack, with access to AWS."""

    deployment: Deployment
    settings: Path
    aws: Aws
    prefix: str
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def up(self) -> Changes:
        deployed = self.deployment.up()
        self.outputs = deployed.outputs
        return deployed.changes

    @property
    def finished(self) -> bool:
        """Whether the engine finds no changes, with and without a refresh."""
        return self.deployment.preview().none and self.deployment.preview(refresh=True).none

    def configure(self, values: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> None:
        """Set configuration keys, as `pulumi config set` does."""
        stack = yaml.safe_load(self.settings.read_text(encoding="utf-8"))
        stack["config"] |= {f"neo4j-mcp:{key}": value for key, value in values.items()}
        for key in without:
            stack["config"].pop(f"neo4j-mcp:{key}", None)
        self.settings.write_text(yaml.safe_dump(stack), encoding="utf-8")

    def state(self, name: str) -> dict[str, Any]:
        """A resource in the engine's state."""
        resources = self.deployment.state()["resources"]
        (found,) = [each for each in resources if each["urn"].endswith(f"::{name}")]
        return dict(found)

    def service(self) -> dict[str, Any]:
        apprunner = self.aws("apprunner")
        (arn,) = [
            each["ServiceArn"]
            for each in apprunner.list_services()["ServiceSummaryList"]
            if each["ServiceName"].startswith(f"{self.prefix}-")
        ]
        found: dict[str, Any] = apprunner.describe_service(ServiceArn=arn)["Service"]
        return found

    def variable(self, name: str) -> str:
        repository = self.service()["SourceConfiguration"]["ImageRepository"]
        return str(repository["ImageConfiguration"]["RuntimeEnvironmentVariables"][name])

    def scaling(self) -> dict[str, Any]:
        summary = self.service()["AutoScalingConfigurationSummary"]
        answer = self.aws("apprunner").describe_auto_scaling_configuration(
            AutoScalingConfigurationArn=summary["AutoScalingConfigurationArn"]
        )
        found: dict[str, Any] = answer["AutoScalingConfiguration"]
        return found

    def pool(self) -> dict[str, Any]:
        pool = self.outputs["issuer"].rpartition("/")[2]
        answer = self.aws("cognito-idp").describe_user_pool(UserPoolId=pool)
        found: dict[str, Any] = answer["UserPool"]
        return found

    def client(self, name: str) -> dict[str, Any]:
        client = self.outputs["clients"][name]["clientId"]
        answer = self.aws("cognito-idp").describe_user_pool_client(
            UserPoolId=self.pool()["Id"], ClientId=client
        )
        found: dict[str, Any] = answer["UserPoolClient"]
        return found

    def credentials(self, name: str) -> dict[str, Any]:
        arn = self.outputs["clients"][name]["secretArn"]
        value = self.aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        found: dict[str, Any] = json.loads(value)
        return found

    def rotation(self, name: str) -> dict[str, Any]:
        arn = self.outputs["clients"][name]["secretArn"]
        found: dict[str, Any] = self.aws("secretsmanager").describe_secret(SecretId=arn)
        return found

    def retirement(self) -> dict[str, int]:
        """The overlap of each client's secret, as the hourly rule has it."""
        targets = self.aws("events").list_targets_by_rule(Rule=f"{self.prefix}-retirement")
        (target,) = targets["Targets"]
        retired = json.loads(target["Input"])["retire"]
        return {each["secret"]: each["overlapHours"] for each in retired}

    def scopes(self) -> dict[str, str]:
        identifier = self.outputs["resourceServerIdentifier"]
        server = self.aws("cognito-idp").describe_resource_server(
            UserPoolId=self.pool()["Id"], Identifier=identifier
        )["ResourceServer"]
        return {each["ScopeName"]: each["ScopeDescription"] for each in server["Scopes"]}

    def kept_images(self) -> int:
        policy = self.aws("ecr").get_lifecycle_policy(repositoryName=f"{self.prefix}-server")
        rule = json.loads(policy["lifecyclePolicyText"])["rules"][0]
        return int(rule["selection"]["countNumber"])

    def log_retention(self) -> int:
        name = f"/aws/lambda/{self.prefix}-claims"
        (group,) = self.aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return int(group["retentionInDays"])

    def tags(self) -> dict[str, str]:
        arn = self.service()["ServiceArn"]
        tags = self.aws("apprunner").list_tags_for_resource(ResourceArn=arn)["Tags"]
        return {each["Key"]: each["Value"] for each in tags}

    def connector(self) -> dict[str, Any] | None:
        egress = self.service()["NetworkConfiguration"]["EgressConfiguration"]
        arn = egress.get("VpcConnectorArn")
        if arn is None:
            return None
        answer = self.aws("apprunner").describe_vpc_connector(VpcConnectorArn=arn)
        found: dict[str, Any] = answer["VpcConnector"]
        return found

    def connectors(self) -> list[str]:
        listed = self.aws("apprunner").list_vpc_connectors()["VpcConnectors"]
        return [each["VpcConnectorArn"] for each in listed]

    def names(self) -> list[str]:
        """All unique names in the account."""
        listings = (
            ("apprunner", "list_services", "ServiceSummaryList", "ServiceName"),
            ("ecr", "describe_repositories", "repositories", "repositoryName"),
            ("events", "list_rules", "Rules", "Name"),
            ("iam", "list_roles", "Roles", "RoleName"),
            ("lambda", "list_functions", "Functions", "FunctionName"),
            ("secretsmanager", "list_secrets", "SecretList", "Name"),
        )
        functions = self.aws("cloudfront").list_functions()["FunctionList"].get("Items", [])
        web_acls = self.aws("wafv2").list_web_acls(Scope="CLOUDFRONT")["WebACLs"]
        return [
            *(
                each[name]
                for service, operation, listed, name in listings
                for each in getattr(self.aws(service), operation)()[listed]
            ),
            *(each["Name"] for each in (*functions, *web_acls)),
        ]


@pytest.fixture(scope="module")
def live(running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws) -> Live:
    settings = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    prefix = f"neo4j-mcp-{STACK}"
    return Live(deployment=deployed, settings=settings, aws=aws, prefix=prefix, outputs=outputs)


@dataclass(frozen=True, kw_only=True)
class Change:
    """Another value of a key, and its effect on AWS.

    Attributes:
        value: the value; a function takes the value that is there.
        seen: how it shows; `before` are the outputs before the change.
    """

    value: Any
    seen: Callable[[Live, Mapping[str, Any]], object]


def _one_more_authority(certificates: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        authority = CertificateAuthority.load_or_create(Path(directory))
        return certificates + authority.certificate_path.read_text(encoding="utf-8")


def _variable(name: str, value: str) -> Callable[[Live, Mapping[str, Any]], bool]:
    return lambda live, _: live.variable(name) == value


_IN_PLACE: Mapping[str, Change] = {
    "neo4jUri": Change(
        value=lambda uri: uri.replace("neo4j+s:", "bolt+s:"),
        seen=lambda live, _: live.variable("NEO4J_MCP_URI").startswith("bolt+s:"),
    ),
    "neo4jDatabase": Change(value="movies", seen=_variable("NEO4J_MCP_DATABASE", "movies")),
    "readOnly": Change(value=True, seen=_variable("NEO4J_MCP_READ_ONLY", "true")),
    "logLevel": Change(value="debug", seen=_variable("NEO4J_MCP_LOG_LEVEL", "debug")),
    "schemaSampleSize": Change(value=7, seen=_variable("NEO4J_MCP_SCHEMA_SAMPLE_SIZE", "7")),
    "allowUnauthenticatedPing": Change(
        value=False, seen=_variable("NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_PING", "false")
    ),
    "allowUnauthenticatedToolsList": Change(
        value=False, seen=_variable("NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_TOOLS_LIST", "false")
    ),
    "cpu": Change(
        value=512, seen=lambda live, _: live.service()["InstanceConfiguration"]["Cpu"] == "512"
    ),
    "memory": Change(
        value=1024, seen=lambda live, _: live.service()["InstanceConfiguration"]["Memory"] == "1024"
    ),
    "minInstances": Change(value=2, seen=lambda live, _: live.scaling()["MinSize"] == 2),
    "maxInstances": Change(value=4, seen=lambda live, _: live.scaling()["MaxSize"] == 4),
    "maxConcurrency": Change(value=9, seen=lambda live, _: live.scaling()["MaxConcurrency"] == 9),
    "healthCheck": Change(
        value=_HEALTH_CHECK,
        seen=lambda live, _: (
            live.service()["HealthCheckConfiguration"]
            == {
                "Path": "/",
                **{key[0].upper() + key[1:]: each for key, each in _HEALTH_CHECK.items()},
            }
        ),
    ),
    "tracing": Change(
        value=True,
        seen=lambda live, _: live.service()["ObservabilityConfiguration"]["ObservabilityEnabled"],
    ),
    "trustedCertificates": Change(
        value=_one_more_authority,
        seen=lambda live, before: (
            live.outputs["imageDigest"] != before["imageDigest"]
            and live.service()["SourceConfiguration"]["ImageRepository"][
                "ImageIdentifier"
            ].endswith(live.outputs["imageDigest"])
        ),
    ),
    "imageRetention": Change(value=3, seen=lambda live, _: live.kept_images() == 3),
    "logRetentionDays": Change(value=14, seen=lambda live, _: live.log_retention() == 14),
    "userPoolTier": Change(
        value="PLUS", seen=lambda live, _: live.pool()["UserPoolTier"] == "PLUS"
    ),
    "tags": Change(value={"Team": "graph"}, seen=lambda live, _: live.tags()["Team"] == "graph"),
    "scopes": Change(
        value=_SCOPES,
        seen=lambda live, _: (
            live.scopes() == {name: scope["description"] for name, scope in _SCOPES.items()}
            and '"admin"=admin' in live.outputs["auraSso"]["groupToRoleMapping"]
        ),
    ),
    "clients": Change(
        value=_CLIENTS,
        seen=lambda live, before: (
            live.client("reader")["AccessTokenValidity"] == 30
            and live.client("reader")["ClientId"] == before["clients"]["reader"]["clientId"]
            and sorted(live.client("reader")["AllowedOAuthScopes"])
            == sorted(live.credentials("reader")["scopes"])
            == ["neo4j-mcp/admin", "neo4j-mcp/reader"]
            and set(live.outputs["clients"]) == set(_CLIENTS)
            and live.credentials("auditor")["clientId"] == live.client("auditor")["ClientId"]
            and live.rotation("auditor")["RotationRules"] == {"AutomaticallyAfterDays": 40}
        ),
    ),
    "rotationDays": Change(
        value=0, seen=lambda live, _: not live.rotation("reader").get("RotationEnabled")
    ),
    "overlapHours": Change(
        value=5,
        seen=lambda live, _: (
            live.retirement() == {each["secretArn"]: 5 for each in live.outputs["clients"].values()}
        ),
    ),
    "secretRecoveryDays": Change(
        value=7,
        # AWS gets the number only when a secret is deleted.
        seen=lambda live, _: (
            live.state("credentials-reader")["outputs"]["recoveryWindowInDays"] == 7
        ),
    ),
    "retainClaimsLog": Change(
        value=True, seen=lambda live, _: live.state("identity-claims-log")["retainOnDelete"]
    ),
    "endpointOverrides": Change(
        value=lambda overrides: {**overrides, "cognitoDomain": "http://tokens.localhost:1"},
        seen=lambda live, _: (
            live.credentials("reader")["tokenUrl"]
            == live.outputs["tokenUrl"]
            == "http://tokens.localhost:1/oauth2/token"
        ),
    ),
}


# Keys whose change replaces something, or that can't be combined with those above.
_REPLACING = {
    "cognitoDomainPrefix",
    "customDomain",
    "deletionProtection",
    "namePrefix",
    "resourceServerIdentifier",
    "vpcConnector",
}
# Their cases are in a test of the edge.
_EDGE = {"edge", "edgeDomain", "edgeRequestsPerIp"}
# Its case needs a key, which a test of its own makes.
_KEY = {"logKeyArn"}
# Its cases are in test_canary.py, which switches it on and off.
_MONITORING = {"monitoring"}
# A change of these is refused before anything happens, as there is only one value to have.
_REFUSED: Mapping[str, tuple[Any, str]] = {
    # App Runner has no access log, and the edge isn't in front of it.
    "accessLogs": (True, "needs the edge"),
    "hosting": ("ecs", "apprunner"),
    # Another one is added in test_moving.py.
    "nextHost": ({"hosting": "apprunner"}, "must differ from hosting"),
    "serverVersion": ("1.5.0", "1.6.1"),
}


def test_every_key_of_the_configuration_has_a_case() -> None:
    tested = {*_IN_PLACE, *_REPLACING, *_EDGE, *_KEY, *_MONITORING, *_REFUSED}
    assert tested == configuration_keys() - _OF_OTHER_HOSTS


@contextmanager
def _restoring(live: Live) -> Iterator[None]:
    """Restore the configuration and the stack."""
    configuration = live.settings.read_text(encoding="utf-8")
    outputs = live.outputs
    try:
        yield
    finally:
        live.settings.write_text(configuration, encoding="utf-8")
        live.up()
    # An image that is built again has another digest.
    assert {**live.outputs, "imageDigest": ""} == {**outputs, "imageDigest": ""}


def _replaced(changes: Changes) -> set[str]:
    return {
        urn.rpartition("::")[2]
        for urn, operation in changes.resources.items()
        if "replace" in operation
    }


@pytest.fixture(scope="class")
def before(live: Live) -> Mapping[str, Any]:
    """The stack's outputs before any change."""
    return live.outputs


@pytest.fixture(scope="class")
def changed(live: Live, before: Mapping[str, Any]) -> Iterator[Live]:
    with _restoring(live):
        configured = yaml.safe_load(live.settings.read_text(encoding="utf-8"))["config"]
        live.configure(
            {
                key: change.value(configured[f"neo4j-mcp:{key}"])
                if callable(change.value)
                else change.value
                for key, change in _IN_PLACE.items()
            }
        )
        # A new revision, a new policy and new addresses; the service and the clients stay.
        assert _replaced(live.up()) == {
            "server-scaling",
            "image-lifecycle",
            *(f"credentials-{client}-publication" for client in before["clients"]),
        }
        yield live


class TestInPlace:
    """Changes that can be deployed together."""

    @pytest.mark.parametrize("key", _IN_PLACE)
    def test_a_changed_key_shows_on_aws(
        self, changed: Live, before: Mapping[str, Any], key: str
    ) -> None:
        assert _IN_PLACE[key].seen(changed, before)

    def test_nothing_is_left_to_do(self, changed: Live) -> None:
        assert changed.finished


@pytest.mark.slow
def test_domains_identifiers_and_connectors_are_replaced(live: Live) -> None:
    with _restoring(live):
        connection = {"subnetIds": ["subnet-0000000a"], "securityGroupIds": ["sg-0000000a"]}
        live.configure(
            {
                "cognitoDomainPrefix": "live-changes-tokens",
                "resourceServerIdentifier": "https://graph.example.com",
                "vpcConnector": connection,
            }
        )
        live.up()
        assert live.pool()["Domain"] == "live-changes-tokens"
        assert set(live.scopes()) == {"reader", "writer"}
        assert sorted(live.client("writer")["AllowedOAuthScopes"]) == [
            "https://graph.example.com/reader",
            "https://graph.example.com/writer",
        ]
        first = live.connector()
        assert first is not None
        assert first["Subnets"] == ["subnet-0000000a"]

        live.configure({"vpcConnector": connection | {"subnetIds": ["subnet-0000000b"]}})
        settings = stack_settings(live.deployment, live.deployment.configuration())
        expected = Expectations.of(settings, resource_names(live.deployment))
        broken = violations(live.deployment.preview().steps, expected)
        assert [each.rule for each in broken] == ["vpc-connector"]
        with pytest.raises(DeploymentError, match="security groups combination"):
            live.up()
        assert live.connector() == first

        live.configure(
            {
                "customDomain": {"name": "tokens.example.com", "certificateArn": _CERTIFICATE},
                "vpcConnector": {
                    "subnetIds": ["subnet-0000000b"],
                    "securityGroupIds": ["sg-0000000b"],
                },
            },
            without=("cognitoDomainPrefix",),
        )
        live.up()
        assert live.pool()["CustomDomain"] == "tokens.example.com"
        assert not live.pool().get("Domain")
        second = live.connector()
        assert second is not None
        assert second["Subnets"] == ["subnet-0000000b"]
        assert live.connectors() == [second["VpcConnectorArn"]] != [first["VpcConnectorArn"]]
        assert live.finished
    assert live.connectors() == []
    assert live.finished


def _distributions(live: Live) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (
        live.aws("cloudfront").list_distributions()["DistributionList"].get("Items", [])
    )
    return listed


def _request_limits(live: Live) -> list[int]:
    waf = live.aws("wafv2")
    limits = []
    for each in waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]:
        found = waf.get_web_acl(Name=each["Name"], Id=each["Id"], Scope="CLOUDFRONT")["WebACL"]
        (rule,) = found["Rules"]
        limits.append(int(rule["Statement"]["RateBasedStatement"]["Limit"]))
    return limits


def _access_logs(live: Live) -> list[str]:
    """Return the log groups of access logs."""
    prefix = f"/aws/vendedlogs/{live.prefix}-"
    found = live.aws("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return [str(each["logGroupName"]) for each in found]


def _keys(live: Live) -> dict[str, str | None]:
    """Return the keys of the log groups, those of the running service among them, by their names.

    App Runner leaves the groups of services that were deleted.
    """
    service = live.service()
    stems = (
        f"/aws/lambda/{live.prefix}-",
        f"/aws/apprunner/{service['ServiceName']}/{service['ServiceId']}/",
    )
    logs = live.aws("logs")
    return {
        str(each["logGroupName"]): each.get("kmsKeyId")
        for stem in stems
        for each in logs.describe_log_groups(logGroupNamePrefix=stem)["logGroups"]
    }


@pytest.mark.slow
def test_every_log_group_is_encrypted_with_a_key(live: Live) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": [
                    "kms:Encrypt*",
                    "kms:Decrypt*",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:Describe*",
                ],
                "Resource": "*",
            }
        ],
    }
    key = live.aws("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    with _restoring(live):
        live.configure({"logKeyArn": key})
        live.up()
        found = _keys(live)
        assert set(found.values()) == {key}
        # The functions' three, and App Runner's two.
        assert len(found) == 5

        live.configure({}, without=("logKeyArn",))
        live.up()
        left = _keys(live)
        own = {name: found for name, found in left.items() if name.startswith("/aws/lambda/")}
        assert set(own.values()) == {None}
        # Nothing configures App Runner's groups any more: docs/logs.md says how to.
        assert {left[name] for name in left.keys() - own.keys()} == {key}


@pytest.mark.slow
def test_an_edge_is_added_changed_and_removed(live: Live, running: Cloud) -> None:
    authority = CertificateAuthority(directory=Home(running.home).authority)
    tls = ssl.create_default_context(cafile=str(authority.certificate_path))
    direct = live.outputs["mcpUrl"]
    with _restoring(live), httpx2.Client(verify=tls, timeout=30) as caller:
        live.configure({"edge": True})
        live.up()
        edge = live.outputs["edgeUrl"]
        assert live.outputs["mcpUrl"] == direct
        challenge = caller.post(edge).headers["www-authenticate"]
        assert f"{edge.removesuffix('/mcp')}/.well-known/oauth-protected-resource/mcp" in challenge
        assert live.finished

        certificate = live.aws("acm").request_certificate(
            DomainName="mcp.example.com", ValidationMethod="DNS"
        )["CertificateArn"]
        domain = {"name": "mcp.example.com", "certificateArn": certificate}
        live.configure({"accessLogs": True, "edgeDomain": domain, "edgeRequestsPerIp": 1000})
        assert _replaced(live.up()) == set()
        (distribution,) = _distributions(live)
        assert distribution["Aliases"]["Items"] == ["mcp.example.com"]
        assert live.outputs["edgeUrl"] == "https://mcp.example.com/mcp"
        assert live.outputs["edgeDomainTarget"] == distribution["DomainName"]
        assert _request_limits(live) == [1000]
        assert len(_access_logs(live)) == 1
        live.configure({"edgeRequestsPerIp": 2000})
        live.up()
        assert _request_limits(live) == [2000]

        live.configure({}, without=("accessLogs", "edgeDomain", "edgeRequestsPerIp"))
        live.up()
        assert live.outputs["edgeUrl"] == edge
        assert _request_limits(live) == []
        assert _access_logs(live) == []
        assert caller.post(edge).status_code == 401
        assert live.finished
    assert _distributions(live) == []
    assert live.finished


def _refusal(credentials: Mapping[str, Any]) -> str | None:
    """Request a token as a client, and return why none was issued."""
    refusal = token_refusal(Credentials.parse(json.dumps(credentials)))
    return None if refusal is None else str(refusal)


def test_a_disabled_client_gets_no_token_until_it_is_enabled(live: Live) -> None:
    before = {name: live.credentials(name) for name in ("reader", "writer")}
    clients = yaml.safe_load(live.settings.read_text(encoding="utf-8"))["config"][
        "neo4j-mcp:clients"
    ]
    with _restoring(live):
        live.configure({"clients": {**clients, "reader": {**clients["reader"], "enabled": False}}})
        live.up()
        assert "invalid_grant" in (_refusal(before["reader"]) or "")
        assert _refusal(before["writer"]) is None
        audience = live.outputs["auraSso"]["audience"]
        assert audience == [live.outputs["clients"]["writer"]["clientId"]]
        assert not live.rotation("reader").get("RotationEnabled")
        assert live.rotation("writer")["RotationEnabled"]
        assert live.finished
    assert {name: live.credentials(name) for name in before} == before
    assert _refusal(before["reader"]) is None
    assert live.rotation("reader")["RotationEnabled"]


@pytest.mark.parametrize("key", _REFUSED)
def test_an_unavailable_value_is_refused_before_anything_happens(live: Live, key: str) -> None:
    configuration = live.settings.read_text(encoding="utf-8")
    wrong, right = _REFUSED[key]
    live.configure({key: wrong})
    try:
        with pytest.raises(DeploymentError, match=rf"neo4j-mcp:{key}(?s:.*){right}"):
            live.up()
    finally:
        live.settings.write_text(configuration, encoding="utf-8")


@pytest.fixture
def second_stack(running: Cloud, live: Live) -> Iterator[Live]:
    """A separate stack, for changes that replace the issuer and all client ids."""
    home = target(running)
    workspace = home.workspace / "second"
    workspace.mkdir()
    project = yaml.safe_load((home.workspace / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = f"../{project['main']}"
    (workspace / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    stack = yaml.safe_load(live.settings.read_text(encoding="utf-8"))
    del stack["encryptionsalt"]
    settings = workspace / "Pulumi.second.yaml"
    settings.write_text(yaml.safe_dump(stack), encoding="utf-8")
    deployment = Deployment(
        Target(
            stack="second",
            workspace=workspace,
            engine=home.engine,
            environment=home.environment,
        ),
        create=True,
    )
    try:
        yield Live(deployment=deployment, settings=settings, aws=live.aws, prefix="graph-second")
    finally:
        deployment.destroy()
        shutil.rmtree(workspace)


@pytest.mark.slow
def test_without_protection_another_prefix_renames_everything(
    second_stack: Live,
) -> None:
    live = second_stack
    live.configure({"deletionProtection": True, "edge": True, "edgeRequestsPerIp": 1000})
    live.up()
    assert live.pool()["DeletionProtection"] == "ACTIVE"
    assert {"server-service", "edge-distribution"} <= set(live.deployment.protected())
    edge = live.outputs["edgeUrl"]

    live.configure({"deletionProtection": False})
    live.up()
    assert live.pool()["DeletionProtection"] == "INACTIVE"
    assert live.deployment.protected() == ()

    live.configure({"namePrefix": "graph"})
    live.up()
    assert live.service()["ServiceName"] == "graph-second-server"
    assert live.pool()["Name"] == "graph-second-clients"
    assert live.kept_images()
    assert live.credentials("reader")["mcpUrl"] == live.outputs["mcpUrl"]
    # The distribution stays, with another function and another web ACL.
    assert live.outputs["edgeUrl"] == edge
    assert not any(name.startswith("neo4j-mcp-second-") for name in live.names())
    assert live.finished
