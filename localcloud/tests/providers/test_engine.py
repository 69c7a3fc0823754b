"""The providers under the unmodified engine, against the stand-in's AWS endpoint."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation

from providers.conftest import OWNER, Project, StandIn
from providers.sdk import AWS, DOCKER, RANDOM
from server.releases import RELEASES
from server.wheel import fetch_binary
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

# The resources of the program, including the stack itself.
_RESOURCES = 21
# The resources that have the prefix in their name and can't be renamed.
_RENAMED = 8

Make = Callable[[Callable[[], None]], Project]


_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
)
_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}],
    }
)
_EXPIRY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": 5,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


class _Program:
    """One resource of every type except App Runner's; tests change its `settings`."""

    def __init__(self, directory: Path) -> None:
        self.settings: dict[str, Any] = {"prefix": "whole", "days": 7, "timeout": 5, "scopes": 2}
        self._code = directory / "whole-function"
        self._image = directory / "whole-image"
        for folder in (self._code, self._image):
            folder.mkdir(exist_ok=True)
        self.write_code("return event")
        (self._image / "Dockerfile").write_text("FROM scratch\nCOPY hello /\n")
        self.write_image("hello")

    def write_code(self, body: str) -> None:
        (self._code / "index.py").write_text(f"def handler(event, context):\n    {body}\n")

    def write_image(self, content: str) -> None:
        (self._image / "hello").write_text(content)

    def __call__(self) -> None:
        prefix = self.settings["prefix"]
        suffix = RANDOM.RandomString("suffix", length=8, special=False, upper=False)
        repository = AWS.ecr.Repository(
            "repository",
            name=f"{prefix}-server",
            image_tag_mutability="MUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            force_delete=True,
            tags=self.settings.get("tags"),
        )
        AWS.ecr.LifecyclePolicy("lifecycle", repository=repository.name, policy=_EXPIRY)
        login = AWS.ecr.get_authorization_token_output()
        image = DOCKER.Image(
            "image",
            build={
                "context": self._image.name,
                "dockerfile": f"{self._image.name}/Dockerfile",
                "platform": "linux/amd64",
            },
            image_name=repository.repository_url.apply(lambda url: f"{url}:v1"),
            registry={
                "server": repository.repository_url,
                "username": login.user_name,
                "password": login.password,
            },
        )
        role = AWS.iam.Role("role", name=f"{prefix}-claims", assume_role_policy=_TRUST)
        AWS.iam.RolePolicy("policy", name="logs", role=role.name, policy=_POLICY)
        group = AWS.cloudwatch.LogGroup(
            "logs", name=f"/aws/lambda/{prefix}", retention_in_days=self.settings["days"]
        )
        function = AWS.lambda_.Function(
            "function",
            name=prefix,
            role=role.arn,
            runtime="python3.12",
            handler="index.handler",
            code=pulumi.FileArchive(self._code.name),
            timeout=self.settings["timeout"],
            logging_config={"log_format": "JSON"},
            opts=pulumi.ResourceOptions(depends_on=[group]),
        )
        pool = AWS.cognito.UserPool(
            "pool",
            name=prefix,
            user_pool_tier="ESSENTIALS",
            admin_create_user_config={"allow_admin_create_user_only": True},
            lambda_config={
                "pre_token_generation_config": {
                    "lambda_arn": function.arn,
                    "lambda_version": "V3_0",
                }
            },
        )
        AWS.lambda_.Permission(
            "permission",
            statement_id="cognito",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="cognito-idp.amazonaws.com",
            source_arn=pool.arn,
        )
        AWS.cognito.UserPoolDomain(
            "domain",
            domain=suffix.result.apply(lambda text: f"{prefix}-{text}"),
            user_pool_id=pool.id,
        )
        scopes = ["reader", "writer", "admin"][: self.settings["scopes"]]
        server = AWS.cognito.ResourceServer(
            "server",
            identifier="neo4j",
            name="neo4j",
            user_pool_id=pool.id,
            scopes=[{"scope_name": each, "scope_description": each} for each in scopes],
        )
        client = AWS.cognito.UserPoolClient(
            "client",
            name=f"{prefix}-reader",
            user_pool_id=pool.id,
            generate_secret=True,
            allowed_oauth_flows=["client_credentials"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_scopes=["neo4j/reader"],
            access_token_validity=60,
            token_validity_units={"access_token": "minutes"},
            enable_token_revocation=True,
            supported_identity_providers=["COGNITO"],
            opts=pulumi.ResourceOptions(depends_on=[server]),
        )
        secret = AWS.secretsmanager.Secret(
            "secret", name=f"{prefix}/reader", recovery_window_in_days=0
        )
        version = AWS.secretsmanager.SecretVersion(
            "credentials",
            secret_id=secret.id,
            secret_string=pulumi.Output.json_dumps(
                {"id": client.id, "secret": client.client_secret}
            ),
        )
        rotated_by = AWS.lambda_.Permission(
            "rotation-permission",
            statement_id="rotation",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="secretsmanager.amazonaws.com",
        )
        AWS.secretsmanager.SecretRotation(
            "rotation",
            secret_id=secret.id,
            rotate_immediately=False,
            rotation_lambda_arn=function.arn,
            rotation_rules={"automatically_after_days": self.settings["days"]},
            opts=pulumi.ResourceOptions(depends_on=[version, rotated_by]),
        )
        AWS.lambda_.Invocation("invocation", function_name=function.name, input="{}")
        rule = AWS.cloudwatch.EventRule(
            "rule", name=f"{prefix}-hourly", schedule_expression="rate(1 hour)"
        )
        AWS.cloudwatch.EventTarget(
            "target", rule=rule.name, target_id="function", arn=function.arn, input="{}"
        )
        pulumi.export("account", AWS.get_caller_identity_output().account_id)
        pulumi.export("region", AWS.get_region_output().region)
        pulumi.export("partition", AWS.get_partition_output().partition)
        pulumi.export("digest", image.repo_digest)
        pulumi.export("clientId", client.id)
        pulumi.export("clientSecret", client.client_secret)
        pulumi.export("poolId", pool.id)


def _only(changes: Mapping[str, int], operation: str, count: int) -> bool:
    rest = {name: number for name, number in changes.items() if name != "same"}
    return rest == {operation: count}


@pytest.mark.slow
def test_a_stack_is_deployed_changed_and_destroyed(project: Make, stand_in: StandIn) -> None:
    program = _Program(stand_in.directory)
    deployed = project(program)
    previewed = deployed.preview()
    assert _only(previewed, "create", _RESOURCES)
    created = deployed.up()
    assert _only(created, "create", _RESOURCES)
    assert set(deployed.preview()) == {"same"}

    outputs = deployed.stack.outputs()
    assert outputs["account"].value == "000000000000"
    assert outputs["region"].value == "us-east-1"
    assert outputs["partition"].value == "aws"
    assert outputs["clientSecret"].secret
    _no_secret_is_disclosed(deployed, stand_in, outputs["clientSecret"].value)
    _the_image_is_in_the_registry(stand_in, outputs["digest"].value)

    _one_changed_setting_updates_one_resource(deployed, program)
    _only_content_is_a_change(deployed, program)
    _replacement_makes_a_new_resource(deployed, program)
    _a_refresh_finds_drift(deployed, stand_in)

    assert _only(deployed.destroy(), "delete", _RESOURCES)
    assert deployed.resources() == {}
    assert stand_in.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert stand_in.client("ecr").describe_repositories()["repositories"] == []
    assert stand_in.client("secretsmanager").list_secrets()["SecretList"] == []


def _no_secret_is_disclosed(deployed: Project, stand_in: StandIn, secret: str) -> None:
    kept = stand_in.client("secretsmanager").get_secret_value(SecretId="whole/reader")
    assert json.loads(kept["SecretString"])["secret"] == secret
    for place in (deployed.stored(), "".join(deployed.output), stand_in.log.read_text()):
        assert secret not in place
        assert stand_in.key.secret not in place
    # The state contains both, encrypted.
    assert deployed.stored().count('"ciphertext"') >= 2


def _the_image_is_in_the_registry(stand_in: StandIn, digest: str) -> None:
    repository, _, reference = digest.partition("@")
    assert repository == f"{stand_in.endpoint.removeprefix('http://')}/whole-server"
    found = stand_in.client("ecr").describe_images(
        repositoryName="whole-server", imageIds=[{"imageDigest": reference}]
    )
    assert found["imageDetails"][0]["imageTags"] == ["v1"]
    labels = stand_in.docker.images.get(f"{repository}:v1").labels
    assert labels == {"neo4j-mcp.localcloud": OWNER}


def _one_changed_setting_updates_one_resource(deployed: Project, program: _Program) -> None:
    program.settings["tags"] = {"team": "graph"}
    deployed.output.clear()
    assert _only(deployed.up(), "update", 1)
    assert "~tags" in "".join(deployed.output)
    state = deployed.resources()["repository"]["outputs"]
    assert state["tagsAll"] == {"project": "providers", "team": "graph"}

    program.settings |= {"days": 14, "timeout": 4, "scopes": 3}
    deployed.output.clear()
    assert _only(deployed.up(), "update", 4)
    for path in ("retentionInDays", "timeout", "scopes", "rotationRules"):
        assert f"~{path}" in "".join(deployed.output)
    assert set(deployed.preview()) == {"same"}


def _only_content_is_a_change(deployed: Project, program: _Program) -> None:
    before = deployed.resources()
    program.write_code("return dict(event)")
    program.write_image("hello again")
    assert _only(deployed.up(), "update", 2)
    after = deployed.resources()
    for name, output in (("function", "codeSha256"), ("image", "repoDigest")):
        assert before[name]["outputs"][output] != after[name]["outputs"][output]


def _replacement_makes_a_new_resource(deployed: Project, program: _Program) -> None:
    before = deployed.resources()["logs"]
    program.settings["prefix"] = "renamed"
    changes = deployed.up()
    assert changes["replace"] >= _RENAMED
    assert changes["update"] >= 1
    after = deployed.resources()
    assert before["outputs"]["name"] == "/aws/lambda/whole"
    assert after["logs"]["outputs"]["name"] == "/aws/lambda/renamed"
    assert set(deployed.preview()) == {"same"}


def _a_refresh_finds_drift(deployed: Project, stand_in: StandIn) -> None:
    stand_in.client("logs").put_retention_policy(
        logGroupName="/aws/lambda/renamed", retentionInDays=30
    )
    stand_in.client("iam").tag_role(
        RoleName="renamed-claims", Tags=[{"Key": "rogue", "Value": "1"}]
    )
    stand_in.client("ecr").delete_lifecycle_policy(repositoryName="renamed-server")
    stand_in.client("lambda").remove_permission(FunctionName="renamed", StatementId="cognito")
    secrets = stand_in.client("secretsmanager")
    secrets.cancel_rotate_secret(SecretId="renamed/reader")
    stand_in.client("events").remove_targets(Rule="renamed-hourly", Ids=["function"])
    changes = deployed.refresh()
    assert (changes["update"], changes["delete"]) == (3, 3)
    repaired = deployed.up()
    assert (repaired["update"], repaired["create"]) == (3, 3)
    assert secrets.describe_secret(SecretId="renamed/reader")["RotationEnabled"]
    found = stand_in.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/renamed")
    assert found["logGroups"][0]["retentionInDays"] == 14
    tags = stand_in.client("iam").list_role_tags(RoleName="renamed-claims")["Tags"]
    assert tags == [{"Key": "project", "Value": "providers"}]
    assert set(deployed.preview()) == {"same"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: AWS.sqs.Queue("queue"),
            "has no resource type aws:sqs/queue:Queue",
        ),
        (
            lambda: AWS.cloudwatch.LogGroup("group", name="g", deletion_protection_enabled=True),
            "Unsupported: the stand-in doesn't support deletionProtectionEnabled",
        ),
        (lambda: AWS.cloudwatch.LogGroup("group", name="a b"), "name must match"),
        (lambda: AWS.cloudwatch.LogGroup("group"), "name is required"),
        (
            lambda: AWS.cognito.UserPool("pool", name="p", user_pool_tier="FREE"),
            "userPoolTier must be one of LITE, ESSENTIALS, PLUS",
        ),
        (
            lambda: DOCKER.Image("image", image_name="i:v1", build={"context": "missing"}),
            "the build context can't be read",
        ),
    ],
)
def test_a_preview_rejects_what_the_stand_in_or_aws_would_reject(
    project: Make, make: Callable[[], object], reason: str
) -> None:
    def program() -> None:
        make()

    with pytest.raises(automation.CommandError) as error:
        project(program).preview()
    assert reason in str(error.value)


