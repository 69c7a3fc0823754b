"""Ports for what tests start."""

import itertools
import os
import socket

# Below Linux's own ephemeral ports, which connections and containers take at any time.
_FIRST, _LAST = 20000, 32767
_SHARE = (_LAST + 1 - _FIRST) // 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
# Other runs of the tests on this machine begin elsewhere.
_positions = itertools.count(os.getpid() * 97 % _SHARE)


def free_ports(count: int) -> range:
    """Find ports in a row that nothing listens on, each given only once in a while.

    Args:
        count: how many.

    Returns:
        The ports, which no other worker of this run is given.

    Raises:
        AssertionError: this worker's share has none.
    """
    for _ in range(_SHARE):
        first = _FIRST + _WORKER * _SHARE + next(_positions) % (_SHARE - count)
        ports = range(first, first + count)
        if all(map(_is_free, ports)):
            for _ in ports[1:]:
                next(_positions)
            return ports
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
