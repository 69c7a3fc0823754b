"""SBOMs of a deployed stack, compared with what it runs."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
import yaml
from typer.testing import CliRunner

from automation.commands import app
from automation.deployment import Deployment
from automation.sbom.errors import SbomError
from components.names import ResourceNames
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from tests.stand_in import Aws, Configure

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]


def _write_sboms(pipeline: dict[str, str], folder: Path) -> dict[str, Any]:
    options = ["--stack", STACK, "--output", str(folder)]
    done = CliRunner().invoke(app, ["sbom", *options], env=pipeline, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    files = sorted((folder / STACK).iterdir())
    return {
        path.name.partition(".")[0]: json.loads(path.read_text(encoding="utf-8")) for path in files
    }


def _files_of_image(running: Cloud, reference: str) -> dict[str, bytes]:
    client = docker.DockerClient(base_url=running.docker_host)
    try:
        container = client.containers.create(reference)
        try:
            chunks: Iterable[bytes] = container.export()  # type: ignore[assignment] # wrong stub
            archive = io.BytesIO(b"".join(chunks))
        finally:
            container.remove()
    finally:
        client.close()
    with tarfile.open(fileobj=archive) as packed:
        found = ((each.name, packed.extractfile(each)) for each in packed if each.size)
        return {name: file.read() for name, file in found if file is not None}


def test_the_sboms_describe_the_running_image_and_functions(
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    aws: Aws,
    pipeline: dict[str, str],
    tmp_path: Path,
) -> None:
    assert deployed.preview().none
    found = _write_sboms(pipeline, tmp_path)

    assert found.keys() == {"functions", "server"}
    image = found["server"]["metadata"]["component"]
    digest = outputs["imageDigest"]
    assert image["hashes"][0]["content"] == digest.removeprefix("sha256:")
    (repository,) = aws("ecr").describe_repositories()["repositories"]
    files = _files_of_image(running, f"{repository['repositoryUri']}:{image['version']}")
    hashes = {
        # The program is named after its module.
        "neo4j-mcp-server" if each["type"] == "application" else each["name"]: each["hashes"]
        for each in found["server"]["components"]
        if each["type"] in {"application", "file"}
    }
    assert hashes == {
        name: [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
        for name, content in files.items()
    }
    names = {each["name"] for each in found["functions"]["components"]}
    assert ResourceNames(prefix="neo4j-mcp", stack=STACK).claims_function in names


def test_what_isnt_deployed_yet_is_not_described_as_deployed(
    running: Cloud, configure: Configure, pipeline: dict[str, str], tmp_path: Path
) -> None:
    path = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    configure({"neo4j-mcp:trustedCertificates": config["neo4j-mcp:trustedCertificates"] * 2})

    with pytest.raises(SbomError, match=r"this checkout would deploy 1\.6\.1-"):
        _write_sboms(pipeline, tmp_path)
    assert not (tmp_path / STACK).exists()
