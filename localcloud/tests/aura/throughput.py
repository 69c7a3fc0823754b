"""Measures the cost of the gateway: small reads with and without it, in one run.

Run it with `PYTHONPATH=localcloud/tests python -m aura.throughput`. The two alternate, so that
other load of the machine affects both equally.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import neo4j
import psutil
from pytest_httpserver import HTTPServer

from aura.instance import running_aura, sso_settings
from aura.issuer import HOST, Issuer

_QUERY: Final = "MATCH (n) RETURN count(n)"
_WARM_UP: Final = 300
_READS: Final = 1000
_ROUNDS: Final = 5


def _reads_per_second(driver: neo4j.Driver) -> float:
    with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
        began = time.perf_counter()
        for _ in range(_READS):
            session.run(_QUERY).consume()
        return _READS / (time.perf_counter() - began)


def _database_port(service: int) -> int:
    (java,) = psutil.Process(service).children()
    (listening,) = (
        each for each in java.net_connections("tcp") if each.status == psutil.CONN_LISTEN
    )
    return int(listening.laddr.port)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch, HTTPServer(HOST, threaded=True) as server:
        directory, issuer = Path(scratch), Issuer(server)
        with running_aura(directory / "state", directory / "ca", directory / "log") as aura:
            aura.call_console("PUT", sso_settings(issuer))
            port = _database_port(aura.process.pid)
            drivers = {
                "direct": neo4j.GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=aura.admin),
                "reader": aura.driver(neo4j.bearer_auth(issuer.token("reader"))),
                "admin": aura.driver(neo4j.bearer_auth(issuer.token("admin"))),
            }
            rates: dict[str, list[float]] = {name: [] for name in drivers}
            for driver in drivers.values():
                with driver.session() as session:
                    for _ in range(_WARM_UP):
                        session.run(_QUERY).consume()
            for _ in range(_ROUNDS):
                for name, driver in drivers.items():
                    rates[name].append(_reads_per_second(driver))
            for driver in drivers.values():
                driver.close()
    direct = statistics.median(rates["direct"])
    for name, measured in rates.items():
        rate = statistics.median(measured)
        print(f"{name:8}{rate:7.0f} reads/s  {rate / direct:5.0%} of direct")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
