"""Ways to break a deployed stack, each undone at the end of its block."""

import copy
import io
import json
import ssl
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import certifi
import httpx2

from automation.checks.context import Context
from automation.rotation.clients import Client
from automation.rotation.decisions import incomplete_version
from automation.rotation.operations import Rotator
from components.function_code import (
    canary_package,
    claims_package,
    package,
    rotation_package,
)
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from tests.waiting import wait_until

Kind = TypeVar("Kind", bound=Context)
AlterRequest = Callable[[httpx2.Request], None]
AlterResponse = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]

_UPDATE_TIMEOUT = 60.0
_HANDLER = Path(__file__).parents[2] / "functions" / "claims" / "handler.py"
# UpdateUserPoolClient resets fields that are left out.
_APP_CLIENT_FIELDS = (
    "ClientName",
    "AccessTokenValidity",
    "TokenValidityUnits",
    "ExplicitAuthFlows",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "CallbackURLs",
    "EnableTokenRevocation",
    "PreventUserExistenceErrors",
)


@dataclass(frozen=True, kw_only=True)
class World:
    """A deployed stack, with access to its stand-in cloud."""

    context: Context
    running: Cloud
    aws: Callable[[str], Any]

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.context.outputs

    @property
    def claims_log_group(self) -> str:
        function = self.aws("lambda").get_function_configuration(
            FunctionName=self.context.names.claims_function
        )
        return str(function["LoggingConfig"]["LogGroup"])

    @property
    def rotator(self) -> Rotator:
        """Rotates the clients' secrets, as the command does."""
        return Rotator(
            stack=self.context.stack,
            function=str(self.outputs["rotationFunction"]),
            user_pool_id=self.context.user_pool_id,
            aws=self.aws,
            report=lambda _: None,
        )

    def wait_for_rotations(self) -> None:
        """Wait until no rotation is in progress.

        Turning rotation on leaves one too: Secrets Manager then tests the rotation function with a
        separate version.
        """
        for name in self.outputs["clients"]:
            self._wait_for_rotation(self.client(name))

    def _wait_for_rotation(self, client: Client) -> None:
        wait_until(
            lambda: incomplete_version(self.rotator.inventory(client)) is None,
            f"{client.name}'s rotation ends",
        )

    def client(self, name: str) -> Client:
        return Client.from_output(name, self.outputs["clients"][name])

    def client_id(self, name: str) -> str:
        return str(self.outputs["clients"][name]["clientId"])


class AlteringTransport(httpx2.BaseTransport):
    """Passes requests on to the stack, and alters requests and responses on the way."""

    def __init__(
        self,
        transport: httpx2.BaseTransport,
        alter_request: AlterRequest | None,
        alter_response: AlterResponse | None,
    ) -> None:
        self._transport = transport
        self._alter_request = alter_request
        self._alter_response = alter_response

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        sent = httpx2.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        if self._alter_request:
            self._alter_request(sent)
        response = self._transport.handle_request(sent)
        if self._alter_response is None:
            return response
        response.read()
        return self._alter_response(request, response)

    def close(self) -> None:
        self._transport.close()


@dataclass(kw_only=True)
class AlteredContext(Context):
    """A stack with altered HTTP traffic."""

    alter_request: AlterRequest | None = None
    alter_response: AlterResponse | None = None

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        transport = AlteringTransport(
            httpx2.HTTPTransport(verify=self.tls), self.alter_request, self.alter_response
        )
        return httpx2.Client(transport=transport, timeout=30.0, **options)


def altered(
    world: World, *, request: AlterRequest | None = None, response: AlterResponse | None = None
) -> Context:
    """Return the stack with altered requests or responses."""
    context = copy_context(world, AlteredContext)
    context.alter_request = request
    context.alter_response = response
    return context


def distrusting(world: World) -> Context:
    """Return the stack as seen by a machine that doesn't trust its certificate authority."""

    class Distrusting(Context):
        @property
        def tls(self) -> ssl.SSLContext:
            return ssl.create_default_context(cafile=certifi.where())

        def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
            return world.context.http_client(**options)

    return copy_context(world, Distrusting)


