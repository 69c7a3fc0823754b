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

from localcloud.providers.schema import (
    Created,
    Failure,
    Kind,
    Properties,
    Property,
    ProviderError,
    Request,
    ResourceType,
    refused,
)
from localcloud.providers.servicer import Provider
from localcloud.providers.values import UNKNOWN, Values, is_known, mapping, text

_LOG = logging.getLogger(__name__)
_LIMIT_SECONDS: Final = 600
_OWNER_LABEL: Final = "neo4j-mcp.localcloud"
_CLASSIC_BUILDER: Final = "BuilderV1"

CONFIGURATION: Final[Properties] = {
    "host": Property(),
    **refused(
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
    # Where the context lies is no change, what it holds is: see contextDigest.
    "context": Property(default=".", inert=True),
    "dockerfile": Property(inert=True),
    "platform": Property(),
    "target": Property(),
    **refused("addHosts", "cacheFrom", "network"),
}
_REGISTRY: Final[Properties] = {
    # A registry's password is a new one each time, for the same images.
    "password": Property(inert=True, secret=True),
    "server": Property(),
    "username": Property(inert=True),
}


@dataclass(frozen=True, kw_only=True)
class Docker:
    """The Docker Engine as a provider's configuration describes it.

    Attributes:
        host: its address; None for DOCKER_HOST or the default.
        project_directory: what relative contexts are relative to.
        owner: the stand-in's instance, with which images are labelled; None for no label.
    """

    host: str | None
    project_directory: Path
    owner: str | None = None

    def connect(self) -> docker.APIClient:
        """Connect to the engine, without the person's own registry credentials.

        Raises:
            ProviderError: the engine doesn't answer.
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
                f"the Docker Engine doesn't answer: {error}. Start it, or set DOCKER_HOST or"
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
        # Filled by Check, so that a diff sees what the context holds.
        "contextDigest": Property(computed=True),
        "baseImageName": Property(output=True, volatile=True),
        "context": Property(output=True, volatile=True),
        "dockerfile": Property(output=True, volatile=True),
        "platform": Property(output=True, volatile=True),
        "registryServer": Property(output=True, volatile=True),
        "repoDigest": Property(output=True, volatile=True),
    }

    def check(self, context: Docker, inputs: Values) -> tuple[Values, list[Failure]]:
        """Compute the digest of the context; no engine is needed for it."""
        build = inputs.get("build")
        builder = build.get("builderVersion") if isinstance(build, dict) else None
        if builder not in (None, UNKNOWN, _CLASSIC_BUILDER):
            reason = f"Unsupported: the stand-in builds with {_CLASSIC_BUILDER} alone"
            return inputs, [Failure(property="build.builderVersion", reason=reason)]
        if not isinstance(build, dict) or not is_known(build.get("context")):
            return {**inputs, "contextDigest": UNKNOWN}, []
        if not is_known(build.get("dockerfile")):
            return {**inputs, "contextDigest": UNKNOWN}, []
        folder, dockerfile = _paths(context, build)
        try:
            digest = context_digest(folder, dockerfile)
        except OSError as error:
            reason = f"the build context can't be read: {error}"
            return inputs, [Failure(property="build.context", reason=reason)]
        return {**inputs, "contextDigest": digest}, []

    def create(self, request: Request[Docker], inputs: Values) -> Created:
        """Build the image and push it."""
        return Created(id=text(inputs["imageName"]), outputs=_made(request.context, inputs))

    def read(self, request: Request[Docker], resource_id: str, state: Values) -> Values | None:
        """Return the state as it is: Pulumi's provider doesn't ask the registry either."""
        del request
        if not state:
            raise ProviderError(f"Unsupported: the image {resource_id} can't be imported")
        return state

    def update(
        self, request: Request[Docker], resource_id: str, olds: Values, news: Values
    ) -> Values:
        """Build and push again."""
        del resource_id, olds
        return _made(request.context, news)

    def delete(self, request: Request[Docker], resource_id: str, state: Values) -> None:
        """Take the name off the engine's image; the registry's images go with the repository."""
        del resource_id
        client = request.context.connect()
        try:
            client.remove_image(text(state["imageName"]))
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # A running container holds it; it goes with its owner's sweep.
            _LOG.info("the image stays on the engine: %s", error.explanation)
        finally:
            client.close()


def context_digest(folder: Path, dockerfile: Path) -> str:
    """Hash what a build would see.

    Args:
        folder: the build context.
        dockerfile: the Dockerfile, in the context or elsewhere.

    Returns:
        A SHA-256, in hexadecimal, of names, modes and content of the files, without those that
        .dockerignore leaves out; where the folder lies makes no difference.

    Raises:
        OSError: the folder or a file of it can't be read.
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
    """Offer the docker provider.

    Args:
        project_directory: what relative contexts are relative to.
        owner: the stand-in's instance, with which images are labelled.

    Returns:
        The provider.
    """
    resource = Image()
    return Provider(
        name="docker",
        version="5.2.0",
        configuration=CONFIGURATION,
        configure=lambda values: Docker(
            host=text(values["host"]) if values.get("host") else None,
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
        raise NotADirectoryError(f"{folder} is no folder")
    included: set[str] = exclude_paths(
        str(folder), [line.strip() for line in patterns if line.strip() and line[0] != "#"]
    )
    return included


def _paths(context: Docker, build: Values) -> tuple[Path, Path]:
    folder = context.project_directory / text(build.get("context", "."))
    named = build.get("dockerfile")
    return folder, context.project_directory / text(named) if named else folder / "Dockerfile"


def _made(context: Docker, inputs: Values) -> Values:
    """Build an image, push it, and tell what came of it."""
    build = mapping(inputs["build"])
    name = text(inputs["imageName"])
    folder, dockerfile = _paths(context, build)
    client = context.connect()
    try:
        _build(client, context, build, name)
        pushes = inputs.get("skipPush") is not True
        digest = _push(client, name, _auth(inputs)) if pushes else None
    except docker.errors.DockerException as error:
        explanation = getattr(error, "explanation", None) or error
        raise ProviderError(f"the image {name}: {explanation}") from None
    except requests.RequestException as error:
        raise ProviderError(f"the image {name}: the Docker Engine broke off: {error}") from None
    finally:
        client.close()
    server = mapping(inputs.get("registry")).get("server")
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
        buildargs={key: text(value) for key, value in mapping(build.get("args")).items()},
        platform=_optional(build, "platform"),
        target=_optional(build, "target") or "",
        labels={_OWNER_LABEL: context.owner} if context.owner else None,
        rm=True,
        forcerm=True,
        decode=True,
    )
    for _ in _messages(stream, f"building {name}"):
        pass


def _optional(values: Values, name: str) -> str | None:
    return text(values[name]) if values.get(name) else None


def _push(client: docker.APIClient, name: str, auth: Mapping[str, str]) -> str:
    stream = client.push(name, auth_config=dict(auth), stream=True, decode=True)
    digest = None
    for message in _messages(stream, f"pushing {name}"):
        digest = message.get("aux", {}).get("Digest", digest)
    if digest is None:
        raise ProviderError(f"pushing {name}: the registry told no digest")
    return str(digest)


def _messages(stream: Iterator[dict[str, Any]], what: str) -> Iterator[dict[str, Any]]:
    """Pass an engine's messages on; an error comes as one of them, not as a status."""
    for message in stream:
        if "error" in message:
            raise ProviderError(f"{what} failed: {message['error']}")
        yield message


def _auth(inputs: Values) -> dict[str, str]:
    registry = mapping(inputs.get("registry"))
    names = {"username": "username", "password": "password", "server": "serveraddress"}
    return {names[key]: text(value) for key, value in registry.items() if value and key in names}
