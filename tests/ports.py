"""Ports for what tests start."""

import itertools
import os
import socket

# Below Linux's own ephemeral ports, which connections and containers take at any time.
_FIRST, _LAST = 20000, 32767
_SHARE = (_LAST + 1 - _FIRST) // 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
# Other runs of the tests on this machine begin elsewhere.
_positions = itertools.count(os.getpid() * 97)


def free_ports(count: int) -> list[int]:
    """Find ports in a row that nothing listens on; one is given again only when all have been.

    Args:
        count: how many.

    Returns:
        The ports, which no other worker of this run is given.

    Raises:
        AssertionError: this worker's share has none.
    """
    found: list[int] = []
    for position in itertools.islice(_positions, _SHARE):
        port = _FIRST + _WORKER * _SHARE + position % _SHARE
        if found and port != found[-1] + 1:
            found = []
        found = [*found, port] if _is_free(port) else []
        if len(found) == count:
            return found
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
