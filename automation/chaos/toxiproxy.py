"""toxiproxy, the program that makes network faults, and its HTTP interface."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.errors import AutomationError
from automation.go_tool import GoTool
from automation.loopback import ADDRESS, free_port

Stream = Literal["upstream", "downstream"]
"""Where a toxic works: on the bytes to the server, or on those from it."""

_START: Final = 30.0
_REQUEST: Final = 30.0
_END: Final = 10.0


class ToxiproxyError(AutomationError):
    """toxiproxy doesn't start, or refuses a request; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Toxiproxy(GoTool):
    """An installed toxiproxy."""

    command: ClassVar = "toxiproxy"
    go_module: ClassVar = "github.com/Shopify/toxiproxy/v2"
    package: ClassVar = f"{go_module}/cmd/server"
    pins: ClassVar = Path(__file__).with_name("toxiproxy_module")


@dataclass(frozen=True, kw_only=True)
class Toxic:
    """A network fault.

    Source: "Toxics" in toxiproxy's README.

    Attributes:
        kind: such as ``latency``.
        attributes: of its kind, such as ``latency`` in milliseconds.
        share: the share of the connections that it affects, from 0 to 1.
    """

    kind: str
    stream: Stream = "downstream"
    attributes: Mapping[str, int]
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class FaultProxy:
    """A running proxy, which makes network faults on all its addresses.

    Attributes:
        url: the URL of toxiproxy's HTTP interface.
        names: toxiproxy's names of the addresses.
    """

    url: str
    names: Sequence[str]

    @contextmanager
    def toxic(self, toxic: Toxic) -> Iterator[None]:
        """Make a network fault during the block, also on connections that are open."""
        added = {
            "name": toxic.kind,
            "type": toxic.kind,
            "stream": toxic.stream,
            "toxicity": toxic.share,
            "attributes": dict(toxic.attributes),
        }
        with ExitStack() as stack:
            for name in self.names:
                stack.callback(self._remove, f"/proxies/{name}/toxics/{toxic.kind}")
                self._post(f"/proxies/{name}/toxics", added)
            yield

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Close all connections, and refuse new ones, during the block."""
        with ExitStack() as stack:
            for name in self.names:
                stack.callback(self._post, f"/proxies/{name}", {"enabled": True})
                self._post(f"/proxies/{name}", {"enabled": False})
            yield

    def add(self, name: str, *, listen: str, upstream: str) -> None:
        """Listen on an address, and forward its connections.

        Raises:
            ToxiproxyError: the address is in use.
        """
        proxy = {"name": name, "listen": listen, "upstream": upstream, "enabled": True}
        self._post("/proxies", proxy)

    def _post(self, path: str, document: Mapping[str, Any]) -> None:
        self._request("POST", path, document)

    def _remove(self, path: str) -> None:
        self._request("DELETE", path, may_be_missing=True)

    def _request(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None = None,
        *,
        may_be_missing: bool = False,
    ) -> None:
        try:
            response = httpx2.request(method, self.url + path, json=document, timeout=_REQUEST)
        except httpx2.HTTPError as error:
            raise ToxiproxyError(f"toxiproxy doesn't answer {method} {path}: {error}") from error
        missing = response.status_code == httpx2.codes.NOT_FOUND and may_be_missing
        if not (response.is_success or missing):
            raise ToxiproxyError(f"toxiproxy refuses {method} {path}: {response.text.strip()}")


@contextmanager
def fault_proxy(toxiproxy: Toxiproxy, listen: Sequence[str], upstream: str) -> Iterator[FaultProxy]:
    """Forward connections during the block, and make network faults on them.

    Args:
        listen: the addresses to listen on, with ports.
        upstream: the address to forward to, with a port.

    Raises:
        ToxiproxyError: it doesn't start, or an address is in use.
    """
    port = free_port()
    names = [f"address-{number}" for number in range(len(listen))]
    proxy = FaultProxy(url=f"http://{ADDRESS}:{port}", names=names)
    with _process([str(toxiproxy.path), "-host", ADDRESS, "-port", str(port)], proxy.url):
        for name, address in zip(names, listen, strict=True):
            proxy.add(name, listen=address, upstream=upstream)
        yield proxy


@contextmanager
def _process(command: Sequence[str], url: str) -> Iterator[None]:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C interrupts the run, which needs the proxy until everything is restored.
            start_new_session=True,
        )
    except OSError as error:
        raise ToxiproxyError(f"{command[0]} can't be run: {error}") from error
    try:
        _wait_until_ready(process, url)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END)
        process.kill()
        process.wait(_END)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    def ask() -> None:
        if process.poll() is not None:
            raise ToxiproxyError(f"toxiproxy ended with status {process.returncode}")
        httpx2.get(f"{url}/version", timeout=_REQUEST)

    attempts = Retrying(
        retry=retry_if_exception_type(httpx2.HTTPError),
        stop=stop_after_delay(_START),
        wait=wait_fixed(0.05),
        reraise=True,
    )
    try:
        attempts(ask)
    except httpx2.HTTPError as error:
        raise ToxiproxyError(f"toxiproxy doesn't answer within {_START:g} s: {error}") from error
