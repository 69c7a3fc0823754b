import datetime as dt
import json
from typing import Any

import pulumi
import pytest

from components.context import StackContext
from components.hosting.keys import ImageHostSettings
from components.image import (
    ServerImage,
    ServerImageArgs,
    image_identity,
    image_tag,
    prepare_server_build,
)
from components.image_retention import lifecycle_policy
from server.context import BuildContext
from server.errors import ServerImageError
from tests.components.conftest import MakeContext, MakeSettings
from tests.components.mocks import ACCOUNT, DIGEST, REGION, Result, run_program

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
IMAGE = "docker:index/image:Image"
STARTED = dt.datetime(2026, 11, 27, 2, 45, 1, tzinfo=dt.UTC)
REPOSITORY_URL = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/neo4j-mcp-dev-server"


def declare(context: StackContext, build: BuildContext) -> Result:
    def program() -> dict[str, Any]:
        retention = context.settings.host_as(ImageHostSettings).image_retention
        args = ServerImageArgs(context=context, build=build, retention=retention, started=STARTED)
        image = ServerImage("image", args)
        return {
            "reference": image.reference,
            "digest": image.digest,
            "arn": image.repository_arn,
        }

    return run_program(program)


def test_the_repository_scans_encrypts_and_never_moves_a_tag(
    make_context: MakeContext, build: BuildContext
) -> None:
    repository = declare(make_context(), build).one(REPOSITORY).inputs

    assert repository["name"] == "neo4j-mcp-dev-server"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfigurations"] == [{"encryptionType": "AES256"}]


def test_the_image_is_built_from_the_prepared_context_for_app_runners_platform(
    make_context: MakeContext, build: BuildContext
) -> None:
    image = declare(make_context(), build).one(IMAGE)

    assert image.inputs["imageName"] == f"{REPOSITORY_URL}:1.6.1-0123-20261127T024501Z"
    assert image.inputs["build"] == {
        "context": "server/build/contexts/1.6.1-0123",
        "dockerfile": "server/build/contexts/1.6.1-0123/Dockerfile",
        "platform": "linux/amd64",
        "args": {"VERSION": "1.6.1"},
        "builderVersion": "BuilderV1",
    }


def test_a_tag_is_unique_to_content_and_time() -> None:
    later = STARTED.astimezone(dt.timezone(dt.timedelta(hours=2))) + dt.timedelta(seconds=1)

    assert image_tag("1.6.1-0123", STARTED) == "1.6.1-0123-20261127T024501Z"
    assert image_tag("1.6.1-0123", later) == "1.6.1-0123-20261127T024502Z"


def test_only_another_repository_region_or_content_makes_another_image() -> None:
    same = {"repository": "server", "region": "us-east-1", "build_tag": "1.6.1-0123"}
    changes: tuple[dict[str, str], ...] = (
        {},
        {"repository": "other"},
        {"region": "eu-west-1"},
        {"build_tag": "1.6.1-4567"},
    )

    # Another hash would rebuild the image of every existing stack.
    assert image_identity(**same) == "d52316e600d9"
    assert len({image_identity(**(same | change)) for change in changes}) == len(changes)


def test_the_registrys_password_is_a_secret(make_context: MakeContext, build: BuildContext) -> None:
    image = declare(make_context(), build).one(IMAGE)

    assert image.inputs["registry"]["server"] == REPOSITORY_URL
    assert image.inputs["registry"]["username"] == "AWS"
    assert any("registry" in path for path in image.secret_inputs)


def test_the_image_is_known_by_its_digest(make_context: MakeContext, build: BuildContext) -> None:
    result = declare(make_context(), build)

    assert result.outputs == {
        "reference": f"{REPOSITORY_URL}@{DIGEST}",
        "digest": DIGEST,
        "arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/neo4j-mcp-dev-server",
    }


def test_old_images_expire(make_context: MakeContext, build: BuildContext) -> None:
    result = declare(make_context(imageRetention="4"), build)

    lifecycle = result.one(LIFECYCLE).inputs
    assert lifecycle["repository"] == "neo4j-mcp-dev-server"
    assert lifecycle["policy"] == lifecycle_policy(4)
    (rule,) = json.loads(lifecycle_policy(4))["rules"]
    assert rule == {
        "rulePriority": 1,
        "description": "Keep the newest 4 images",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": 4,
        },
        "action": {"type": "expire"},
    }


@pytest.mark.parametrize("protected", [True, False])
def test_the_repository_is_protected_as_configured(
    make_context: MakeContext,
    build: BuildContext,
    protected: bool,
) -> None:
    context = make_context(deletionProtection=str(protected).lower())
    repository = declare(context, build).one(REPOSITORY)

    assert repository.protect is protected
    assert repository.inputs["forceDelete"] is not protected


def test_an_image_that_cannot_be_built_stops_the_program_without_a_traceback(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> BuildContext:
        raise ServerImageError("the wheel has SHA-256 0, where … pins 1")

    monkeypatch.setattr("components.image.prepare_context", refuse)

    with pytest.raises(pulumi.RunError, match="can't be built: the wheel has SHA-256 0"):
        prepare_server_build(make_settings())


def test_the_build_is_prepared_as_configured(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, build: BuildContext
) -> None:
    received: dict[str, Any] = {}

    def prepare(version: str, **kwargs: object) -> BuildContext:
        received.update(kwargs, version=version)
        return build

    monkeypatch.setattr("components.image.prepare_context", prepare)

    assert prepare_server_build(make_settings()) is build
    assert received["version"] == "1.6.1"
    assert received["trusted_certificates"] == ""
    assert received["build"].parts[-2:] == ("server", "build")
    assert received["build"].is_absolute()
