"""All checks pass on a healthy stack, and each fails on its own fault.

Every fault runs all checks of its phase, so that a check that fails because of another's fault is
noticed.
"""

import base64
import datetime as dt
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from automation.checks import CHECKS
from automation.checks.context import Context
from automation.checks.results import Outcome
from automation.rotation.results import Outcome as RotationOutcome
from components.policies import call_as, pull_images
from functions.rotation.decisions import PENDING, PUBLISHING
from localcloud.workspace import STACK
from tests.aws_calls import Call
from tests.end_to_end import breakage
from tests.end_to_end.breakage import (
    AlterResponse,
    World,
    altered,
    answer,
    with_outputs,
    with_settings,
)
from tests.end_to_end.faults import Fault, Faults, expect_failures, failures, run_checks
from tests.end_to_end.recorded_checks import (
    RecordedRun,
    location_of,
    refused_calls,
    run_recorded,
)
from tests.end_to_end.test_monitoring_checks import FAULTS as MONITORING_FAULTS

pytestmark = pytest.mark.stand_in


@pytest.fixture(scope="module")
def world(edge_world: World) -> World:
    """The stack with the edge, so that every check has something to check."""
    return edge_world


@pytest.fixture(scope="module")
def healthy(world: World) -> RecordedRun:
    """A run of all checks on the healthy stack."""
    return run_recorded(world, "*")


def test_all_checks_pass_on_a_healthy_stack(healthy: RecordedRun) -> None:
    assert failures(healthy.results) == {}
    skipped = {
        name for name, result in healthy.results.items() if result.outcome is Outcome.SKIPPED
    }
    # The stand-in's registry doesn't scan images, no client is disabled, and monitoring is off.
    assert skipped == {
        "P1-findings",
        "P6-disabled-refused",
        "P6-alarms",
        "P6-canary",
        "P6-subscriptions",
    }


def test_the_role_check_may_do_what_the_checks_did(world: World, healthy: RecordedRun) -> None:
    pool = location_of(world).arn("cognito-idp", f"userpool/{world.context.user_pool_id}")
    # Without permission, P5-refuses-wrong-audience is skipped.
    assert refused_calls(world, healthy) == {
        Call(action="cognito-idp:CreateUserPoolClient", resource=pool),
        Call(action="cognito-idp:DeleteUserPoolClient", resource=pool),
    }
    assert len(healthy.calls) > 40


def test_without_the_edge_its_checks_are_skipped(world: World) -> None:
    outputs = {name: value for name, value in world.outputs.items() if name != "edgeUrl"}
    results = run_checks(replace(world.context, outputs=outputs), "P3-*")
    assert failures(results) == {}
    skipped = {name for name, result in results.items() if result.outcome is Outcome.SKIPPED}
    own = {name for name in CHECKS if name.startswith("P3-edge-")}
    # App Runner writes no access log.
    assert skipped == {*own, "P3-access-logs"}


def test_a_disabled_client_makes_no_calls_and_fails_no_check(world: World) -> None:
    clients = world.outputs["clients"]
    clients = clients | {"reader": clients["reader"] | {"enabled": False}}
    audience = {"audience": [clients["writer"]["clientId"]]}
    disabled = with_outputs(world, clients=clients, auraSso=world.outputs["auraSso"] | audience)
    with (
        breakage.app_client(
            world,
            "reader",
            AllowedOAuthFlows=[],
            AllowedOAuthFlowsUserPoolClient=False,
            AllowedOAuthScopes=[],
        ),
        breakage.rotation_off(world, "reader"),
    ):
        found = [failures(run_checks(disabled, phase)) for phase in ("P2-*", "P4-*", "P6-*")]
        (refused,) = run_checks(disabled, "P6-disabled-refused").values()
    assert found == [{}, {}, {}]
    assert refused.outcome is Outcome.PASSED


_FAULTS = Faults()
fails = _FAULTS.fails


# P1


@fails("P1-scan", reason="scanOnPush is False")
@contextmanager
def no_scan(world: World) -> Iterator[None]:
    with _repository_setting(
        world,
        "put_image_scanning_configuration",
        "imageScanningConfiguration",
        {"scanOnPush": False},
        {"scanOnPush": True},
    ):
        yield


@fails("P1-immutable", reason="imageTagMutability is 'MUTABLE'")
@contextmanager
def mutable_tags(world: World) -> Iterator[None]:
    with _repository_setting(
        world, "put_image_tag_mutability", "imageTagMutability", "MUTABLE", "IMMUTABLE"
    ):
        yield


@contextmanager
def _repository_setting(
    world: World, operation: str, parameter: str, fault: object, good: object
) -> Iterator[None]:
    put = getattr(world.aws("ecr"), operation)
    name = world.context.names.repository
    put(repositoryName=name, **{parameter: fault})
    try:
        yield
    finally:
        put(repositoryName=name, **{parameter: good})


