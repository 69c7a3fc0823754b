"""Run the AWS endpoint: `python -m localcloud.aws`."""

import asyncio
import contextlib
import dataclasses
import importlib
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import docker
import docker.errors
import typer
import uvicorn

from localcloud.access_key import AccessKey
from localcloud.aws import control
from localcloud.aws.account import Account
from localcloud.aws.apprunner.app import AppRunnerApp
from localcloud.aws.apprunner.controller import Timing
from localcloud.aws.apprunner.customers import Customers
from localcloud.aws.apprunner.thread import AppRunnerSettings, AppRunnerThread
from localcloud.aws.autoscaling import app as autoscaling
from localcloud.aws.autoscaling.models import ScalingState
from localcloud.aws.autoscaling.operations import ApplicationAutoScaling
from localcloud.aws.autoscaling.resources import AccountResources
from localcloud.aws.autoscaling.scaler import Scaler
from localcloud.aws.cloudfront.service import Edge
from localcloud.aws.cloudfront.thread import EdgeSettings
from localcloud.aws.cognito.app import CognitoApp
from localcloud.aws.cognito.models import ClientSecrets
from localcloud.aws.containers import ImageStore
from localcloud.aws.context import ServiceContext
from localcloud.aws.ec2.app import Ec2App
from localcloud.aws.ecr.app import EcrApp
from localcloud.aws.ecr.models import Registry
from localcloud.aws.ecs.app import ecs_app
from localcloud.aws.ecs.controller import Timing as EcsTiming
from localcloud.aws.ecs.thread import EcsSettings, EcsThread
from localcloud.aws.elbv2 import app as elbv2
from localcloud.aws.elbv2.network import AccountNetwork
from localcloud.aws.elbv2.service import LoadBalancingSettings
from localcloud.aws.endpoint import Endpoint
from localcloud.aws.events.app import events_app
from localcloud.aws.events.models import Rules
from localcloud.aws.events.operations import EventBridge
from localcloud.aws.events.schedules import Schedules
from localcloud.aws.functions import Functions
from localcloud.aws.gate import Gate
from localcloud.aws.keys import KeyRing, issued_keys
from localcloud.aws.lambda_.app import FunctionUrlApp
from localcloud.aws.lambda_.concurrency import ConcurrencyApp
from localcloud.aws.lambda_.environments import let_invocations_finish
from localcloud.aws.lambda_.functions import AccountFunctions
from localcloud.aws.lambda_.thread import FunctionUrlSettings, FunctionUrlThread
from localcloud.aws.periodic import Work, repeat
from localcloud.aws.secretsmanager.app import SecretsManagerApp
from localcloud.aws.secretsmanager.models import Secrets
from localcloud.aws.secretsmanager.operations import SecretsManager
from localcloud.aws.secretsmanager.rotation import Retries, Rotations
from localcloud.aws.signatures import Verifier
from localcloud.certificates import CertificateAuthority
from localcloud.readiness import announce

ACCOUNT_ID = "000000000000"
MINISTACK_SERVICES = (
    "acm",
    "cognito-idp",
    "ec2",
    "ecr",
    "iam",
    "lambda",
    "logs",
    "monitoring",
    # For GetRandomPassword only.
    "secretsmanager",
    "sns",
    "sqs",
    "sts",
)
SERVICES = (
    "apprunner",
    autoscaling.SERVICE,
    "cloudfront",
    "ecs",
    elbv2.SERVICE,
    "events",
    "wafv2",
    *MINISTACK_SERVICES,
)
_FOREIGN_SETTINGS = ("AWS_", "LAMBDA_", "LOCALSTACK_", "MINISTACK_")
_GRACE = 2
_SCALING_MINUTE = 60
_LOCAL_NAMES = ("localhost", "127.0.0.1", "host.docker.internal")
_KEEP_ALIVE = 65
"""Seconds; longer than clients keep idle connections, so none is closed while it is reused."""
_DOCKER_POOL = 64
_SCHEDULE_PERIOD = 0.5
"""Seconds between two looks at the schedules of Secrets Manager and EventBridge."""


