import contextlib
import io
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from localcloud import docker_engine
from localcloud.docker_engine import DockerEngine
from localcloud.errors import LocalCloudError
from localcloud.labels import OWNER_LABEL
from localcloud.paths import Home
from localcloud.progress import Progress

_REGISTRY = "localhost:1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("docker-engine"))


@pytest.fixture(scope="module")
def engine(home: Home) -> Iterator[DockerEngine]:
    yield docker_engine.ensure(Progress(), home)
    docker_engine.release(home)


@pytest.fixture
def client(engine: DockerEngine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=engine.host)
    with contextlib.closing(client):
        yield client


def _empty_layer() -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w"):
        pass
    return layer.getvalue()


def test_a_missing_docker_host_is_reported(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(LocalCloudError, match="unset DOCKER_HOST"):
        docker_engine.ensure(Progress(), home)


def test_a_docker_host_that_does_not_listen_is_reported(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/bound.sock")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{tmp_path}/bound.sock")
        # A connection left open here would fail the test by its ResourceWarning.
        with pytest.raises(LocalCloudError, match="unset DOCKER_HOST"):
            docker_engine.ensure(Progress(), home)


@pytest.mark.parametrize(
    "config", [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}, {"Subnet": "172.17.0.0/16"}]
)
def test_containers_reach_the_machine_at_the_bridges_address(config: dict[str, str]) -> None:
    assert docker_engine.bridge_addresses({"IPAM": {"Config": [config]}}) == ["172.17.0.1"]


@pytest.mark.stand_in
def test_an_engine_answers_and_is_reused(
    engine: DockerEngine, client: docker.DockerClient, home: Home
) -> None:
    assert client.ping()
    assert docker_engine.ensure(Progress(), home) == engine


@pytest.mark.stand_in
def test_the_engine_runs_until_its_last_stand_in_releases_it(
    engine: DockerEngine, client: docker.DockerClient, tmp_path: Path
) -> None:
    other = Home(tmp_path)
    assert docker_engine.ensure(Progress(), other) == engine
    docker_engine.release(other)
    assert client.ping()


@pytest.mark.stand_in
def test_a_sweep_removes_only_the_stand_ins_containers_and_images(
    engine: DockerEngine, client: docker.DockerClient, home: Home
) -> None:
    own, foreign = f"{_REGISTRY}/own", "example.test/foreign"
    for repository in (own, foreign):
        client.api.import_image_from_data(_empty_layer(), repository=repository, tag="1")
    # Made while the registry had another address.
    client.api.import_image_from_data(
        _empty_layer(),
        repository="example.test/labelled",
        tag="1",
        changes=[f"LABEL {OWNER_LABEL}={home.owner}"],
    )
    marked = client.containers.create(f"{own}:1", command="none", labels={OWNER_LABEL: home.owner})
    unmarked = client.containers.create(f"{foreign}:1", command="none")
    try:
        docker_engine.sweep(engine.host, home, registries=[_REGISTRY])
        with pytest.raises(docker.errors.NotFound):
            marked.reload()
        for name in (f"{own}:1", "example.test/labelled:1"):
            with pytest.raises(docker.errors.ImageNotFound):
                client.images.get(name)
        unmarked.reload()
        assert client.images.get(f"{foreign}:1").tags == [f"{foreign}:1"]
    finally:
        unmarked.remove()
        client.images.remove(f"{foreign}:1")


def test_a_sweep_of_an_engine_that_does_not_answer_fails(home: Home, tmp_path: Path) -> None:
    away = f"unix://{tmp_path / 'docker.sock'}"
    with pytest.raises(LocalCloudError) as raised:
        docker_engine.sweep(away, home, registries=[])
    assert f"{OWNER_LABEL}={home.owner}" in str(raised.value)
    assert "make down" in str(raised.value)
