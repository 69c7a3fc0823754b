"""Run the AWS endpoint: `python -m localcloud.aws`."""

import dataclasses
import logging
import os
import socket
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import docker
import docker.errors
import typer

from localcloud import trust
from localcloud.access_key import AccessKey
from localcloud.aws import ministack
from localcloud.aws.account import Account
from localcloud.aws.assembly import EndpointOptions, Surroundings, own_services
from localcloud.aws.cloudtrail.identities import identities
from localcloud.aws.cloudtrail.models import History
from localcloud.aws.cloudtrail.recorder import Recorder
from localcloud.aws.containers import ImageStore
from localcloud.aws.context import ServiceContext
from localcloud.aws.ecr.app import EcrApp
from localcloud.aws.ecr.models import Registry
from localcloud.aws.endpoint import Endpoint
from localcloud.aws.gate import Gate
from localcloud.aws.keys import KeyRing, issued_keys
from localcloud.aws.ministack import ACCOUNT_ID, MinistackSettings
from localcloud.aws.server import EndpointServer
from localcloud.aws.signatures import Verifier
from localcloud.certificates import CertificateAuthority
from localcloud.errors import LocalCloudError
from localcloud.readiness import announce

_LOCAL_NAMES = ("localhost", "127.0.0.1", "host.docker.internal")
_DOCKER_POOL = 64


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
    # The stand-in's services sign with a separate key, which is valid for this process only.
    internal_key = dataclasses.replace(AccessKey.generate(), key_id=ACCOUNT_ID)
    options = EndpointOptions(
        host=host,
        ports=_port_range(service_ports),
        owner=owner,
        node=node,
        request_timeout=request_timeout,
        scale_in_after=scale_in_after,
        metrics_period=metrics_period,
        idle_target_drain=idle_target_drain,
        settle_time=settle_time,
        client_secret_delay=client_secret_delay,
        rotation_retry_after=rotation_retry_after,
        edge_deployment=edge_deployment,
        rate_period=rate_period,
    )
    authority = _authority(certificate_authority)
    certificates = state_dir.absolute() / "certificates.pem"
    _write_certificates(certificates, authority)
    others = ministack.load(
        MinistackSettings(
            port=port,
            region=region,
            state=state_dir.absolute(),
            key=internal_key,
            environment_seconds=scale_in_after,
            certificates=certificates,
        )
    )
    registry = Registry(
        aws_host=f"{ACCOUNT_ID}.dkr.ecr.{region}.amazonaws.com", local_host=f"localhost:{port}"
    )
    surroundings = Surroundings(
        account=Account(
            endpoint=f"http://127.0.0.1:{port}",
            region=region,
            account_id=ACCOUNT_ID,
            key=internal_key,
        ),
        context=ServiceContext(region=region, account_id=ACCOUNT_ID, clock=time.time),
        registry=registry,
        ecr=EcrApp(registry, others.application),
        docker_client=client,
        images=ImageStore(client),
        authority=authority,
        certificate=authority.server_context(_LOCAL_NAMES),
        ministack=others.application,
        end_environments=others.end_environments,
        log_store=others.log_store,
        executions=others.executions,
        roles=others.roles,
        history=History(),
    )
    services = own_services(surroundings, options)
    for service in services:
        service.start()

    def stop() -> None:
        for service in reversed(services):
            service.stop()

    server = EndpointServer(
        Gate(
            port=port,
            verifier=Verifier(
                find_secret=KeyRing(
                    [access_key, internal_key], issued_keys(others.issued_keys)
                ).secret,
                region=region,
                services={*ministack.SERVICES, *(service.name for service in services)},
            ),
            ecr=surroundings.ecr,
            application=Recorder(
                Endpoint(services=services, ministack=others.application),
                surroundings.history,
                identities([access_key.key_id], ACCOUNT_ID, others.issued_keys),
                surroundings.context,
            ),
        ),
        on_ready=lambda: announce(ready_fd, {"endpoint": f"http://localhost:{port}"}),
        on_stop=stop,
        periodic=[work for service in services for work in service.periodic],
    )
    server.run(sockets=[listener])


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


def _write_certificates(path: Path, authority: CertificateAuthority) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        trust.write_public_bundle(path, authority)
    except OSError as error:
        _give_up(f"the functions' certificates can't be stored (--state-dir): {error}")
    except LocalCloudError as error:
        _give_up(str(error))


def _port_range(text: str) -> range:
    try:
        first, last = (int(part) for part in text.split("-"))
    except ValueError:
        first, last = 0, 0
    if not 0 < first <= last < 2**16:
        _give_up(f"--service-ports {text}: must be FIRST-LAST, such as 8443-8462")
    return range(first, last + 1)


def _give_up(problem: str) -> NoReturn:
    sys.stderr.write(f"localcloud.aws: {problem}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    typer.run(main)