class _Server(uvicorn.Server):
    """Announces that it is ready, and stops the services before itself."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None],
        periodic: Sequence[Work],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._periodic = periodic
        self._repeating: asyncio.Task[NoReturn] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again after its clean-up, which would kill the process.
        handled = (signal.SIGTERM, signal.SIGINT)
        previous = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._repeating = asyncio.create_task(repeat(self._periodic, period=_SCHEDULE_PERIOD))
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._repeating is not None:
            self._repeating.cancel()
        # App Runner sends its last logs to this server meanwhile.
        await asyncio.to_thread(self._on_stop)
        await super().shutdown(sockets)


def main(  # noqa: PLR0913 - a command line's flags
    *,
    port: Annotated[int, typer.Option(help="Port of the endpoint; 0 chooses a free one.")] = 4566,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    service_ports: Annotated[
        str,
        typer.Option(help="FIRST-LAST: HTTPS ports of services, function URLs and distributions."),
    ] = "8443-8462",
    region: Annotated[str, typer.Option(help="The region.")] = "us-east-1",
    certificate_authority: Annotated[
        Path, typer.Option(help="Folder of the certificate authority; created if missing.")
    ] = Path(".localcloud/ca"),
    state_dir: Annotated[
        Path, typer.Option(help="Folder of keys and functions; created if missing.")
    ] = Path(".localcloud/aws"),
    credentials: Annotated[
        Path, typer.Option(help="AWS credentials file with the access key; created if missing.")
    ] = Path(".localcloud/aws-credentials"),
    owner: Annotated[
        str, typer.Option(help="Value of the label neo4j-mcp.localcloud on containers.")
    ] = "default",
    request_timeout: Annotated[
        float, typer.Option(help="Seconds until a request to a service ends; AWS: 120.")
    ] = 120.0,
    scale_in_after: Annotated[
        float,
        typer.Option(
            help="Seconds without demand before App Runner's instances and Lambda's environments"
            " are removed."
        ),
    ] = 60.0,
    metrics_period: Annotated[
        float, typer.Option(help="Seconds between reports of metrics.")
    ] = 5.0,
    idle_target_drain: Annotated[
        float,
        typer.Option(
            min=0,
            help="Seconds until a deregistered target without requests is unused; AWS: the whole"
            " deregistration delay.",
        ),
    ] = 5.0,
    settle_time: Annotated[
        float,
        typer.Option(help="Seconds until an ECS task without health checks is healthy; AWS: 40."),
    ] = 40.0,
    client_secret_delay: Annotated[
        float, typer.Option(min=0, help="Seconds until Cognito accepts an added client secret.")
    ] = 0.0,
    rotation_retry_after: Annotated[
        float, typer.Option(min=0, help="Seconds until a failed rotation is attempted again.")
    ] = 2.0,
    edge_deployment: Annotated[
        float, typer.Option(min=0, help="Seconds until CloudFront's edge locations know a change.")
    ] = 1.0,
    rate_period: Annotated[
        float, typer.Option(min=0, help="Seconds between WAF's looks at the rates of requests.")
    ] = 10.0,
    node: Annotated[
        str, typer.Option(help="The Node command for CloudFront's functions.")
    ] = "node",
    ready_fd: Annotated[
        int | None, typer.Option(help="File descriptor to announce readiness on.")
    ] = None,
) -> None:
    """Serve the AWS endpoint until SIGTERM."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s [%(name)s] %(message)s"
    )
    # Docker tries TLS first with every registry, and uvicorn logs a warning for each attempt.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    listener = _listen(host, port)
    port = listener.getsockname()[1]
    client = _docker_client()
    access_key = _access_key(credentials)
    # App Runner and the functions sign with a separate key, which is valid for this process only.
    internal_key = dataclasses.replace(AccessKey.generate(), key_id=ACCOUNT_ID)
    _configure_ministack(port, region, state_dir.absolute(), internal_key, scale_in_after)
    endpoint_url = f"http://localhost:{port}"
    registry = Registry(
        aws_host=f"{ACCOUNT_ID}.dkr.ecr.{region}.amazonaws.com", local_host=f"localhost:{port}"
    )
    account = Account(
        endpoint=f"http://127.0.0.1:{port}",
        region=region,
        account_id=ACCOUNT_ID,
        key=internal_key,
    )
    authority = _authority(certificate_authority)
    ports, certificate = _port_range(service_ports), authority.server_context(_LOCAL_NAMES)
    images = ImageStore(client)
    thread = AppRunnerThread(
        AppRunnerSettings(
            account=account,
            registry=registry,
            docker_client=client,
            images=images,
            owner=owner,
            host=host,
            ports=ports,
            context=certificate,
            timing=Timing(
                request_timeout=request_timeout,
                idle_period=scale_in_after,
                metrics_period=metrics_period,
            ),
        )
    )
    function_urls = FunctionUrlThread(
        FunctionUrlSettings(
            functions=AccountFunctions(account), host=host, ports=ports, context=certificate
        )
    )
    context = ServiceContext(region=region, account_id=ACCOUNT_ID, clock=time.time)
    load_balancers = elbv2.LoadBalancerThread(
        LoadBalancingSettings(
            host=host,
            tls=elbv2.tls_contexts(authority),
            idle_drain=idle_target_drain,
            metrics_period=metrics_period,
        ),
        AccountNetwork(account),
        context,
        account.put_metrics,
    )
    edge = Edge(
        EdgeSettings(node=node, host=host, ports=ports, authority=authority),
        account,
        context,
        deployment_seconds=edge_deployment,
        rate_period=rate_period,
        internal_address=load_balancers.internal_address,
    )
    scaling, resources = ScalingState(), AccountResources(account)
    scaler = Scaler(scaling, resources, context, minute=_SCALING_MINUTE)
    ecs = EcsThread(
        EcsSettings(
            account=account,
            registry=registry,
            targets=load_balancers,
            docker_client=client,
            images=images,
            owner=owner,
            context=context,
            timing=EcsTiming(settle_time=settle_time),
            metrics_period=metrics_period,
        )
    )
    thread.start()
    load_balancers.start()
    ecs.start()
    function_urls.start()
    edge.start()
    # Imported last: it reads its settings from the environment at import.
    ministack = importlib.import_module("ministack.app").app
    let_invocations_finish(importlib.import_module("ministack.core.lambda_runtime"))
    issued = issued_keys(importlib.import_module("ministack.core.iam_evaluator"))
    ecr = EcrApp(registry, ministack)
    client_secrets = ClientSecrets(clock=time.time, delay=client_secret_delay)
    customers = Customers()
    concurrency = ConcurrencyApp(ministack)
    functions = Functions(ministack, ACCOUNT_ID)
    rotations, secrets_manager = _secrets_manager(functions, context, rotation_retry_after)
    schedules, event_bridge = _event_bridge(functions, context)
    application = Gate(
        port=port,
        verifier=Verifier(
            find_secret=KeyRing([access_key, internal_key], issued).secret,
            region=region,
            services={control.SERVICE, *SERVICES},
        ),
        ecr=ecr,
        application=Endpoint(
            apprunner=AppRunnerApp(thread, registry, customers),
            ecr=ecr,
            ecs=ecs_app(ecs),
            cognito=CognitoApp(ministack, region, client_secrets),
            concurrency=concurrency,
            control=control.ControlApp(
                {
                    "MakeRotationDue": secrets_manager.make_rotation_due,
                    "RemoveDeprecatedVersions": secrets_manager.remove_deprecated_versions,
                    "RunRule": event_bridge.run_rule,
                    "SetAppRunnerOpen": _set_app_runner_open(customers),
                    "SetClientSecretDelay": _set_client_secret_delay(client_secrets),
                    "SetConcurrencyLimit": _set_concurrency_limit(concurrency),
                    "SetScalingMinute": autoscaling.set_scaling_minute(scaler, metrics_period),
                }
            ),
            events=events_app(event_bridge),
            function_urls=FunctionUrlApp(function_urls, ministack),
            secretsmanager=SecretsManagerApp(secrets_manager, ministack),
            ministack=ministack,
            by_service={
                **edge.applications,
                autoscaling.SERVICE: autoscaling.autoscaling_app(
                    ApplicationAutoScaling(scaling, resources, context)
                ),
                "ec2": Ec2App(
                    ministack,
                    groups_in_use=lambda: {
                        *load_balancers.security_groups(),
                        *ecs.security_groups(),
                    },
                ),
                elbv2.SERVICE: load_balancers.api,
            },
        ),
    )

    def stop() -> None:
        edge.stop()
        function_urls.stop()
        ecs.stop()
        load_balancers.stop()
        thread.stop()

    server = _Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            # Headers of the caller don't change its address, and there are no WebSockets.
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
            server_header=False,
            date_header=False,
        ),
        on_ready=lambda: announce(ready_fd, {"endpoint": endpoint_url}),
        on_stop=stop,
        periodic=[rotations.start_due, schedules.run_due, scaler.run_due],
    )
    server.run(sockets=[listener])


