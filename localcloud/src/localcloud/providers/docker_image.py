"""The docker provider: docker.Image, built and pushed by the Docker Engine's classic builder.

Source: the schema and documentation of pulumi_docker's Image.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import docker
import docker.errors
import requests
from docker.auth import resolve_repository_name
from docker.utils import kwargs_from_env, parse_repository_tag
from docker.utils.build import exclude_paths

from localcloud.labels import OWNER_LABEL
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    ResourceType,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.servicer import Provider
from localcloud.providers.values import UNKNOWN, Values, as_object, as_string, is_known

_LOG = logging.getLogger(__name__)
_LIMIT_SECONDS: Final = 600
_CLASSIC_BUILDER: Final = "BuilderV1"

CONFIGURATION: Final[Properties] = {
    "host": Property(),
    **unsupported(
        "caMaterial",
        "certMaterial",
        "certPath",
        "context",
        "disableDockerDaemonCheck",
        "keyMaterial",
        "registryAuth",
        "sshOpts",
    ),
}
_BUILD: Final[Properties] = {
    "args": Property(kind=Kind.MAP, items=Property()),
    "builderVersion": Property(),
    # The context's path is no change, its content is: see contextDigest.
    "context": Property(default=".", inert=True),
    "dockerfile": Property(inert=True),
    "platform": Property(),
    "target": Property(),
    **unsupported("addHosts", "cacheFrom", "network"),
}
_REGISTRY: Final[Properties] = {
    # A registry's password is different each time, for the same images.
    "password": Property(inert=True, secret=True),
    "server": Property(),
    "username": Property(inert=True),
}


@dataclass(frozen=True, kw_only=True)
class Docker:
    """The Docker Engine as a provider's configuration describes it.

    Attributes:
        host: its address; None for DOCKER_HOST or the default.
        project_directory: the base of relative build contexts.
        owner: the instance of the stand-in, put on images as a label; None for no label.
    """

    host: str | None
    project_directory: Path
    owner: str | None = None

    def connect(self) -> docker.APIClient:
        """Connect to the engine, without the user's own registry credentials.

        Raises:
            ProviderError: the engine doesn't respond.
        """
        environment = dict(os.environ)
        if self.host is not None:
            environment["DOCKER_HOST"] = self.host
        try:
            client = docker.APIClient(
                **kwargs_from_env(environment=environment),
                version="auto",
                timeout=_LIMIT_SECONDS,
            )
        except docker.errors.DockerException as error:
            raise ProviderError(
                f"the Docker Engine doesn't respond: {error}\nStart it, or set DOCKER_HOST or"
                " `pulumi config set docker:host …`"
            ) from error
        client.reload_config(os.devnull)
        return client


class Image(ResourceType[Docker]):
    """docker:index/image:Image."""

    token = "docker:index/image:Image"  # noqa: S105  # a Pulumi type
    properties: ClassVar[Properties] = {
        "imageName": Property(required=True),
        "build": Property(kind=Kind.OBJECT, required=True, properties=_BUILD),
        "buildOnPreview": Property(kind=Kind.BOOLEAN, inert=True),
        "registry": Property(kind=Kind.OBJECT, properties=_REGISTRY),
        "skipPush": Property(kind=Kind.BOOLEAN, default=False),
        # Set by Check, so that a diff sees the content of the context.
        "contextDigest": Property(computed=True),
        "baseImageName": Property(output=True, volatile=True),
        "context": Property(output=True, volatile=True),
        "dockerfile": Property(output=True, volatile=True),
        "platform": Property(output=True, volatile=True),
        "registryServer": Property(output=True, volatile=True),
        "repoDigest": Property(output=True, volatile=True),
    }

    def check(self, request: CheckRequest[Docker]) -> tuple[Values, list[Failure]]:
        """Compute the digest of the context, which needs no engine."""
        inputs = request.inputs
        build = inputs.get("build")
        builder = build.get("builderVersion") if isinstance(build, dict) else None
        if builder not in (None, UNKNOWN, _CLASSIC_BUILDER):
            reason = f"Unsupported: the stand-in builds with {_CLASSIC_BUILDER} alone"
            return inputs, [Failure(property="build.builderVersion", reason=reason)]
        if not isinstance(build, dict) or not is_known(build.get("context")):
            return {**inputs, "contextDigest": UNKNOWN}, []
        if not is_known(build.get("dockerfile")):
            return {**inputs, "contextDigest": UNKNOWN}, []
        folder, dockerfile = _paths(request.context, build)
        try:
            digest = context_digest(folder, dockerfile)
        except OSError as error:
            reason = f"the build context can't be read: {error}"
            return inputs, [Failure(property="build.context", reason=reason)]
        return {**inputs, "contextDigest": digest}, []

    def create(self, request: CreateRequest[Docker]) -> Created:
        """Build the image and push it."""
        outputs = _build_and_push(request.context, request.inputs)
        return Created(id=as_string(request.inputs["imageName"]), outputs=outputs)

    def read(self, request: ResourceRequest[Docker]) -> Values | None:
        """Return the state: Pulumi's provider doesn't ask the registry either."""
        if not request.state:
            raise ProviderError(f"Unsupported: the image {request.id} can't be imported")
        return request.state

    def update(self, request: UpdateRequest[Docker]) -> Values:
        """Build and push again."""
        return _build_and_push(request.context, request.inputs)

    def delete(self, request: ResourceRequest[Docker]) -> None:
        """Remove the image from the engine; the registry's images go with the repository."""
        client = request.context.connect()
        try:
            client.remove_image(as_string(request.state["imageName"]))
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # A running container uses it; it is removed with the other images of its owner.
            _LOG.info("the image stays on the engine: %s", error.explanation)
        finally:
            client.close()