def copy_context(world: World, kind: type[Kind]) -> Kind:
    """Return the stack as another kind of context, with its own clients of AWS."""
    known = world.context
    return kind(
        stack=known.stack,
        settings=known.settings,
        outputs=known.outputs,
        state=known.state,
        session=known.session,
        database_uri=known.database_uri,
        longest_wait=known.longest_wait,
        interleavings=known.interleavings,
    )


def with_settings(world: World, **settings: object) -> Context:
    """Return the stack with other settings than it was deployed with."""
    host = world.context.settings.host
    of_host = {name: settings.pop(name) for name in [*settings] if name in type(host).model_fields}
    update = {**settings, "host": host.model_copy(update=of_host)}
    return replace(world.context, settings=world.context.settings.model_copy(update=update))


def with_outputs(world: World, **outputs: object) -> Context:
    """Return the stack with other outputs."""
    return replace(world.context, outputs={**world.context.outputs, **outputs})


def answer(document: object) -> httpx2.Response:
    """Make a response to be returned instead of the stack's."""
    return httpx2.Response(200, json=document)


@contextmanager
def app_client(world: World, name: str, **changes: object) -> Iterator[None]:
    """Change a client's app client in Cognito."""
    cognito = world.aws("cognito-idp")
    key = {"UserPoolId": world.context.user_pool_id, "ClientId": world.client_id(name)}
    found = cognito.describe_user_pool_client(**key)["UserPoolClient"]
    before = {field: found[field] for field in _APP_CLIENT_FIELDS if found.get(field) is not None}
    cognito.update_user_pool_client(**key, **(before | changes))
    try:
        yield
    finally:
        cognito.update_user_pool_client(**key, **before)


@contextmanager
def claims_function(world: World, old: str, new: str) -> Iterator[None]:
    """Change the claims function's code."""
    source = _HANDLER.read_bytes()
    assert old.encode() in source
    changed = package({"handler.py": source.replace(old.encode(), new.encode())})
    with _function_code(world, world.context.names.claims_function, changed, claims_package()):
        yield


@contextmanager
def rotation_function(world: World, file: str, old: str, new: str) -> Iterator[None]:
    """Change the rotation function's code.

    Args:
        world: the stack.
        file: the name of the file in functions/rotation.
        old: a part of its text.
        new: what takes its place.
    """
    with zipfile.ZipFile(io.BytesIO(rotation_package())) as packed:
        sources = {name: packed.read(name) for name in packed.namelist()}
    (path,) = (each for each in sources if each.endswith(f"rotation/{file}"))
    assert old.encode() in sources[path]
    changed = package(sources | {path: sources[path].replace(old.encode(), new.encode())})
    with _function_code(world, world.context.names.rotation_function, changed, rotation_package()):
        yield


@contextmanager
def _function_code(world: World, name: str, fault: bytes, good: bytes) -> Iterator[None]:
    update = world.aws("lambda").update_function_code
    update(FunctionName=name, ZipFile=fault)
    try:
        yield
    finally:
        update(FunctionName=name, ZipFile=good)


@contextmanager
def canary_code(world: World, old: str, new: str) -> Iterator[None]:
    """Change the code of the canary's handler."""
    path = "functions/canary/handler.py"
    with zipfile.ZipFile(io.BytesIO(canary_package())) as packed:
        sources = {name: packed.read(name) for name in packed.namelist()}
    assert old.encode() in sources[path]
    changed = package(sources | {path: sources[path].replace(old.encode(), new.encode())})
    with _function_code(world, world.context.names.canary_function, changed, canary_package()):
        yield


@contextmanager
def without_permission(
    world: World, function: str, statement: str, **permission: str
) -> Iterator[None]:
    """Take a statement out of a function's policy.

    Args:
        world: the stack.
        function: the function's name.
        statement: the statement's id.
        **permission: the keys of the statement's conditions, by the parameters of AddPermission.
    """
    client = world.aws("lambda")
    policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    (before,) = (each for each in policy["Statement"] if each["Sid"] == statement)
    conditions = {
        key: value for each in before["Condition"].values() for key, value in each.items()
    }
    client.remove_permission(FunctionName=function, StatementId=statement)
    try:
        yield
    finally:
        client.add_permission(
            FunctionName=function,
            StatementId=statement,
            Action=before["Action"],
            Principal=before["Principal"]["Service"],
            **{parameter: conditions[key] for parameter, key in permission.items()},
        )