def _secrets_manager(
    functions: Functions, context: ServiceContext, retry_after: float
) -> tuple[Rotations, SecretsManager]:
    secrets = Secrets()
    retries = Retries(pause=retry_after)
    rotations = Rotations(secrets, functions, clock=context.clock, retries=retries)
    return rotations, SecretsManager(secrets, rotations, functions, context)


def _event_bridge(functions: Functions, context: ServiceContext) -> tuple[Schedules, EventBridge]:
    rules = Rules()
    schedules = Schedules(rules, functions, context)
    return schedules, EventBridge(rules, schedules, context)


def _set_client_secret_delay(client_secrets: ClientSecrets) -> control.Operation:
    async def operation(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        client_secrets.set_delay(control.number(parameters, "Seconds"))
        return {}

    return operation


def _set_app_runner_open(customers: Customers) -> control.Operation:
    async def operation(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        customers.set_open(control.flag(parameters, "Open"))
        return {}

    return operation


def _set_concurrency_limit(concurrency: ConcurrencyApp) -> control.Operation:
    async def operation(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        concurrency.set_limit(int(control.number(parameters, "Limit")))
        return {}

    return operation


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=512)
    except OSError as error:
        _give_up(
            f"port {port} on {host} isn't available ({error.strerror}): choose another by --port"
        )


def _docker_client() -> docker.DockerClient:
    try:
        client = docker.from_env(max_pool_size=_DOCKER_POOL)
        client.ping()
    except docker.errors.DockerException as error:
        where = os.environ.get("DOCKER_HOST", "the default socket")
        _give_up(f"no Docker Engine answers at {where} (DOCKER_HOST): {error}")
    return client


def _access_key(credentials: Path) -> AccessKey:
    try:
        return AccessKey.load_or_create(credentials)
    except (OSError, ValueError) as error:
        _give_up(f"the access key can't be read (--credentials): {error}")


def _authority(folder: Path) -> CertificateAuthority:
    try:
        return CertificateAuthority.load_or_create(folder)
    except OSError as error:
        _give_up(f"the certificate authority can't be stored (--certificate-authority): {error}")


def _port_range(text: str) -> range:
    try:
        first, last = (int(part) for part in text.split("-"))
    except ValueError:
        first, last = 0, 0
    if not 0 < first <= last < 2**16:
        _give_up(f"--service-ports {text}: must be FIRST-LAST, such as 8443-8462")
    return range(first, last + 1)


def _configure_ministack(
    port: int, region: str, state: Path, key: AccessKey, scale_in_after: float
) -> None:
    """Set ministack's environment variables, before it is imported.

    It gets no Docker Engine, because it would remove the containers of other ministacks there;
    Lambda functions run as processes. A person's own AWS settings don't reach it or the functions.
    The keys that sign tokens and the functions' code are kept in the state folder, because others
    can read the system's temporary folder.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(_FOREIGN_SETTINGS)]:
        del os.environ[name]
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "SERVICES": ",".join(MINISTACK_SERVICES),
            "MINISTACK_REGION": region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_HOST": "localhost",
            "LOG_LEVEL": "WARNING",
            "AUTH": "false",
            "LAMBDA_EXECUTOR": "local",
            # In whole seconds.
            "LAMBDA_WARM_TTL_SECONDS": str(math.ceil(scale_in_after)),
            # As on AWS, no token is issued where the trigger fails.
            "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            "STATE_DIR": str(state),
            "TMPDIR": str(state),
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            # ministack hands the secret to functions, with the account's id as the key's id.
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
    )


def _give_up(problem: str) -> NoReturn:
    sys.stderr.write(f"localcloud.aws: {problem}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
