"""Headless Chromium, controlled with the Chrome DevTools Protocol over two pipes."""

import base64
import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

_TIMEOUT = 60.0


class Browser:
    """A page in a running Chromium."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._numbers = count(1)
        self._unread = b""
        self.errors: list[str] = []
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._send("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable", session=self._session)

    def open(self, url: str) -> None:
        """Open a page, and wait until it has loaded."""
        self._send("Page.navigate", {"url": url}, session=self._session)
        deadline = time.monotonic() + _TIMEOUT
        while self.evaluate("document.readyState") != "complete":
            assert time.monotonic() < deadline, "the page doesn't load"

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - JavaScript's
        """Evaluate JavaScript in the page."""
        parameters = {"expression": expression, "returnByValue": True, "userGesture": True}
        response = self._send("Runtime.evaluate", parameters, session=self._session)
        assert "exceptionDetails" not in response, response
        return response["result"].get("value")

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            " return {x: b.x + b.width / 2, y: b.y + b.height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "button": "left", "clickCount": 1, **box}
            self._send("Input.dispatchMouseEvent", event, session=self._session)

    def pdf(self) -> bytes:
        """Print the page as PDF."""
        response = self._send("Page.printToPDF", {}, session=self._session)
        return base64.b64decode(response["data"])

    def screenshot(self) -> bytes:
        """Return a screenshot as PNG."""
        response = self._send("Page.captureScreenshot", {}, session=self._session)
        return base64.b64decode(response["data"])

    def _send(
        self, method: str, params: dict[str, Any] | None = None, *, session: str | None = None
    ) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            response = self._receive()
            if response.get("id") == number:
                assert "error" not in response, response
                result: dict[str, Any] = response["result"]
                return result
            self._note(response)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
            self.errors.append(json.dumps(event["params"]))
        elif event.get("method") == "Network.requestWillBeSent":
            url = event["params"]["request"]["url"]
            if not url.startswith(("file:", "about:")):
                self.errors.append(f"the page requests {url}")

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._reads], [], [], _TIMEOUT)
            assert ready, "the browser doesn't respond"
            self._unread += os.read(self._reads, 65536)
        message, _, self._unread = self._unread.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded


@contextmanager
def chromium(command: str) -> Iterator[Browser]:
    """Run Chromium with a temporary profile."""
    to_browser, from_here = os.pipe()
    to_here, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = (
            "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
            " --disable-background-networking --disable-component-update"
            f" --window-size=1200,900 --user-data-dir={Path(profile)} --remote-debugging-pipe"
        )
        # Chromium reads file descriptor 3 and writes to 4.
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command} {options} 3<&{to_browser} 4>&{from_browser}"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield Browser(to_here, from_here)
        finally:
            os.close(from_here)
            os.close(to_here)
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TIMEOUT)
            process.kill()
            process.wait()
