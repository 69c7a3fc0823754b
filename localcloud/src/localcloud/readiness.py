"""How a service of the stand-in cloud tells its starter that it serves.

The starter passes the write end of a pipe; the service writes one line of JSON on it once it
answers, and closes it. So the starter waits for the event itself, and a service that dies
before closes the pipe without a line.
"""

import json
import os
from collections.abc import Mapping


def announce(ready_fd: int | None, addresses: Mapping[str, str]) -> None:
    """Tell the starter that the service answers.

    Args:
        ready_fd: the write end of the starter's pipe; None where nobody waits.
        addresses: what the service serves, by name, as URLs or host:port.

    Raises:
        OSError: the starter has gone.
    """
    if ready_fd is None:
        return
    with os.fdopen(ready_fd, "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps(dict(addresses)) + "\n")