def test_an_existing_resource_is_looked_up_and_imported_without_a_change(
    project: Make, stand_in: StandIn
) -> None:
    stand_in.client("logs").create_log_group(logGroupName="/found", tags={"project": "providers"})

    def program() -> None:
        AWS.cloudwatch.LogGroup(
            "found", name="/found", opts=pulumi.ResourceOptions(import_="/found")
        )
        group = AWS.cloudwatch.LogGroup.get("looked-up", "/found")
        pulumi.export("arn", group.arn)

    found = project(program)
    assert found.up()["import"] == 1
    assert found.stack.outputs()["arn"].value.endswith(":log-group:/found")
    assert set(found.preview()) == {"same"}


@pytest.mark.slow
def test_a_failed_push_is_reported_and_the_next_deployment_repairs_it(
    project: Make, stand_in: StandIn
) -> None:
    folder = stand_in.directory / "unpushable"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    registry = stand_in.endpoint.removeprefix("http://")
    names = ["missing/image:v1", "present:v1"]

    def program() -> None:
        repository = AWS.ecr.Repository("repository", name="present", force_delete=True)
        login = AWS.ecr.get_authorization_token_output()
        DOCKER.Image(
            "image",
            build={"context": "unpushable", "platform": "linux/amd64"},
            image_name=f"{registry}/{names[0]}",
            registry={
                "server": registry,
                "username": login.user_name,
                "password": login.password,
            },
            opts=pulumi.ResourceOptions(depends_on=[repository]),
        )

    broken = project(program)
    with pytest.raises(automation.CommandError, match="missing/image:v1 failed"):
        broken.up()
    names.pop(0)
    assert broken.up()["create"] == 1


