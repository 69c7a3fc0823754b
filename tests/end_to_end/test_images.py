"""Images in an immutable repository: upgraded, rolled back, and after a loss of the state."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from automation.deployment import Deployment
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from server.context import prepare_context
from tests.stand_in import Aws, Configure

pytestmark = pytest.mark.stand_in

SetContent = Callable[[int], None]


@pytest.fixture
def set_content(running: Cloud, configure: Configure) -> SetContent:
    """Change what the image is built from; 1 is the stack's first version."""
    path = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    authorities: str = config["neo4j-mcp:trustedCertificates"]
    return lambda times: configure({"neo4j-mcp:trustedCertificates": authorities * times})


@pytest.fixture
def tags(aws: Aws) -> Callable[[], set[str]]:
    def list_tags() -> set[str]:
        ecr = aws("ecr")
        (repository,) = ecr.describe_repositories()["repositories"]
        assert repository["imageTagMutability"] == "IMMUTABLE"
        images = ecr.describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
        return {tag for image in images for tag in image.get("imageTags", [])}

    return list_tags


def _running_digest(aws: Aws) -> str:
    apprunner = aws("apprunner")
    (summary,) = apprunner.list_services()["ServiceSummaryList"]
    service = apprunner.describe_service(ServiceArn=summary["ServiceArn"])["Service"]
    image: dict[str, Any] = service["SourceConfiguration"]["ImageRepository"]
    return str(image["ImageIdentifier"]).rpartition("@")[2]


@pytest.mark.slow
def test_an_image_is_upgraded_rolled_back_and_upgraded_again(
    deployed: Deployment, set_content: SetContent, tags: Callable[[], set[str]], aws: Aws
) -> None:
    seen = tags()
    for content in (2, 1, 2):
        set_content(content)
        up = deployed.up()
        assert deployed.preview().none
        (tag,) = tags() - seen
        assert tag.startswith("1.6.1-")
        seen |= {tag}
        assert _running_digest(aws) == up.outputs["imageDigest"]


@pytest.mark.slow
def test_what_was_pushed_before_the_state_was_lost_is_pushed_again(
    running: Cloud, deployed: Deployment, set_content: SetContent, tags: Callable[[], set[str]]
) -> None:
    (path,) = Path(Home(running.home).pulumi, "backend").glob(f".pulumi/stacks/*/{STACK}.json")
    before = path.read_bytes()
    set_content(3)
    deployed.up()
    pushed = tags()
    path.write_bytes(before)
    assert json.loads(before)["checkpoint"]["latest"]["resources"]
    deployed.up()
    assert len(tags() - pushed) == 1
    assert deployed.preview().none


def test_two_checkouts_build_the_same_layers(running: Cloud, tmp_path: Path) -> None:
    client = docker.DockerClient(base_url=running.docker_host)
    layers = []
    for umask in (0o022, 0o077):
        before = os.umask(umask)
        try:
            build = tmp_path / f"{umask:o}"
            context = prepare_context("1.6.1", trusted_certificates="", build=build)
        finally:
            os.umask(before)
        image, _ = client.images.build(
            path=str(context.directory), nocache=True, rm=True, buildargs=dict(context.arguments)
        )
        layers.append(image.attrs["RootFS"]["Layers"])
        client.images.remove(str(image.id), force=True)
    client.close()
    assert layers[0] == layers[1]
    assert len(layers[0]) == 1
