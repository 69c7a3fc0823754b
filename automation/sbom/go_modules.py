"""Describes a Go binary by the build information in it. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from cyclonedx.model import Property
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from packageurl import PackageURL

from automation.sbom.documents import own_property
from server.build_information import BuildInformation, Module

# Names that CycloneDX has registered. Source: cdx/gomod.md in its property taxonomy.
_ENVIRONMENT: Final = "cdx:gomod:build:env:"
_REGISTERED: Final = ("CGO_ENABLED", "GOARCH", "GOFLAGS", "GOOS")
# A version of Go without what a modified toolchain appends, such as " X:nodwarf5".
_GO_VERSION: Final = re.compile(r"go(\d+(?:\.\d+)*(?:rc\d+|beta\d+)?)")


def main_module_purl(information: BuildInformation) -> PackageURL:
    """Return the package URL of the module with the program."""
    return _purl(information.main)


def settings(information: BuildInformation) -> Iterator[Property]:
    """Describe how the binary was built."""
    yield Property(name=f"{_ENVIRONMENT}GOVERSION", value=information.go_version)
    for name, value in information.settings.items():
        if name in _REGISTERED:
            yield Property(name=f"{_ENVIRONMENT}{name}", value=value)
        else:
            yield own_property(f"go:build:{name}", value)


def linked_components(information: BuildInformation) -> tuple[Component, ...]:
    """Describe the modules that were compiled into the binary, and Go's standard library."""
    return (
        _standard_library(information.go_version),
        *(_component(module) for module in information.dependencies),
    )


def _component(module: Module) -> Component:
    purl = _purl(module)
    properties = []
    if module.checksum:
        # A hash over the module's source tree in Go's own format, which no file has.
        properties.append(own_property("go:checksum", module.checksum))
    if module.replaced:
        properties.append(own_property("go:replaces", module.replaced))
    return Component(
        type=ComponentType.LIBRARY,
        name=module.path,
        version=module.version,
        purl=purl,
        bom_ref=purl.to_string(),
        scope=ComponentScope.REQUIRED,
        properties=properties,
    )


def _standard_library(go_version: str) -> Component:
    # Scanners find its vulnerabilities by the name "stdlib" and a version without "go", or by the
    # CPE. Source: newGoStdLib in anchore/syft.
    match = _GO_VERSION.match(go_version)
    version = match[1] if match else go_version
    purl = PackageURL(type="golang", name="stdlib", version=version)
    return Component(
        type=ComponentType.LIBRARY,
        name="stdlib",
        version=version,
        purl=purl,
        bom_ref=purl.to_string(),
        cpe=f"cpe:2.3:a:golang:go:{version}:-:*:*:*:*:*:*",
        scope=ComponentScope.REQUIRED,
    )


def _purl(module: Module) -> PackageURL:
    namespace, _, name = module.path.rpartition("/")
    return PackageURL(type="golang", namespace=namespace or None, name=name, version=module.version)