class _Invocation:
    """A function that is invoked during the deployment; tests change its `payload`."""

    def __init__(self, directory: Path) -> None:
        self.payload = {"publish": "first"}
        self._code = directory / "invoked-function"
        self._code.mkdir()
        (self._code / "index.py").write_text(
            "def handler(event, context):\n"
            "    if 'refuse' in event:\n"
            "        raise ValueError(event['refuse'])\n"
            "    return {'done': event['publish']}\n"
        )

    def __call__(self) -> None:
        role = AWS.iam.Role("role", name="invoked", assume_role_policy=_TRUST)
        function = AWS.lambda_.Function(
            "function",
            name="invoked",
            role=role.arn,
            runtime="python3.13",
            handler="index.handler",
            code=pulumi.FileArchive(self._code.name),
        )
        invocation = AWS.lambda_.Invocation(
            "invocation", function_name=function.name, input=json.dumps(self.payload)
        )
        pulumi.export("result", invocation.result)


@pytest.mark.slow
def test_a_function_is_invoked_at_each_change_of_its_input_and_its_error_is_shown(
    project: Make, stand_in: StandIn
) -> None:
    program = _Invocation(stand_in.directory)
    deployed = project(program)
    deployed.up()
    assert json.loads(deployed.stack.outputs()["result"].value) == {"done": "first"}
    assert set(deployed.refresh()) == {"same"}
    assert set(deployed.preview()) == {"same"}

    program.payload = {"publish": "second"}
    assert deployed.preview()["replace"] == 1
    deployed.up()
    assert json.loads(deployed.stack.outputs()["result"].value) == {"done": "second"}

    program.payload = {"refuse": "two client secrets exist"}
    with pytest.raises(automation.CommandError) as error:
        deployed.up()
    assert "invoking Lambda Function (invoked)" in str(error.value)
    assert "two client secrets exist" in str(error.value)
    # The failed invocation is repeated by the next deployment.
    program.payload = {"publish": "third"}
    assert deployed.up()["replace"] == 1
    assert json.loads(deployed.stack.outputs()["result"].value) == {"done": "third"}


