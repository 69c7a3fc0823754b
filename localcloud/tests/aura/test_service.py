"""The service as its supervisor uses it."""

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import neo4j
import psutil
import pytest
from neo4j.exceptions import Neo4jError

from aura.instance import Aura, running_aura, sso_settings
from aura.issuer import Issuer
from localcloud.paths import cache_directory
from localcloud.progress import Progress
from localcloud.toolchains import ensure_java

pytestmark = pytest.mark.stand_in


def test_the_console_requires_the_administrator(aura: Aura, issuer: Issuer) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert aura.call_console(method, sso_settings(issuer), auth=("neo4j", "wrong"))[0] == 401
    status, answer = aura.call_console("GET")
    assert status == 200
    assert answer == {**sso_settings(issuer), "visible": False}


def test_another_provider_has_a_name(aura: Aura, issuer: Issuer) -> None:
    before = aura.call_console("GET")
    assert aura.call_console("GET", provider="/second")[0] == 404
    settings = sso_settings(issuer)
    assert aura.call_console("PUT", settings, provider="/second")[0] == 200
    assert aura.call_console("GET", provider="/second")[1] == {**settings, "visible": False}
    assert aura.call_console("PUT", settings, provider="/Second")[0] == 404
    assert aura.call_console("DELETE", provider="/second")[0] == 204
    assert aura.call_console("GET", provider="/second")[0] == 404
    assert aura.call_console("GET") == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_the_console_rejects_requests_from_web_pages(aura: Aura, headers: dict[str, str]) -> None:
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        answer = httpx2.request(method, f"{aura.console}/sso", headers=headers, auth=aura.admin)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_console_reports_all_problems(aura: Aura, issuer: Issuer) -> None:
    before = aura.call_console("GET")
    bad = sso_settings(issuer, audience=[], groupToRoleMapping='"a"=editor')
    status, answer = aura.call_console("PUT", bad)
    assert status == 400
    assert len(answer["problems"]) == 2
    assert aura.call_console("GET") == before


def test_only_the_owner_can_read_the_password(aura: Aura) -> None:
    assert stat.S_IMODE(aura.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(aura.state.stat().st_mode) == 0o700
    _, password = aura.admin
    assert password not in aura.log.read_text(encoding="utf-8")
    for process in psutil.Process(aura.process.pid).children(recursive=True):
        assert password not in " ".join(process.cmdline())


def test_the_database_itself_listens_on_the_loopback_interface_only(aura: Aura) -> None:
    (database,) = psutil.Process(aura.process.pid).children()
    listening = [
        each for each in database.net_connections("tcp") if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 1
    assert listening[0].laddr.ip in {"127.0.0.1", "::ffff:127.0.0.1"}


def test_two_instances_cannot_share_a_state_folder(aura: Aura, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "localcloud.aura",
        f"--state-dir={aura.state}",
        f"--cache-dir={cache_directory()}",
        f"--ca-dir={tmp_path / 'ca'}",
        f"--java={ensure_java(Progress())}",
        "--port=0",
        "--console-port=0",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"another emulated Aura uses {aura.state}: stop it first" in done.stderr
    assert aura.call_console("GET")[0] == 200


def _gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _wait_until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + 20
    while not _gone(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _gone(process)


@pytest.mark.slow
def test_an_instance_starts_stops_and_dies_like_a_service(tmp_path: Path, issuer: Issuer) -> None:
    """One test for several starts, since each takes seconds."""
    state, ca = tmp_path / "state", tmp_path / "ca"
    with running_aura(state, ca, tmp_path / "log-1") as aura:
        assert aura.call_console("PUT", sso_settings(issuer))[0] == 200
        with aura.driver(neo4j.bearer_auth(issuer.token("writer"))) as driver:
            driver.execute_query("CREATE (:Kept)")
        admin = aura.admin
        (database,) = psutil.Process(aura.process.pid).children()
        aura.process.send_signal(signal.SIGTERM)
        assert aura.process.wait(10) == 0
        assert _gone(database)

    with running_aura(state, ca, tmp_path / "log-2") as aura:
        assert aura.admin == admin
        with aura.driver(neo4j.bearer_auth(issuer.token("reader"))) as driver:
            assert len(driver.execute_query("MATCH (n:Kept) RETURN n").records) == 1
            (database,) = psutil.Process(aura.process.pid).children()
            database.kill()
            assert aura.process.wait(20) == 1
            assert "Neo4j ended with status -9" in aura.log.read_text(encoding="utf-8")
            with pytest.raises((Neo4jError, neo4j.exceptions.DriverError)):
                driver.execute_query("RETURN 1")

    with running_aura(state, ca, tmp_path / "log-3") as aura:
        (database,) = psutil.Process(aura.process.pid).children()
        aura.process.kill()
        aura.process.wait(10)
        _wait_until_gone(database)