@fails("P1-lifecycle", reason="no lifecycle policy")
@contextmanager
def no_lifecycle(world: World) -> Iterator[None]:
    ecr, name = world.aws("ecr"), world.context.names.repository
    before = ecr.delete_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
    try:
        yield
    finally:
        ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=before)


@fails("P1-lifecycle", reason="lifecycle policy is")
def other_retention(world: World) -> Context:
    return with_settings(world, image_retention=7)


@fails("P1-image", reason="has no image")
@contextmanager
def image_deleted(world: World) -> Iterator[None]:
    ecr, name = world.aws("ecr"), world.context.names.repository
    digest = {"imageDigest": world.outputs["imageDigest"]}
    (image,) = ecr.batch_get_image(repositoryName=name, imageIds=[digest])["images"]
    ecr.batch_delete_image(repositoryName=name, imageIds=[digest])
    try:
        yield
    finally:
        ecr.put_image(
            repositoryName=name,
            imageManifest=image["imageManifest"],
            imageTag=image["imageId"]["imageTag"],
        )


@fails("P1-pull-allowed", reason="may not ecr:")
@contextmanager
def access_role_without_rights(world: World) -> Iterator[None]:
    with breakage.role_policy(world, world.context.names.access_role, "pull-images", None):
        yield


@fails("P1-pull-refused", reason="may ecr:BatchCheckLayerAvailability")
@contextmanager
def instance_role_may_pull(world: World) -> Iterator[None]:
    (found,) = world.aws("ecr").describe_repositories()["repositories"]
    document = pull_images(found["repositoryArn"])
    with breakage.role_policy(world, world.context.names.instance_role, "more", document):
        yield


@fails("P2-roles", "P2-policy", reason="claims may secretsmanager:GetSecretValue on arn:")
@contextmanager
def claims_function_may_read_secrets(world: World) -> Iterator[None]:
    arn = next(iter(world.context.all_clients.values()))["secretArn"]
    name = world.context.names.claims_function
    with breakage.role_policy(world, name, "more", call_as(arn)):
        yield


@fails("P1-findings", reason="2 CRITICAL and 1 HIGH")
@contextmanager
def vulnerable_image(world: World) -> Iterator[None]:
    # The stand-in's registry doesn't scan images, so ECR's responses are simulated.
    events = world.context.client("ecr").meta.events
    counts = {"CRITICAL": 2, "HIGH": 1, "LOW": 5}

    def scanned(parsed: dict[str, Any], **_: object) -> None:
        for image in parsed.get("imageDetails", []):
            image["imageScanStatus"] = {"status": "COMPLETE"}

    def found(**_: object) -> tuple[Any, dict[str, Any]]:
        response = type("Response", (), {"status_code": 200, "headers": {}})()
        return response, {"imageScanFindings": {"findingSeverityCounts": counts}}

    events.register("after-call.ecr.DescribeImages", scanned)
    events.register("before-call.ecr.DescribeImageScanFindings", found)
    try:
        yield
    finally:
        events.unregister("after-call.ecr.DescribeImages", scanned)
        events.unregister("before-call.ecr.DescribeImageScanFindings", found)


# P2

Change = Callable[[dict[str, Any]], dict[str, Any]]


def _if_path(
    end: str, change: Change
) -> Callable[[httpx2.Request, httpx2.Response], httpx2.Response]:
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if not request.url.path.endswith(end) or response.status_code != 200:
            return response
        return answer(change(response.json()))

    return alter


@fails("P2-discovery", reason="issuer is 'https://elsewhere'")
def other_issuer(world: World) -> Context:
    change = _if_path("openid-configuration", lambda known: known | {"issuer": "https://elsewhere"})
    return altered(world, response=change)


@fails("P2-keys", reason="the keys' ids are")
def key_published_twice(world: World) -> Context:
    twice = _if_path("jwks.json", lambda known: {"keys": known["keys"] * 2})
    return altered(world, response=twice)


@fails("P2-token", reason="can't be verified")
def other_keys_published(world: World) -> Context:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    modulus = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own))["n"]
    change = _if_path(
        "jwks.json", lambda known: {"keys": [key | {"n": modulus} for key in known["keys"]]}
    )
    return altered(world, response=change)


@fails("P2-claims", "P2-claims-code", reason="aud is 'somebody'")
@contextmanager
def wrong_audience(world: World) -> Iterator[None]:
    with breakage.claims_function(world, '"aud": client_id', '"aud": "somebody"'):
        yield


@fails("P2-claims-code", reason="aws lambda update-function-code")
@contextmanager
def code_changed_behind_the_engines_back(world: World) -> Iterator[None]:
    with breakage.claims_function(world, "    sys.stdout.flush()\n", ""):
        yield


@fails("P2-claims", reason="lifetime in minutes is 5.0")
@contextmanager
def short_lifetime(world: World) -> Iterator[None]:
    with breakage.app_client(world, "writer", AccessTokenValidity=5):
        yield