class _Service:
    """An App Runner service of the official server; tests change its `settings`."""

    def __init__(self, directory: Path, binary: bytes) -> None:
        self.settings: dict[str, Any] = {"command": "/server", "concurrency": 10, "interval": 1}
        self._image = directory / "service-image"
        self._image.mkdir()
        (self._image / "server").write_bytes(binary)
        (self._image / "server").chmod(0o755)
        (self._image / "Dockerfile").write_text(
            'FROM scratch\nCOPY server /server\nUSER 65532\nENTRYPOINT ["/server"]\n'
        )

    def __call__(self) -> None:
        repository = AWS.ecr.Repository("repository", name="service", force_delete=True)
        login = AWS.ecr.get_authorization_token_output()
        image = DOCKER.Image(
            "image",
            build={"context": self._image.name, "platform": "linux/amd64"},
            image_name=repository.repository_url.apply(lambda url: f"{url}:v1"),
            registry={
                "server": repository.repository_url,
                "username": login.user_name,
                "password": login.password,
            },
        )
        role = AWS.iam.Role(
            "access",
            name="service-access",
            assume_role_policy=_TRUST.replace("lambda.", "build.apprunner."),
        )
        policy = AWS.iam.RolePolicy(
            "pull",
            name="pull",
            role=role.name,
            policy=repository.arn.apply(_pull_policy),
        )
        scaling = AWS.apprunner.AutoScalingConfigurationVersion(
            "scaling",
            auto_scaling_configuration_name="service",
            max_concurrency=self.settings["concurrency"],
            max_size=1,
            min_size=1,
        )
        observability = AWS.apprunner.ObservabilityConfiguration(
            "observability",
            observability_configuration_name="service",
            trace_configuration={"vendor": "AWSXRAY"},
        )
        service = AWS.apprunner.Service(
            "service",
            service_name="service",
            auto_scaling_configuration_arn=scaling.arn,
            source_configuration={
                "authentication_configuration": {"access_role_arn": role.arn},
                "auto_deployments_enabled": False,
                "image_repository": {
                    "image_identifier": image.repo_digest,
                    "image_repository_type": "ECR",
                    "image_configuration": {
                        "port": self.settings.get("port", "8080"),
                        "runtime_environment_variables": {
                            "NEO4J_URI": "bolt://host.docker.internal:1",
                            "NEO4J_TRANSPORT_MODE": "http",
                            "NEO4J_MCP_HTTP_HOST": "0.0.0.0",  # noqa: S104 - in a container
                            "NEO4J_MCP_HTTP_PORT": "8080",
                            "NEO4J_TELEMETRY": "false",
                        },
                    },
                },
            },
            health_check_configuration={
                "protocol": "TCP",
                "interval": self.settings["interval"],
                "timeout": 1,
                "unhealthy_threshold": 2,
            },
            observability_configuration={
                "observability_enabled": True,
                "observability_configuration_arn": observability.arn,
            },
            opts=pulumi.ResourceOptions(
                depends_on=[policy],
                custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m", delete="2m"),
            ),
        )
        pulumi.export("url", service.service_url)


