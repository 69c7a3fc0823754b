"""Describes each subject, from the files of a checkout and what a stack runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cyclonedx.model.component import Component, ComponentType

from automation.function_code import function_packages
from automation.sbom.deployed import find_functions, find_image, require_package
from automation.sbom.distributions import distribution_document, program_document
from automation.sbom.documents import Document, sha256
from automation.sbom.errors import SbomError
from automation.sbom.functions import Function, functions_document, runtime, unpack
from automation.sbom.labels import LICENSES, read_labels
from automation.sbom.server import Artifact, image_component, server_document
from automation.sbom.subjects import Subject
from components.hosting.lambda_.package import prepare_package
from components.hosting.lambda_.settings import LambdaSettings
from components.names import ResourceNames
from components.settings import StackSettings
from server.context import BuildContext, prepare_context
from server.errors import ServerImageError
from server.releases import find_release

_DOCKERFILE: Final = "Dockerfile"


_PROGRAMS: Final = {
    Subject.PROGRAM: ("requirements.txt", "The Pulumi program, which pulumi up runs"),
    Subject.AUTOMATION: ("requirements-operate.txt", "python -m automation"),
    Subject.DEVELOPMENT: ("requirements-dev.txt", "The stand-in cloud, the demo and the tests"),
}


@dataclass(frozen=True, kw_only=True)
class DeployedStack:
    """What is known about a stack.

    Attributes:
        outputs: the stack's outputs.
        state: the stack's state.
    """

    stack: str
    settings: StackSettings
    outputs: Mapping[str, Any]
    state: Mapping[str, Any]

    @property
    def names(self) -> ResourceNames:
        """The names of the stack's resources."""
        return ResourceNames(prefix=self.settings.name_prefix, stack=self.stack)


def describe(subject: Subject, repository: Path, deployed: DeployedStack | None) -> Document:
    """Describe a subject.

    Args:
        repository: the folder of this checkout.
        deployed: the stack that runs the server and the functions; None to describe the image and
            the functions that this checkout would deploy with the default version.

    Raises:
        SbomError: something can't be read, or the stack runs something else than this checkout
            would deploy.
    """
    match subject:
        case Subject.SERVER:
            try:
                return server_document(_server(repository, deployed))
            except ServerImageError as error:
                raise SbomError(f"The server can't be described: {error}") from error
        case Subject.FUNCTIONS:
            return _functions(deployed)
        case Subject.CLIENT | Subject.LOCALCLOUD:
            return distribution_document(repository / subject.value, repository)
        case Subject.PROGRAM | Subject.AUTOMATION | Subject.DEVELOPMENT:
            lock, description = _PROGRAMS[subject]
            name = f"neo4j-mcp {subject.value}"
            return program_document(repository / lock, name=name, description=description)


def _server(repository: Path, deployed: DeployedStack | None) -> Artifact:
    build = repository / "server" / "build"
    if deployed and isinstance(deployed.settings.host, LambdaSettings):
        return _package(repository, deployed, deployed.settings.host)
    settings = deployed.settings if deployed else None
    version = settings.server_version if settings else _default_version()
    trusted = settings.trusted_certificates if settings else ""
    context = prepare_context(version, trusted_certificates=trusted, build=build)
    return _image(context, version, deployed)


def _image(context: BuildContext, version: str, deployed: DeployedStack | None) -> Artifact:
    labels = read_labels(context.dockerfile.read_text(encoding="utf-8"), context.arguments)
    release = find_release(version)
    image = None
    if deployed:
        digest = deployed.outputs.get("imageDigest")
        image = find_image(deployed.state, digest, stack=deployed.stack, build_tag=context.tag)
    return Artifact(
        subject=image_component(context.tag, release, labels, image),
        release=release,
        files={
            path.name: path.read_bytes()
            for path in sorted(context.directory.iterdir())
            if path != context.dockerfile
        },
        license=labels[LICENSES],
    )


def _package(repository: Path, deployed: DeployedStack, host: LambdaSettings) -> Artifact:
    settings = deployed.settings
    prepared = prepare_package(
        settings.server_version,
        host.architecture,
        trusted_certificates=settings.trusted_certificates,
    )
    name = deployed.names.server_function
    packed = prepared.path.read_bytes()
    require_package(deployed.outputs.get("codeSha256"), packed, stack=deployed.stack, name=name)
    files = unpack(packed)
    dockerfile = (repository / "server" / _DOCKERFILE).read_text(encoding="utf-8")
    return Artifact(
        subject=Component(
            type=ComponentType.APPLICATION,
            name=name,
            version=settings.server_version,
            bom_ref=f"function:{name}",
            hashes=[sha256(packed)],
        ),
        release=find_release(settings.server_version, host.architecture),
        files=files,
        license=read_labels(dockerfile, {})[LICENSES],
        runtime=runtime(files),
    )


def _functions(deployed: DeployedStack | None) -> Document:
    # Without a stack, placeholders.
    names = deployed.names if deployed else ResourceNames(prefix="<namePrefix>", stack="<stack>")
    packages = function_packages(names)
    if deployed is None:
        found = [Function(name=name, package=pack()) for name, pack in packages.items()]
        return functions_document(found, stack=None)
    return functions_document(
        find_functions(deployed.state, packages, stack=deployed.stack), stack=deployed.stack
    )


def _default_version() -> str:
    return str(StackSettings.model_fields["server_version"].default)