def context_digest(folder: Path, dockerfile: Path) -> str:
    """Hash the input of a build.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile, in the context or elsewhere.

    Returns:
        A SHA-256 in hexadecimal of the names, modes and contents of the files, without those that
        .dockerignore excludes. The path of the folder makes no difference.

    Raises:
        OSError: the folder or a file in it can't be read.
    """
    digest = hashlib.sha256()
    digest.update(hashlib.sha256(dockerfile.read_bytes()).digest())
    for name in sorted(_included(folder)):
        path = folder / name
        mode = path.lstat().st_mode
        digest.update(f"{name}\0{mode:o}\0".encode())
        if path.is_symlink():
            digest.update(os.fsencode(path.readlink()))
        elif path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def provider(project_directory: Path, owner: str | None = None) -> Provider[Docker]:
    """Make the docker provider.

    Args:
        project_directory: the base of relative build contexts.
        owner: the instance of the stand-in, put on images as a label; None for no label.
    """
    resource = Image()
    return Provider(
        name="docker",
        version="5.2.0",
        configuration=CONFIGURATION,
        configure=lambda values: Docker(
            host=as_string(values["host"]) if values.get("host") else None,
            project_directory=project_directory,
            owner=owner,
        ),
        resources={resource.token: resource},
        invokes={},
    )


def _included(folder: Path) -> set[str]:
    ignore = folder / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    included: set[str] = exclude_paths(
        str(folder), [line.strip() for line in patterns if line.strip() and line[0] != "#"]
    )
    return included


def _paths(context: Docker, build: Values) -> tuple[Path, Path]:
    folder = context.project_directory / as_string(build.get("context", "."))
    named = build.get("dockerfile")
    return folder, context.project_directory / as_string(named) if named else folder / "Dockerfile"


def _build_and_push(context: Docker, inputs: Values) -> Values:
    """Build an image, push it, and return the outputs."""
    build = as_object(inputs["build"])
    name = as_string(inputs["imageName"])
    folder, dockerfile = _paths(context, build)
    client = context.connect()
    try:
        _build(client, context, build, name)
        pushes = inputs.get("skipPush") is not True
        digest = _push(client, name, registry_auth(inputs)) if pushes else None
    except docker.errors.DockerException as error:
        explanation = getattr(error, "explanation", None) or error
        raise ProviderError(f"the image {name}: {explanation}") from None
    except requests.RequestException as error:
        raise ProviderError(f"the image {name}: the Docker Engine broke off: {error}") from None
    finally:
        client.close()
    server = as_object(inputs.get("registry")).get("server")
    repository, _ = parse_repository_tag(name)
    return {
        "baseImageName": name,
        "context": str(folder.relative_to(context.project_directory))
        if folder.is_relative_to(context.project_directory)
        else str(folder),
        "dockerfile": dockerfile.name,
        "platform": build.get("platform"),
        "registryServer": server or resolve_repository_name(repository)[0],
        "repoDigest": f"{repository}@{digest}" if digest else None,
    }


def _build(client: docker.APIClient, context: Docker, build: Values, name: str) -> None:
    folder, dockerfile = _paths(context, build)
    stream = client.build(
        path=str(folder),
        dockerfile=str(dockerfile.resolve()),
        tag=name,
        buildargs={key: as_string(value) for key, value in as_object(build.get("args")).items()},
        platform=_optional(build, "platform"),
        target=_optional(build, "target") or "",
        labels={OWNER_LABEL: context.owner} if context.owner else None,
        rm=True,
        forcerm=True,
        decode=True,
    )
    for _ in messages(stream, f"building {name}"):
        pass


def _optional(values: Values, name: str) -> str | None:
    return as_string(values[name]) if values.get(name) else None


def _push(client: docker.APIClient, name: str, auth: Mapping[str, str]) -> str:
    stream = client.push(name, auth_config=dict(auth), stream=True, decode=True)
    digest = None
    for message in messages(stream, f"pushing {name}"):
        digest = message.get("aux", {}).get("Digest", digest)
    if digest is None:
        raise ProviderError(f"pushing {name}: the registry returned no digest")
    return str(digest)


def messages(stream: Iterator[dict[str, Any]], what: str) -> Iterator[dict[str, Any]]:
    """Yield an engine's messages; an error is one of them, not a status.

    Raises:
        ProviderError: a message is an error; `what` begins the error's text.
    """
    for message in stream:
        if "error" in message:
            raise ProviderError(f"{what} failed: {message['error']}")
        yield message


def registry_auth(inputs: Values) -> dict[str, str]:
    """Return the registry's credentials under the names that the engine's API uses."""
    registry = as_object(inputs.get("registry"))
    names = {"username": "username", "password": "password", "server": "serveraddress"}
    return {
        names[key]: as_string(value) for key, value in registry.items() if value and key in names
    }