@contextmanager
def answers(
    world: World, service: str, operation: str, change: Callable[[dict[str, Any]], object]
) -> Iterator[None]:
    """Change the responses of an AWS operation in place."""

    def changed(parsed: dict[str, Any], **_: object) -> None:
        change(parsed)

    events, name = world.context.client(service).meta.events, f"after-call.{service}.{operation}"
    events.register(name, changed)
    try:
        yield
    finally:
        events.unregister(name, changed)


@contextmanager
def log_kept_forever(world: World, stem: str) -> Iterator[None]:
    """Remove the retention of the log group with a name that begins with this."""
    logs = world.aws("logs")
    (found,) = logs.describe_log_groups(logGroupNamePrefix=stem)["logGroups"]
    group = {"logGroupName": found["logGroupName"]}
    logs.delete_retention_policy(**group)
    try:
        yield
    finally:
        logs.put_retention_policy(**group, retentionInDays=found["retentionInDays"])


@contextmanager
def rotation_off(world: World, name: str) -> Iterator[None]:
    """Turn the rotation of a client's secret off."""
    secrets, arn = world.aws("secretsmanager"), world.client(name).secret_arn
    before = secrets.describe_secret(SecretId=arn)
    secrets.cancel_rotate_secret(SecretId=arn)
    try:
        yield
    finally:
        secrets.rotate_secret(
            SecretId=arn,
            RotationLambdaARN=before["RotationLambdaARN"],
            RotationRules=before["RotationRules"],
            RotateImmediately=False,
        )
        world.wait_for_rotations()


