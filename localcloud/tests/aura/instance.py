"""An emulated Aura for the tests, started like by its supervisor."""

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import neo4j

from aura.issuer import AUDIENCE, Issuer
from localcloud.paths import cache_directory
from localcloud.progress import Progress
from localcloud.toolchains import ensure_java, ensure_maven

MAPPING = '"reader"=reader;"writer"=publisher;"architect"=architect;"admin"=admin'
_STOP_SECONDS = 20


def sso_settings(issuer: Issuer, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - settings are anything
    """The single sign-on settings for an issuer."""
    return {
        "discoveryUri": issuer.discovery_uri,
        "audience": [AUDIENCE, "client-2"],
        "usernameClaim": "sub",
        "groupsClaim": "groups",
        "groupToRoleMapping": MAPPING,
    } | changes


@dataclass(frozen=True)
class Aura:
    """A running instance."""

    process: subprocess.Popen[bytes]
    log: Path
    state: Path
    ca: Path
    bolt: str
    console: str
    credentials: Path

    @property
    def port(self) -> int:
        return int(self.bolt.rpartition(":")[2])

    @property
    def admin(self) -> tuple[str, str]:
        document = json.loads(self.credentials.read_text(encoding="utf-8"))
        return document["username"], document["password"]

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca / "ca.pem")

    def uri(self, scheme: Literal["bolt", "neo4j"] = "bolt") -> str:
        return f"{scheme}://localhost:{self.port}"

    def driver(
        self, auth: neo4j.Auth | tuple[str, str], scheme: Literal["bolt", "neo4j"] = "bolt"
    ) -> neo4j.Driver:
        return neo4j.GraphDatabase.driver(
            self.uri(scheme),
            auth=auth,
            encrypted=True,
            ssl_context=self.tls,
            notifications_min_severity="OFF",
            max_transaction_retry_time=0,
        )

    def call_console(
        self,
        method: str,
        body: object = None,
        *,
        auth: tuple[str, str] | None = None,
        provider: str = "",
    ) -> tuple[int, Any]:
        encoded = base64.b64encode(":".join(auth or self.admin).encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the console's own http URL
            f"{self.console}/sso{provider}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {encoded}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - the same
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else text.decode()


@contextmanager
def running_aura(
    state: Path,
    ca: Path,
    log: Path,
    *,
    module: str = "localcloud.aura",
    listen: Sequence[str] = ("127.0.0.1",),
) -> Iterator[Aura]:
    """Run an instance until the context ends."""
    progress = Progress()
    receive, send = os.pipe()
    command = [
        sys.executable,
        "-m",
        module,
        f"--state-dir={state}",
        f"--cache-dir={cache_directory()}",
        f"--ca-dir={ca}",
        f"--ready-fd={send}",
        f"--java={ensure_java(progress)}",
        f"--maven={ensure_maven(progress)}",
        "--port=0",
        "--console-port=0",
        *(f"--listen={address}" for address in listen),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, pass_fds=[send], stdout=output, stderr=output)
    os.close(send)
    try:
        with os.fdopen(receive, encoding="utf-8") as pipe:
            line = pipe.readline()
        assert line, log.read_text(encoding="utf-8")
        announced = json.loads(line)
        yield Aura(
            process=process,
            log=log,
            state=state,
            ca=ca,
            bolt=announced["bolt"],
            console=announced["console"],
            credentials=Path(announced["credentials"]),
        )
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
