"""One issuer and one instance for all tests of the emulated Aura."""

from collections.abc import Callable, Iterator

import neo4j
import pytest
from pytest_httpserver import HTTPServer

from aura.instance import Aura, running_aura, sso_settings
from aura.issuer import HOST, Issuer

Bearer = Callable[..., neo4j.Driver]


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with HTTPServer(HOST, threaded=True) as server:
        yield Issuer(server)


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aura]:
    directory = tmp_path_factory.mktemp("aura")
    with running_aura(directory / "state", directory / "ca", directory / "log") as aura:
        yield aura


@pytest.fixture
def aura(instance: Aura, issuer: Issuer) -> Aura:
    """The instance with single sign-on and an empty graph."""
    status, answer = instance.call_console("PUT", sso_settings(issuer))
    assert status == 200, answer
    with instance.driver(instance.admin) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
    return instance


@pytest.fixture
def bearer(aura: Aura, issuer: Issuer) -> Iterator[Bearer]:
    """Makes drivers with a token for the given groups."""
    drivers: list[neo4j.Driver] = []

    def make(*groups: str) -> neo4j.Driver:
        driver = aura.driver(neo4j.bearer_auth(issuer.token(*groups)))
        drivers.append(driver)
        return driver

    yield make
    for driver in drivers:
        driver.close()