def _pull_policy(arn: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
                {
                    "Effect": "Allow",
                    "Action": [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    "Resource": arn,
                },
            ],
        }
    )


@pytest.mark.slow
def test_an_app_runner_service_fails_with_its_reason_and_is_repaired(
    project: Make, stand_in: StandIn
) -> None:
    release = next(iter(RELEASES.values()))
    binary = fetch_binary(release, ROOT / "server" / "build" / "wheels")
    program = _Service(stand_in.directory, binary)
    # Nothing listens there, so the service never becomes healthy.
    program.settings["port"] = "9999"
    deployed = project(program)
    with pytest.raises(automation.CommandError) as error:
        deployed.up()
    assert "unexpected state 'CREATE_FAILED'" in str(error.value)
    failed = deployed.resources()["service"]
    assert failed["outputs"]["status"] == "CREATE_FAILED"
    assert failed["initErrors"]

    # Without a change, Pulumi's provider reports a success.
    deployed.up()
    assert deployed.resources()["service"]["outputs"]["status"] == "CREATE_FAILED"

    del program.settings["port"]
    deployed.output.clear()
    assert deployed.up()["update"] == 1
    assert deployed.resources()["service"]["outputs"]["status"] == "RUNNING"
    assert set(deployed.refresh()) == {"same"}

    program.settings |= {"concurrency": 20, "interval": 2}
    changes = deployed.up()
    assert (changes["replace"], changes["update"]) == (1, 1)

    program.settings["port"] = "9999"
    # App Runner rolls the update back, and Pulumi's provider reports a success.
    assert deployed.up()["update"] == 1
    assert deployed.resources()["service"]["outputs"]["status"] == "RUNNING"
    assert deployed.preview()["update"] == 1
    del program.settings["port"]
    assert set(deployed.up()) == {"same"}
    assert deployed.destroy()["delete"] == len(
        ["stack", "repository", "image", "access", "pull", "scaling", "observability", "service"]
    )
