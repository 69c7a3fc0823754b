"""The AWS endpoint alone, for tests and tools that need no other part of the stand-in cloud.

Two lines start it and use it:

    with aws_endpoint() as aws:
        aws.client("apprunner").list_services()
"""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3

from localcloud.access_key import AccessKey, credentials_environment
from localcloud.aws.control import ControlClient
from localcloud.certificates import CertificateAuthority
from localcloud.errors import LocalCloudError
from localcloud.files import tail
from localcloud.readiness import read_announcement

_REGION: Final = "us-east-1"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class StandaloneEndpoint:
    """A running AWS endpoint.

    Attributes:
        url: the endpoint's URL, for `AWS_ENDPOINT_URL`.
        region: its region.
        credentials: the shared credentials file with its access key.
        ca_bundle: the certificate authority that signs App Runner's service URLs, as PEM.
    """

    url: str
    region: str
    credentials: Path
    ca_bundle: Path

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
        """Create boto3's client for a service."""
        key = AccessKey.load(self.credentials)
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload] # the name is no literal
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
        )

    def control(self) -> ControlClient:
        """Create a client for the stand-in's own operations."""
        return ControlClient(url=self.url, region=self.region, key=AccessKey.load(self.credentials))

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make AWS's tools use this endpoint."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            **credentials_environment(self.credentials),
        }


@contextmanager
def aws_endpoint(
    *,
    port: int = 0,
    service_ports: tuple[int, int] = (8443, 8462),
    client_secret_delay: float = 0.0,
) -> Iterator[StandaloneEndpoint]:
    """Run the AWS endpoint with App Runner until the block ends.

    App Runner's services run as containers on the Docker Engine of `DOCKER_HOST`, or of Docker's
    default socket. Services, images and state are removed at the end.

    Args:
        port: the endpoint's port; 0 chooses a free one.
        service_ports: the first and last HTTPS port for App Runner's services, one each.
        client_secret_delay: seconds until Cognito accepts an added client secret.

    Raises:
        LocalCloudError: the endpoint doesn't start, for example without a Docker Engine.
    """
    with tempfile.TemporaryDirectory(prefix="localcloud-aws-") as temporary:
        folder = Path(temporary)
        credentials, authority = folder / "credentials", folder / "ca"
        log = folder / "log"
        first, last = service_ports
        process, url = _start(
            [
                "--port",
                str(port),
                "--service-ports",
                f"{first}-{last}",
                "--region",
                _REGION,
                "--owner",
                f"standalone-{secrets.token_hex(4)}",
                "--certificate-authority",
                str(authority),
                "--state-dir",
                str(folder / "state"),
                "--credentials",
                str(credentials),
                "--client-secret-delay",
                str(client_secret_delay),
            ],
            log,
        )
        try:
            yield StandaloneEndpoint(
                url=url,
                region=_REGION,
                credentials=credentials,
                ca_bundle=CertificateAuthority.load_or_create(authority).certificate_path,
            )
        finally:
            _stop(process)


def _start(arguments: list[str], log: Path) -> tuple[subprocess.Popen[bytes], str]:
    read_fd, write_fd = os.pipe()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.aws", "--ready-fd", str(write_fd), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[write_fd],
            # Ctrl-C must not reach the endpoint: the caller's block still uses it while it ends.
            start_new_session=True,
        )
    os.close(write_fd)
    addresses = read_announcement(read_fd, _START_SECONDS)
    if addresses is None:
        _stop(process)
        reason = tail(log)
        raise LocalCloudError(f"The AWS endpoint doesn't start: {reason or 'no reason is logged'}")
    return process, addresses["endpoint"]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
