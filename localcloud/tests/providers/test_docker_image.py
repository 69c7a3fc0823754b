import gc
import shutil
from pathlib import Path

import pytest

from localcloud.providers.checking import check
from localcloud.providers.diffing import diff
from localcloud.providers.docker_image import Docker, Image, context_digest, messages, registry_auth
from localcloud.providers.schema import CheckRequest, ProviderError, ResourceRequest
from localcloud.providers.values import UNKNOWN, Values

_IMAGE = Image()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    (made / "bin").mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM scratch\nCOPY bin /\n")
    (made / "bin" / "server").write_text("binary")
    return made


def _digest(folder: Path) -> str:
    return context_digest(folder, folder / "Dockerfile")


def test_a_moved_checkout_is_not_a_change(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    assert _digest(moved) == _digest(folder)


def test_contents_names_modes_and_the_dockerfile_change_the_digest(folder: Path) -> None:
    digests = [_digest(folder)]
    (folder / "bin" / "server").write_text("other binary")
    digests.append(_digest(folder))
    (folder / "bin" / "server").chmod(0o700)
    digests.append(_digest(folder))
    (folder / "bin" / "server").rename(folder / "bin" / "daemon")
    digests.append(_digest(folder))
    (folder / "Dockerfile").write_text("FROM scratch\n")
    digests.append(_digest(folder))
    (folder / "bin" / "link").symlink_to("daemon")
    digests.append(_digest(folder))
    assert len(set(digests)) == len(digests)


def test_ignored_files_do_not_change_the_digest(folder: Path) -> None:
    (folder / ".dockerignore").write_text("# editors\n*.swp\n\n")
    before = _digest(folder)
    (folder / "Dockerfile.swp").write_text("x")
    assert _digest(folder) == before


def _checked(folder: Path, **build: str) -> Values:
    inputs: Values = {
        "imageName": "registry/server:v1",
        "build": {"context": folder.name, "platform": "linux/amd64", **build},
        "registry": {"server": "registry", "username": "AWS", "password": "hunter2"},
    }
    checked, failures = check(_IMAGE.properties, inputs)
    assert failures == []
    completed, failures = _IMAGE.check(
        CheckRequest(context=Docker(host=None, project_directory=folder.parent), inputs=checked)
    )
    assert failures == []
    return completed


def test_only_inputs_that_change_the_image_are_a_change(folder: Path) -> None:
    olds = _checked(folder)
    rotated: Values = {
        **olds,
        "registry": {"server": "registry", "username": "AWS", "password": "new one"},
        "build": {"context": "moved", "dockerfile": "D", "platform": "linux/amd64"},
        "buildOnPreview": False,
    }
    assert diff(_IMAGE.properties, olds, rotated) == []
    (folder / "bin" / "server").write_text("other")
    changed = _checked(folder)
    assert [each.path for each in diff(_IMAGE.properties, olds, changed)] == ["contextDigest"]
    other = _checked(folder, platform="linux/arm64", target="final")
    paths = {each.path for each in diff(_IMAGE.properties, changed, other)}
    assert paths == {"build.platform", "build.target"}


def test_a_missing_context_fails_the_preview_but_an_unknown_one_does_not(tmp_path: Path) -> None:
    docker = Docker(host=None, project_directory=tmp_path)
    _, failures = _IMAGE.check(
        CheckRequest(context=docker, inputs={"build": {"context": "missing"}})
    )
    assert [each.property for each in failures] == ["build.context"]
    builds: list[Values] = [{"context": UNKNOWN}, {"context": ".", "dockerfile": UNKNOWN}]
    for build in builds:
        completed, failures = _IMAGE.check(CheckRequest(context=docker, inputs={"build": build}))
        assert completed["contextDigest"] is UNKNOWN
        assert failures == []


def test_an_error_in_the_engines_stream_is_an_error() -> None:
    stream = iter([{"status": "Pushing"}, {"error": "denied: no basic auth credentials"}])
    with pytest.raises(ProviderError, match="pushing it failed: denied"):
        list(messages(stream, "pushing it"))


def test_credentials_have_the_names_of_the_engine() -> None:
    registry: Values = {"server": "registry", "username": "AWS", "password": "hunter2"}
    assert registry_auth({"registry": registry}) == {
        "serveraddress": "registry",
        "username": "AWS",
        "password": "hunter2",
    }
    assert registry_auth({}) == {}


# docker's client leaves its socket open if the engine doesn't respond.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_unreachable_engine_is_reported_with_the_fix(tmp_path: Path) -> None:
    docker = Docker(host=f"unix://{tmp_path}/none.sock", project_directory=tmp_path)
    with pytest.raises(ProviderError, match="DOCKER_HOST"):
        docker.connect()
    gc.collect()


def test_an_image_cannot_be_imported(tmp_path: Path) -> None:
    request = ResourceRequest(
        context=Docker(host=None, project_directory=tmp_path), id="registry/server:v1", state={}
    )
    with pytest.raises(ProviderError, match="Unsupported"):
        _IMAGE.read(request)


def test_an_image_that_is_gone_from_the_registry_is_no_drift_as_with_pulumis_provider(
    tmp_path: Path,
) -> None:
    state: Values = {"imageName": "registry/server:v1", "repoDigest": "registry/server@sha256:0"}
    request = ResourceRequest(
        context=Docker(host=f"unix://{tmp_path}/none.sock", project_directory=tmp_path),
        id="registry/server:v1",
        state=state,
    )
    assert _IMAGE.read(request) == state


@pytest.mark.parametrize(
    ("builder", "failing"),
    [("BuilderV1", []), (None, []), ("BuilderBuildKit", ["build.builderVersion"])],
)
def test_only_the_classic_builder_builds(
    folder: Path, builder: str | None, failing: list[str]
) -> None:
    engine = Docker(host=None, project_directory=folder.parent)
    build: Values = {"context": folder.name}
    if builder is not None:
        build["builderVersion"] = builder
    _, failures = _IMAGE.check(CheckRequest(context=engine, inputs={"build": build}))
    assert [each.property for each in failures] == failing