@contextmanager
def service(world: World, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Change the App Runner service.

    Args:
        world: the stack.
        change: changes the parameters of UpdateService in place.
    """
    apprunner = world.aws("apprunner")
    arn = next(
        each["ServiceArn"]
        for each in apprunner.list_services()["ServiceSummaryList"]
        if each["ServiceName"] == world.context.names.service
    )
    found = apprunner.describe_service(ServiceArn=arn)["Service"]
    before = {
        "SourceConfiguration": found["SourceConfiguration"],
        "InstanceConfiguration": found["InstanceConfiguration"],
        "HealthCheckConfiguration": found["HealthCheckConfiguration"],
        "AutoScalingConfigurationArn": found["AutoScalingConfigurationSummary"][
            "AutoScalingConfigurationArn"
        ],
    }
    after = copy.deepcopy(before)
    change(after)
    _update_service(apprunner, arn, after)
    try:
        yield
    finally:
        _update_service(apprunner, arn, before)


def _update_service(apprunner: Any, arn: str, configuration: dict[str, Any]) -> None:  # noqa: ANN401 - boto3's
    apprunner.update_service(ServiceArn=arn, **configuration)
    wait_until(
        lambda: apprunner.describe_service(ServiceArn=arn)["Service"]["Status"] == "RUNNING",
        "the service is updated",
    )


@contextmanager
def edge_function(world: World, old: str, new: str) -> Iterator[None]:
    """Change the code of the edge's function.

    Args:
        world: the stack.
        old: a part of the code.
        new: what takes its place.
    """
    found = world.aws("cloudfront").get_function(
        Name=world.context.names.edge_function, Stage="LIVE"
    )
    good = found["FunctionCode"].read()
    assert old.encode() in good
    _publish_edge_function(world, good.replace(old.encode(), new.encode()))
    try:
        yield
    finally:
        _publish_edge_function(world, good)


def _publish_edge_function(world: World, code: bytes) -> None:
    cloudfront, name = world.aws("cloudfront"), world.context.names.edge_function
    found = cloudfront.describe_function(Name=name)
    configuration = found["FunctionSummary"]["FunctionConfig"]
    updated = cloudfront.update_function(
        Name=name, IfMatch=found["ETag"], FunctionConfig=configuration, FunctionCode=code
    )
    cloudfront.publish_function(Name=name, IfMatch=updated["ETag"])
    wait_until(
        lambda: (
            cloudfront.describe_function(Name=name, Stage="LIVE")["FunctionSummary"]["Status"]
            == "DEPLOYED"
        ),
        "the function is deployed",
    )


@contextmanager
def without_edge_function(world: World) -> Iterator[None]:
    """Take the function out of the edge's distribution."""
    cloudfront, distribution = world.aws("cloudfront"), _distribution_id(world)
    before = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
    fault = copy.deepcopy(before)
    fault["DefaultCacheBehavior"]["FunctionAssociations"] = {"Quantity": 0}
    _update_distribution(world, distribution, fault)
    try:
        yield
    finally:
        _update_distribution(world, distribution, before)


@contextmanager
def edge_without_web_acl(world: World) -> Iterator[None]:
    """Take the web ACL off the edge's distribution."""
    cloudfront, distribution = world.aws("cloudfront"), _distribution_id(world)
    before = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
    _update_distribution(world, distribution, before | {"WebACLId": ""})
    try:
        yield
    finally:
        _update_distribution(world, distribution, before)


@contextmanager
def edge_origin(world: World, port: int) -> Iterator[None]:
    """Let the edge's distribution connect to another port."""
    cloudfront, distribution = world.aws("cloudfront"), _distribution_id(world)
    before = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
    fault = copy.deepcopy(before)
    fault["Origins"]["Items"][0]["CustomOriginConfig"]["HTTPSPort"] = port
    _update_distribution(world, distribution, fault)
    try:
        yield
    finally:
        _update_distribution(world, distribution, before)


@contextmanager
def requests_per_ip(world: World, limit: int) -> Iterator[None]:
    """Change the limit in the edge's web ACL."""
    wafv2, name = world.aws("wafv2"), world.context.names.edge_web_acl
    listed = wafv2.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]
    web_acl = {
        "Name": name,
        "Scope": "CLOUDFRONT",
        "Id": next(each["Id"] for each in listed if each["Name"] == name),
    }

    def update(rules: list[dict[str, Any]]) -> None:
        found = wafv2.get_web_acl(**web_acl)
        kept = ("DefaultAction", "Description", "VisibilityConfig")
        wafv2.update_web_acl(
            **web_acl,
            **{each: found["WebACL"][each] for each in kept},
            Rules=rules,
            LockToken=found["LockToken"],
        )

    before = wafv2.get_web_acl(**web_acl)["WebACL"]["Rules"]
    fault = copy.deepcopy(before)
    fault[0]["Statement"]["RateBasedStatement"]["Limit"] = limit
    update(fault)
    try:
        yield
    finally:
        update(before)


def _update_distribution(world: World, distribution: str, config: dict[str, Any]) -> None:
    cloudfront = world.aws("cloudfront")
    tag = cloudfront.get_distribution_config(Id=distribution)["ETag"]
    cloudfront.update_distribution(Id=distribution, IfMatch=tag, DistributionConfig=config)
    waiter = cloudfront.get_waiter("distribution_deployed")
    waiter.wait(Id=distribution, WaiterConfig={"Delay": 1, "MaxAttempts": int(_UPDATE_TIMEOUT)})


def _distribution_id(world: World) -> str:
    target = world.outputs["edgeDomainTarget"]
    listed = world.aws("cloudfront").list_distributions()["DistributionList"]["Items"]
    return next(str(each["Id"]) for each in listed if each["DomainName"] == target)


@contextmanager
def aura(world: World, **settings: object) -> Iterator[None]:
    """Change the single sign-on settings in the Aura console."""
    connect_aura(world.running, {**world.outputs["auraSso"], **settings})
    try:
        yield
    finally:
        connect_aura(world.running, world.outputs["auraSso"])


@contextmanager
def role_policy(world: World, role: str, name: str, document: object | None) -> Iterator[None]:
    """Replace a role's inline policy, or delete it if the document is None."""
    iam = world.aws("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = (
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        if name in names
        else None
    )
    _put_policy(iam, role, name, document)
    try:
        yield
    finally:
        _put_policy(iam, role, name, before)


def _put_policy(iam: Any, role: str, name: str, document: object | None) -> None:  # noqa: ANN401 - boto3's
    if document is None:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
        return
    text = document if isinstance(document, str) else json.dumps(document)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