@fails("P2-policy", reason="on behalf of any account .*changed by hand")
@contextmanager
def function_that_any_accounts_rules_may_call(world: World) -> Iterator[None]:
    functions, name = world.aws("lambda"), world.context.names.rotation_function
    functions.add_permission(
        FunctionName=name,
        StatementId="any-account",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    try:
        yield
    finally:
        functions.remove_permission(FunctionName=name, StatementId="any-account")


@fails("P2-password-refused", reason="allows ALLOW_USER_PASSWORD_AUTH")
@contextmanager
def password_flow(world: World) -> Iterator[None]:
    flows = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
    with breakage.app_client(world, "reader", ExplicitAuthFlows=flows):
        yield


# Cognito combines neither flow with client credentials, so the client gets no token any more.
_NO_TOKEN = ("P2-claims", "P2-refresh-refused", "P2-secret-complete", "P2-token")


@fails("P2-code-refused", *_NO_TOKEN, reason="flow 'code'")
@contextmanager
def code_flow(world: World) -> Iterator[None]:
    with breakage.app_client(
        world,
        "reader",
        AllowedOAuthFlows=["code"],
        CallbackURLs=["https://callback.invalid/"],
    ):
        yield


@fails("P2-implicit-refused", *_NO_TOKEN, reason="flow 'implicit'")
@contextmanager
def implicit_flow(world: World) -> Iterator[None]:
    with breakage.app_client(
        world,
        "reader",
        AllowedOAuthFlows=["implicit"],
        CallbackURLs=["https://callback.invalid/"],
    ):
        yield


@fails("P2-refresh-refused", reason="gets refresh_token")
def refresh_token_issued(world: World) -> Context:
    return altered(
        world, response=_if_path("/oauth2/token", lambda known: known | {"refresh_token": "more"})
    )


@fails("P2-scope-refused", reason="client reader gets the scope neo4j-mcp/writer")
@contextmanager
def open_scope(world: World) -> Iterator[None]:
    scopes = ["neo4j-mcp/reader", "neo4j-mcp/writer"]
    with breakage.app_client(world, "reader", AllowedOAuthScopes=scopes):
        yield


@fails("P2-secret-refused", reason="gets a token with a wrong secret")
def any_secret_taken(world: World) -> Context:
    def right_secret(request: httpx2.Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            client_id = base64.b64decode(given).decode().partition(":")[0]
            name = next(n for n in ("reader", "writer") if world.client_id(n) == client_id)
            secret = world.context.credentials(name).client_secret
            right = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
            request.headers["authorization"] = f"Basic {right}"

    return altered(world, request=right_secret)


@fails("P2-secret-complete", reason="the keys of reader's secret")
@contextmanager
def incomplete_secret(world: World) -> Iterator[None]:
    with _secret(world, lambda known: {key: known[key] for key in known if key != "mcpUrl"}):
        yield


@fails("P2-secret-complete", reason="tokenUrl in reader's secret is 'https://elsewhere'")
@contextmanager
def wrong_address_in_secret(world: World) -> Iterator[None]:
    with _secret(world, lambda known: known | {"tokenUrl": "https://elsewhere"}):
        yield


@contextmanager
def _secret(world: World, change: Change) -> Iterator[None]:
    secrets, arn = world.aws("secretsmanager"), world.outputs["clients"]["reader"]["secretArn"]
    before = secrets.get_secret_value(SecretId=arn)
    changed = json.dumps(change(json.loads(before["SecretString"])))
    after = secrets.put_secret_value(SecretId=arn, SecretString=changed)
    try:
        yield
    finally:
        # Restore the version itself: a new one with the same content would be drift.
        secrets.update_secret_version_stage(
            SecretId=arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=before["VersionId"],
            RemoveFromVersionId=after["VersionId"],
        )


@fails("P2-secret-hidden", reason="is in the secrets' descriptions and tags")
@contextmanager
def secret_in_a_tag(world: World) -> Iterator[None]:
    secrets, arn = world.aws("secretsmanager"), world.outputs["clients"]["reader"]["secretArn"]
    tag = {"Key": "note", "Value": world.context.credentials("writer").client_secret}
    secrets.tag_resource(SecretId=arn, Tags=[tag])
    try:
        yield
    finally:
        secrets.untag_resource(SecretId=arn, TagKeys=["note"])


@fails("P2-secret-hidden", reason="a token is in the log group")
@contextmanager
def token_in_a_log(world: World) -> Iterator[None]:
    logs, group = world.aws("logs"), world.claims_log_group
    logs.create_log_stream(logGroupName=group, logStreamName="leak")
    event = {"timestamp": int(time.time() * 1000), "message": world.context.token("reader")}
    logs.put_log_events(logGroupName=group, logStreamName="leak", logEvents=[event])
    try:
        yield
    finally:
        logs.delete_log_stream(logGroupName=group, logStreamName="leak")


@fails("P2-secret-hidden", reason="the secret of reader .AWSCURRENT. is in the stack's outputs")
def secret_in_an_output(world: World) -> Context:
    return with_outputs(world, note=world.context.credentials("reader").client_secret)


@fails("P2-secret-hidden", reason="the secret of reader .AWSPREVIOUS. is in the stack's outputs")
@contextmanager
def replaced_secret_in_an_output(world: World) -> Iterator[Context]:
    replaced = world.context.credentials("reader").client_secret
    _rotate(world, "reader")
    yield with_outputs(world, note=replaced)


# P3


@fails("P3-running", reason="the CPU units is 512")
@contextmanager
def other_size(world: World) -> Iterator[None]:
    def change(service: dict[str, Any]) -> None:
        service["InstanceConfiguration"] |= {"Cpu": "512", "Memory": "1024"}

    with breakage.service(world, change):
        yield


@contextmanager
def _environment(world: World, **variables: str) -> Iterator[None]:
    def change(service: dict[str, Any]) -> None:
        image = service["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"]
        image["RuntimeEnvironmentVariables"] |= variables

    with breakage.service(world, change):
        yield


@fails("P3-environment", reason="the environment contains DB_PASSWORD")
@contextmanager
def password_in_the_environment(world: World) -> Iterator[None]:
    with _environment(world, DB_PASSWORD="unused"):
        yield


@fails("P3-environment", reason="NEO4J_MCP_LOG_LEVEL is not 'info'")
@contextmanager
def other_environment(world: World) -> Iterator[None]:
    with _environment(world, NEO4J_MCP_LOG_LEVEL="debug"):
        yield


@fails("P3-health-check", reason="the health check is")
@contextmanager
def other_health_check(world: World) -> Iterator[None]:
    def change(service: dict[str, Any]) -> None:
        service["HealthCheckConfiguration"]["Interval"] = 7

    with breakage.service(world, change):
        yield


@fails("P3-scaling", reason="the maximum number of instances is 5")
@contextmanager
def other_scaling(world: World) -> Iterator[None]:
    made = world.aws("apprunner").create_auto_scaling_configuration(
        AutoScalingConfigurationName="other", MaxConcurrency=50, MinSize=1, MaxSize=5
    )["AutoScalingConfiguration"]["AutoScalingConfigurationArn"]
    with breakage.service(world, lambda service: service.update(AutoScalingConfigurationArn=made)):
        yield
    world.aws("apprunner").delete_auto_scaling_configuration(AutoScalingConfigurationArn=made)


@fails("P3-logs", reason="the log group .* doesn.t exist")
@contextmanager
def claims_log_deleted(world: World) -> Iterator[None]:
    logs, group = world.aws("logs"), world.claims_log_group
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    arn = found["arn"].removesuffix(":*")
    tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    logs.delete_log_group(logGroupName=group)
    try:
        yield
    finally:
        # The function's role may not create it.
        logs.create_log_group(logGroupName=group, tags=tags)
        days = world.context.settings.log_retention_days
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)


@fails("P3-access-logs", reason="the retention of /aws/vendedlogs/.*-edge-.* in days is None")
@contextmanager
def access_log_kept_forever(world: World) -> Iterator[None]:
    with breakage.log_kept_forever(world, world.context.names.edge_log_stem):
        yield


@fails("P3-logs", reason="the retention of .*-rotation-.* in days is None")
@contextmanager
def rotation_log_kept_forever(world: World) -> Iterator[None]:
    with breakage.log_kept_forever(world, world.context.names.rotation_log_stem):
        yield


@fails("P3-tls", reason="TLS handshake fails: CERTIFICATE_VERIFY_FAILED")
def unknown_authority(world: World) -> Context:
    return breakage.distrusting(world)


@fails("P3-plain-http", reason="plain HTTP returns 200")
def plain_http_open(world: World) -> Context:
    def secured(request: httpx2.Request) -> None:
        if request.url.path == "/healthz":
            request.url = request.url.copy_with(scheme="https")

    return altered(world, request=secured)


@fails("P3-unknown-paths", reason="status of /.env is 200")
def file_served(world: World) -> Context:
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        return answer({}) if request.url.path == "/.env" else response

    return altered(world, response=alter)


@fails("P3-edge-metadata", "P3-edge-challenge", reason="oauth-protected-resource is 404")
@contextmanager
def distribution_without_function(world: World) -> Iterator[None]:
    with breakage.without_edge_function(world):
        yield


@fails("P3-edge-metadata", reason="token_endpoint in .* is 'https://elsewhere.example'")
def other_token_endpoint(world: World) -> Context:
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path == "/.well-known/oauth-authorization-server" and response.is_success:
            return answer(response.json() | {"token_endpoint": "https://elsewhere.example"})
        return response

    return altered(world, response=alter)


@fails("P3-edge-challenge", reason="resource_metadata in the challenge .* is None")
@contextmanager
def challenge_without_metadata(world: World) -> Iterator[None]:
    with breakage.edge_function(world, "resource_metadata=", "metadata="):
        yield


@fails("P3-edge-challenge", reason="the status of a request with an expired token is")
@contextmanager
def expired_tokens_pass_the_edge(world: World) -> Iterator[None]:
    with breakage.edge_function(world, "claims.exp <= now", "false"):
        yield


@fails("P3-edge-configuration", reason="an IP address in five minutes is 0, and must be")
@contextmanager
def edge_without_a_web_acl(world: World) -> Iterator[None]:
    with breakage.edge_without_web_acl(world):
        yield


@fails("P3-edge-configuration", reason="an IP address in five minutes is 10, and must be 1000000")
@contextmanager
def edge_with_another_limit(world: World) -> Iterator[None]:
    with breakage.requests_per_ip(world, 10):
        yield


@fails("P3-edge-token", reason="and without it 200: see docs/edge.md, If Cognito refuses")
def token_endpoint_that_refuses_resource(world: World) -> Context:
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        refuses = "resource" in parse_qs(request.content.decode())
        return httpx2.Response(400, json={"error": "invalid_request"}) if refuses else response

    return altered(world, response=alter)


@fails("P3-edge-read", reason="read-cypher refuses reader at the edge with HTTP 504")
def origin_that_does_not_answer(world: World) -> Context:
    edge = httpx2.URL(world.outputs["edgeUrl"])

    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        through = request.url == edge and _method(request) == "read-cypher"
        return httpx2.Response(504) if through else response

    return altered(world, response=alter)


@fails("P3-direct-no-discovery", reason="oauth-protected-resource returns 200")
def direct_address_with_discovery(world: World) -> Context:
    direct = httpx2.URL(world.outputs["serviceUrl"]).netloc

    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        discovers = "/.well-known/" in request.url.path and request.url.netloc == direct
        return answer({"resource": world.outputs["mcpUrl"]}) if discovers else response

    return altered(world, response=alter)


# P4


@fails("P4-aura-sso", reason="groupsClaim is 'scope'")
def wrong_claim_typed(world: World) -> Context:
    return with_outputs(world, auraSso={**world.outputs["auraSso"], "groupsClaim": "scope"})


@fails(
    "P4-driver",
    "P4-roles",
    reason="the database refuses reader: Neo.ClientError.Security.Unauthorized",
)
@contextmanager
def client_not_in_audience(world: World) -> Iterator[None]:
    with breakage.aura(world, audience=[world.client_id("writer")]):
        yield


@fails("P4-roles", reason="reader's roles is")
@contextmanager
def mapping_swapped(world: World) -> Iterator[None]:
    with breakage.aura(world, groupToRoleMapping='"reader"=publisher;"writer"=reader'):
        yield


# P5


@fails("P5-ping-open", reason="status of ping without a token is 200, and must be 401")
def ping_open(world: World) -> Context:
    return with_settings(world, allow_unauthenticated_ping=False)


@fails("P5-tools-list-open", reason="status of tools/list without a token is 200")
def tools_list_open(world: World) -> Context:
    return with_settings(world, allow_unauthenticated_tools_list=False)


def _method(request: httpx2.Request) -> str:
    if not request.url.path.endswith("/mcp"):
        return ""
    message: dict[str, Any] = json.loads(request.content or b"{}")
    return str(message.get("params", {}).get("name", message.get("method")))


def _lenient(world: World, method: str) -> Context:
    def alter(request: httpx2.Request) -> None:
        if _method(request) == method and "authorization" not in request.headers:
            request.headers["authorization"] = f"Bearer {world.context.token('reader')}"

    return altered(world, request=alter)


@fails("P5-initialize-closed", reason="status of initialize without a token is 200")
def initialize_open(world: World) -> Context:
    return _lenient(world, "initialize")


@fails("P5-call-closed", reason="status of calling read-cypher without a token is 200")
def call_open(world: World) -> Context:
    return _lenient(world, "read-cypher")


@fails("P5-initialize", reason="the server's version is")
def other_release(world: World) -> Context:
    return with_settings(world, server_version="9.9.9")


@fails("P5-tools", reason="write-cypher is offered is True")
def writing_tool_offered(world: World) -> Context:
    return with_settings(world, read_only=True)


def _broken_tool(world: World, tool: str) -> Context:
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        simple = "RETURN $n" in request.content.decode() or tool == "get-schema"
        if _method(request) != tool or not simple or "authorization" not in request.headers:
            return response
        content = [{"type": "text", "text": "broken"}]
        return answer({"result": {"content": content, "isError": True}})

    return altered(world, response=alter)


@fails("P5-get-schema", reason="get-schema refuses reader: broken")
def schema_broken(world: World) -> Context:
    return _broken_tool(world, "get-schema")


@fails("P5-read-cypher", reason="read-cypher refuses reader: broken")
def query_broken(world: World) -> Context:
    return _broken_tool(world, "read-cypher")


@fails("P5-reader-cannot-write", reason="reader can write with write-cypher")
@contextmanager
def reader_is_publisher(world: World) -> Iterator[None]:
    with breakage.aura(world, groupToRoleMapping='"reader"=publisher;"writer"=publisher'):
        yield


@fails("P5-reader-cannot-index", "P5-reader-cannot-write", reason="reader can create an index")
@contextmanager
def reader_is_architect(world: World) -> Iterator[None]:
    with breakage.aura(world, groupToRoleMapping='"reader"=architect;"writer"=publisher'):
        yield


@fails(
    "P5-reader-cannot-administer",
    "P5-reader-cannot-index",
    "P5-reader-cannot-write",
    reason="reader can run SHOW USERS",
)
@contextmanager
def reader_is_admin(world: World) -> Iterator[None]:
    with breakage.aura(world, groupToRoleMapping='"reader"=admin;"writer"=publisher'):
        yield


@fails("P5-writer-can-write", reason="write-cypher refuses writer")
@contextmanager
def writer_is_reader(world: World) -> Iterator[None]:
    with breakage.aura(world, groupToRoleMapping='"reader"=reader;"writer"=reader'):
        yield


@fails("P5-cannot-load", reason="DENY LOAD ON ALL DATA TO agent_reader")
def role_of_somebodys_own_may_load(world: World) -> Context:
    # The stand-in's database has Neo4j's own roles only, and loads nothing.
    def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if "LOAD CSV" not in request.content.decode():
            return response
        return answer({"result": {"content": [{"type": "text", "text": '[{"lines": 1}]'}]}})

    context = altered(world, response=alter)
    scopes = dict.fromkeys(world.outputs["scopes"], "agent_reader")
    context.outputs = {**world.outputs, "scopes": scopes}
    return context


def _token_of(request: httpx2.Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return dict(jwt.get_unverified_header(token)), claims
    except jwt.PyJWTError:
        return {}, {}


def _forged(name: str, token: str, good: str) -> bool:
    """Return whether a token is a certain forgery."""
    header, claims = _parts(token)
    return {
        "malformed": token == "not.a-token",
        "truncated": good.startswith(token) and token != good,
        "tampered": "admin" in claims.get("groups", []),
        "wrongly-signed": claims == _parts(good)[1]
        and header.get("kid") == _parts(good)[0]["kid"]
        and header["alg"] == "RS256"
        and not good.startswith(token),
        "alg-none": header.get("alg") == "none",
        "hmac-public-key": header.get("alg") == "HS256",
        "unknown-key": header.get("kid") == "no-such-key",
        "foreign-pool": header.get("kid") == "foreign-key",
        "not-yet-valid": "nbf" in claims,
        "id-token": claims.get("token_use") == "id",
    }[name]


# P6


def _rotate(world: World, name: str) -> None:
    result = world.rotator.rotate(world.client(name))
    assert result.outcome is RotationOutcome.ROTATED, result.reason


@fails("P6-function-code", reason="aws lambda update-function-code")
@contextmanager
def rotation_code_changed_behind_the_engines_back(world: World) -> Iterator[None]:
    with breakage.rotation_function(world, "handler.py", "setLevel(logging.INFO)", "setLevel(30)"):
        yield


@fails("P6-schedule", reason="the rotation of reader's secret is on is False")
@contextmanager
def rotation_off(world: World) -> Iterator[None]:
    with breakage.rotation_off(world, "reader"):
        yield


@fails("P6-schedule", reason="days between two rotations of reader is 2, and must be 7")
def other_schedule(world: World) -> Context:
    return with_settings(world, rotation_days=7)


@fails("P6-schedule", reason="doesn't let secretsmanager.amazonaws.com invoke it")
@contextmanager
def no_permission_for_secrets_manager(world: World) -> Iterator[None]:
    names = world.context.names
    with breakage.without_permission(
        world, names.rotation_function, "AllowSecretsManager", SourceAccount="AWS:SourceAccount"
    ):
        yield


@fails("P6-age", reason="client secret is 5 days old, and must be replaced every 2 days")
@contextmanager
def old_client_secrets(world: World) -> Iterator[None]:
    def age(parsed: dict[str, Any]) -> None:
        for each in parsed["ClientSecrets"]:
            each["ClientSecretCreateDate"] -= dt.timedelta(days=5)

    with breakage.answers(world, "cognito-idp", "ListUserPoolClientSecrets", age):
        yield


@contextmanager
def _labelled_version(world: World, label: str) -> Iterator[None]:
    """Leave a version with a staging label, as an interrupted function does."""
    secrets, arn = world.aws("secretsmanager"), world.client("reader").secret_arn
    value = secrets.get_secret_value(SecretId=arn)["SecretString"]
    version = secrets.put_secret_value(SecretId=arn, SecretString=value, VersionStages=[label])
    try:
        yield
    finally:
        secrets.update_secret_version_stage(
            SecretId=arn, VersionStage=label, RemoveFromVersionId=version["VersionId"]
        )


@fails("P6-complete", reason="reader's rotation that began at .* isn't complete.*--unstick")
@contextmanager
def stuck_rotation(world: World) -> Iterator[None]:
    with _labelled_version(world, PENDING):
        yield


@fails("P6-complete", reason="a deployment that wrote reader's secret was cut off")
@contextmanager
def publication_cut_off(world: World) -> Iterator[None]:
    with _labelled_version(world, PUBLISHING):
        yield


@fails("P6-client-secrets", reason="client secret .* was added by hand")
@contextmanager
def client_secret_added_by_hand(world: World) -> Iterator[None]:
    world.rotator.retire(world.client("reader"))
    cognito = world.aws("cognito-idp")
    key = {"UserPoolId": world.context.user_pool_id, "ClientId": world.client_id("reader")}
    added = cognito.add_user_pool_client_secret(**key)["ClientSecretDescriptor"]
    try:
        yield
    finally:
        cognito.delete_user_pool_client_secret(**key, ClientSecretId=added["ClientSecretId"])


@fails("P6-client-secrets", reason="Cognito doesn't have the client secret that reader's secret")
@contextmanager
def current_client_secret_deleted(world: World) -> Iterator[None]:
    def rename(parsed: dict[str, Any]) -> None:
        for each in parsed["ClientSecrets"]:
            each["ClientSecretId"] += "0"

    with breakage.answers(world, "cognito-idp", "ListUserPoolClientSecrets", rename):
        yield


@fails("P6-client-secrets", reason="replaced client secret .* should have been deleted")
@contextmanager
def overlap_exceeded(world: World) -> Iterator[None]:
    def earlier(parsed: dict[str, Any]) -> None:
        for version in parsed["Versions"]:
            version["VersionStages"] = [
                "since:2026-01-01T00:00:00Z" if each.startswith("since:") else each
                for each in version["VersionStages"]
            ]

    _rotate(world, "reader")
    with breakage.answers(world, "secretsmanager", "ListSecretVersionIds", earlier):
        yield


@fails("P6-retirement", reason="the rule .* is DISABLED, .* aws events enable-rule --name")
@contextmanager
def no_retirement(world: World) -> Iterator[None]:
    events, rule = world.aws("events"), world.context.names.retirement_rule
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@fails("P6-retirement", reason="the event of .* is {'retire': \\[\\]}")
@contextmanager
def other_event(world: World) -> Iterator[None]:
    events, rule = world.aws("events"), world.context.names.retirement_rule
    (before,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[before | {"Input": '{"retire": []}'}])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=[before])


@fails("P6-retirement", reason="doesn't let events.amazonaws.com invoke it")
@contextmanager
def no_permission_for_the_rule(world: World) -> Iterator[None]:
    names = world.context.names
    with breakage.without_permission(
        world, names.rotation_function, "AllowRetirementRule", SourceArn="AWS:SourceArn"
    ):
        yield


@fails("P6-disabled-refused", "P6-schedule", reason="disabled client reader allows client_cred")
def disabled_only_in_the_outputs(world: World) -> Context:
    clients = world.outputs["clients"]
    return with_outputs(world, clients=clients | {"reader": clients["reader"] | {"enabled": False}})


_FORGERY_FAULTS = sorted(
    name.removeprefix("P5-refuses-") for name in CHECKS if name.startswith("P5-refuses-")
)


@pytest.mark.parametrize("forgery", _FORGERY_FAULTS)
def test_a_server_that_accepts_one_kind_of_forged_token_fails_that_check_only(
    world: World, forgery: str
) -> None:
    good = world.context.token("writer")
    audience = world.outputs["auraSso"]["audience"]

    def taken(token: str) -> bool:
        if forgery == "wrong-audience":
            claims = _parts(token)[1]
            return "aud" in claims and claims["aud"] not in audience
        return _forged(forgery, token, good)

    def alter(request: httpx2.Request) -> None:
        token = _token_of(request)
        if token and taken(token):
            request.headers["authorization"] = f"Bearer {good}"

    context = altered(world, request=alter)
    # The forgeries have to be made from this token.
    context.tokens["writer"] = good
    found = failures(run_checks(context, "P5-refuses-*"))
    assert set(found) == {f"P5-refuses-{forgery}"}
    assert "is accepted by read-cypher" in found[f"P5-refuses-{forgery}"]


@pytest.mark.parametrize(("fault", "names", "reason"), _FAULTS.cases)
def test_a_fault_fails_its_checks_only(
    world: World, fault: Fault, names: set[str], reason: str
) -> None:
    expect_failures(world, fault, names, reason)


def _conformance_faults() -> dict[str, tuple[set[str], AlterResponse]]:
    def of(method: str, change: Change) -> AlterResponse:
        def alter(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            if _method(request) != method or response.status_code != 200:
                return response
            return answer(change(response.json()))

        return alter

    def without_schemas(known: dict[str, Any]) -> dict[str, Any]:
        tools = [{"name": tool["name"]} for tool in known["result"]["tools"]]
        return known | {"result": {"tools": tools}}

    def with_logging(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        known = response.json() if response.status_code == 200 else {}
        if _method(request) == "initialize":
            known["result"]["capabilities"]["logging"] = {}
            return answer(known)
        if _method(request) == "logging/setLevel":
            return answer({"jsonrpc": "2.0", "id": known["id"], "result": {}})
        return response

    error = {"error": {"code": -32603, "message": "broken"}}
    applicable = {f"P5-conformance-{name}" for name in ("ping", "server-initialize", "tools-list")}
    return {
        # Every scenario begins with it.
        "initialize": (
            applicable,
            of("initialize", lambda known: {"jsonrpc": "2.0", "id": known["id"]} | error),
        ),
        "ping": (
            {"P5-conformance-ping"},
            of("ping", lambda known: {"jsonrpc": "2.0", "id": known["id"]} | error),
        ),
        "tools/list": ({"P5-conformance-tools-list"}, of("tools/list", without_schemas)),
        "logging/setLevel": ({"P5-conformance-others"}, with_logging),
    }


@pytest.mark.parametrize("method", sorted(_conformance_faults()))
def test_a_server_that_violates_the_protocol_fails_the_conformance_checks(
    world: World, method: str
) -> None:
    names, alter = _conformance_faults()[method]
    found = failures(run_checks(altered(world, response=alter), "P5-conformance-*"))
    assert set(found) == names


def test_the_conformance_suite_passes_on_a_healthy_stack(world: World) -> None:
    results = run_checks(world.context, "P5-conformance-*")
    assert {result.outcome for result in results.values()} == {Outcome.PASSED}


def test_the_app_client_that_an_interrupted_run_left_is_deleted(world: World) -> None:
    cognito, pool = world.aws("cognito-idp"), {"UserPoolId": world.context.user_pool_id}
    before = cognito.list_user_pool_clients(**pool, MaxResults=60)["UserPoolClients"]
    left = f"{world.context.names.prefix}-{STACK}-automation-check"
    cognito.create_user_pool_client(**pool, ClientName=left)
    results = run_checks(world.context, "P5-refuses-wrong-audience")
    assert failures(results) == {}
    after = cognito.list_user_pool_clients(**pool, MaxResults=60)["UserPoolClients"]
    assert {each["ClientName"] for each in after} == {each["ClientName"] for each in before}


def test_every_check_has_a_fault() -> None:
    found = _FAULTS.checks | MONITORING_FAULTS.checks
    found |= {f"P5-refuses-{forgery}" for forgery in _FORGERY_FAULTS}
    found |= {name for names, _ in _conformance_faults().values() for name in names}
    assert found | {"P5-isolation", "P5-token-expiry"} == set(CHECKS)


def test_a_server_that_confuses_clients_fails_the_isolation_check(world: World) -> None:
    numbers = itertools.count()

    def alter(request: httpx2.Request) -> None:
        if _method(request) == "read-cypher" and next(numbers) % 50 == 49:
            other = {"reader": "writer", "writer": "reader"}
            audience = _parts(_token_of(request))[1]["aud"]
            name = next(each for each in other if world.client_id(each) == audience)
            request.headers["authorization"] = f"Bearer {world.context.token(other[name])}"

    assert failures(run_checks(world.context, "P5-isolation")) == {}
    found = failures(run_checks(altered(world, request=alter), "P5-isolation"))
    assert re.search(r"\d calls went wrong|of 400 calls", found["P5-isolation"])


def test_a_server_that_accepts_expired_tokens_fails_the_expiry_check(world: World) -> None:
    def alter(request: httpx2.Request) -> None:
        token = _token_of(request)
        if token and _parts(token)[1]["exp"] < time.time():
            request.headers["authorization"] = f"Bearer {world.context.token('reader')}"

    # Cognito's minimum is five minutes; the stand-in accepts seconds, so that a test can wait.
    units = {"AccessToken": "seconds"}
    with breakage.app_client(world, "reader", AccessTokenValidity=4, TokenValidityUnits=units):
        good = run_checks(replace(world.context, longest_wait=20.0), "P5-token-expiry")
        bad = run_checks(
            replace(altered(world, request=alter), longest_wait=20.0), "P5-token-expiry"
        )
    assert good["P5-token-expiry"].outcome is Outcome.PASSED
    assert "accepted after it expired" in bad["P5-token-expiry"].reason


def test_the_expiry_check_is_skipped_if_tokens_are_valid_for_too_long(world: World) -> None:
    result = run_checks(world.context, "P5-token-expiry")["P5-token-expiry"]
    assert result.outcome is Outcome.SKIPPED
    assert "--wait" in result.reason
