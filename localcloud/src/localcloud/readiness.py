"""How a service reports to its starter that it serves.

The starter passes the write end of a pipe as `--ready-fd`. The service writes one line of JSON once
it answers, and closes the pipe; if it ends before, the pipe closes without a line. So the starter
waits for the event itself, without polling.
"""

import json
import os
import select
import time
from collections.abc import Mapping


def announce(ready_fd: int | None, addresses: Mapping[str, str]) -> None:
    """Report that the service answers.

    Args:
        ready_fd: the write end of the starter's pipe; None if nobody waits.
        addresses: what the service serves, by name, as URLs or host:port.

    Raises:
        OSError: the starter has ended.
    """
    if ready_fd is None:
        return
    with os.fdopen(ready_fd, "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps(dict(addresses)) + "\n")


def read_announcement(read_fd: int, timeout: float) -> dict[str, str] | None:
    """Wait for what a service announces.

    Args:
        read_fd: the read end of the pipe, which is closed afterwards.
        timeout: in seconds.

    Returns:
        The addresses by name; None if the service ended, or didn't serve in time.
    """
    deadline = time.monotonic() + timeout
    line = b""
    with os.fdopen(read_fd, "rb", buffering=0) as pipe:
        while not line.endswith(b"\n"):
            remaining = deadline - time.monotonic()
            ready, _, _ = select.select([pipe], [], [], max(remaining, 0))
            chunk = pipe.read(65536) if ready else b""
            if not chunk:
                return None
            line += chunk
    addresses: dict[str, str] = json.loads(line)
    return addresses
