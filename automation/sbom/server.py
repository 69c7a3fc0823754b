"""Describes what a host runs: the official binary and its files, in an image or a package."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.lifecycle import LifecyclePhase
from packageurl import PackageURL

from automation.sbom.deployed import Image
from automation.sbom.documents import Document, file_component, own_property, sha256
from automation.sbom.go_modules import linked_components, main_module_purl, settings
from server.build_information import BuildInformation
from server.provenance import GO_ARCHITECTURES, verify_release
from server.releases import PACKAGE, Release

_BINARY: Final = "neo4j-mcp-server"
_VCS: Final = "https://github.com/neo4j/mcp"
# The distributions that files are made from.
_SOURCES: Final = {"ca-certificates.crt": "certifi", "zoneinfo.zip": "tzdata"}


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An image or a package that has the server's binary.

    Attributes:
        subject: how the document describes it.
        release: the pinned release that the binary is of.
        files: its files by their paths in it.
        license: of the binary, as an SPDX expression.
        runtime: what AWS provides in addition; nothing for an image.
    """

    subject: Component
    release: Release
    files: Mapping[str, bytes]
    license: str
    runtime: tuple[Component, ...] = ()


def server_document(artifact: Artifact) -> Document:
    """Describe an image or a package by what is in its files.

    Raises:
        ServerImageError: the binary isn't that of the release.
    """
    binary = artifact.files[_BINARY]
    information = verify_release(binary, artifact.release)
    program = _program(artifact, information)
    linked = linked_components(information)
    files = {
        name: file_component(name, content, reference=f"file:{name}")
        for name, content in artifact.files.items()
        if name != _BINARY
    }
    sources = {files[name]: _source(_SOURCES[name]) for name in files.keys() & _SOURCES.keys()}
    return Document(
        subject=artifact.subject,
        components=(program, *linked, *files.values(), *sources.values(), *artifact.runtime),
        requires={
            artifact.subject: (program, *files.values(), *artifact.runtime),
            # The build information doesn't say which module requires which.
            program: linked,
            **{file: (source,) for file, source in sources.items()},
        },
        phase=LifecyclePhase.POST_BUILD,
    )


def image_component(
    build_tag: str, release: Release, labels: Mapping[str, str], deployed: Image | None
) -> Component:
    """Describe an image.

    Args:
        build_tag: the tag of its build context.
        release: the release of the server in it.
        labels: those that the Dockerfile sets.
        deployed: the image in its repository, if there is one.
    """
    return Component(
        type=ComponentType.CONTAINER,
        name="neo4j-mcp-server",
        version=deployed.tag if deployed else build_tag,
        bom_ref="image",
        purl=_image_purl(deployed, release) if deployed else None,
        hashes=[HashTypeFactory().from_composite_str(deployed.digest)] if deployed else [],
        properties=[
            # It has nothing but the listed files.
            own_property("image:base", "scratch"),
            *(own_property(f"image:label:{name}", each) for name, each in labels.items()),
        ],
    )


def _image_purl(image: Image, release: Release) -> PackageURL:
    return PackageURL(
        type="oci",
        name=image.repository.rpartition("/")[2],
        version=image.digest,
        qualifiers={
            "arch": GO_ARCHITECTURES[release.architecture],
            "repository_url": image.repository,
            "tag": image.tag,
        },
    )


def _program(artifact: Artifact, information: BuildInformation) -> Component:
    release = artifact.release
    revision = information.settings.get("vcs.revision")
    wheel = PackageURL(type="pypi", name=PACKAGE, version=release.version)
    return Component(
        type=ComponentType.APPLICATION,
        name=information.main.path,
        version=information.main.version,
        purl=main_module_purl(information),
        bom_ref="server",
        scope=ComponentScope.REQUIRED,
        licenses=[LicenseFactory().make_from_string(artifact.license)],
        hashes=[sha256(artifact.files[_BINARY])],
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.VCS,
                url=XsUri(f"{_VCS}/tree/{revision}" if revision else _VCS),
            ),
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(wheel.to_string()),
                comment=f"{release.wheel_name}, which contains the binary",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=release.wheel_sha256)],
            ),
        ],
        properties=[
            own_property("distributed-as", wheel.to_string()),
            *settings(information),
        ],
    )


def _source(distribution: str) -> Component:
    purl = PackageURL(type="pypi", name=distribution, version=version(distribution))
    return Component(
        type=ComponentType.LIBRARY,
        name=distribution,
        version=version(distribution),
        purl=purl,
        bom_ref=purl.to_string(),
        scope=ComponentScope.REQUIRED,
    )
