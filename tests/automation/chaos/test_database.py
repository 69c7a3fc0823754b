"""The database's address is taken and given back, whatever happens in between."""

import json
import shlex
import socket
import sys
from pathlib import Path

import pytest

from automation.chaos.database import DetourError, detoured_database
from automation.loopback import ADDRESS, free_port

# Building toxiproxy takes half a minute once, which is more than all these tests.
pytestmark = [pytest.mark.program, pytest.mark.slow]


def _python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


@pytest.fixture
def resumed(tmp_path: Path) -> Path:
    """The file that the command creates that resumes the database."""
    return tmp_path / "resumed"


def _resume(resumed: Path) -> str:
    return _python(f"open({str(resumed)!r}, 'x')")


def _detour(listen: int, upstream: int) -> str:
    addresses = {"listen": [f"{ADDRESS}:{listen}"], "upstream": f"{ADDRESS}:{upstream}"}
    return _python(f"print({json.dumps(addresses)!r})")


def test_the_address_leads_to_the_database_through_the_proxy(resumed: Path) -> None:
    with socket.create_server((ADDRESS, 0)) as database:
        listen, upstream = free_port(), database.getsockname()[1]
        with detoured_database(_detour(listen, upstream), _resume(resumed), print):
            assert not resumed.exists()
            with socket.create_connection((ADDRESS, listen), timeout=30) as caller:
                caller.sendall(b"ping")
                connection, _ = database.accept()
                with connection:
                    assert connection.recv(4) == b"ping"
    assert resumed.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((ADDRESS, listen), timeout=30)


def test_the_database_is_resumed_after_an_interruption(resumed: Path) -> None:
    detour = _detour(free_port(), free_port())
    with pytest.raises(KeyboardInterrupt), detoured_database(detour, _resume(resumed), print):
        raise KeyboardInterrupt
    assert resumed.exists()


def test_a_command_that_prints_no_addresses_is_an_error(resumed: Path) -> None:
    with (
        pytest.raises(DetourError, match="doesn't print the addresses as JSON"),
        detoured_database(_python("print('moved')"), _resume(resumed), print),
    ):
        pass
    assert resumed.exists()
