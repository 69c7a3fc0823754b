"""Describes Lambda functions: their modules, and the runtime that AWS provides."""

import ast
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.lifecycle import LifecyclePhase
from packageurl import PackageURL

from automation.sbom.documents import Document, file_component, own_property, sha256
from components.function_code import RUNTIME

_PYTHON: Final = ".py"
# Lambda's Python runtime has the AWS SDK, in a version that AWS chooses and updates.
_OF_RUNTIME: Final = ("boto3", "botocore")


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function's package.

    Attributes:
        name: on AWS, or the function's folder if it isn't deployed.
    """

    name: str
    package: bytes


def functions_document(functions: Iterable[Function], *, stack: str | None) -> Document:
    """Describe functions by their packages.

    Args:
        stack: the stack that has them; None for those of the repository.
    """
    subject = Component(
        type=ComponentType.APPLICATION,
        name="neo4j-mcp functions" + (f" of the stack {stack}" if stack else ""),
        bom_ref="functions",
    )
    described: list[Component] = []
    requires: dict[Component, Iterable[Component]] = {}
    provided: dict[str, Component] = {}
    for function in functions:
        files = unpack(function.package)
        component = Component(
            type=ComponentType.APPLICATION,
            name=function.name,
            bom_ref=f"function:{function.name}",
            hashes=[sha256(function.package)],
            components=[
                file_component(path, content, reference=f"file:{function.name}:{path}")
                for path, content in files.items()
            ],
        )
        described.append(component)
        needed = {each.name: provided.setdefault(each.name, each) for each in runtime(files)}
        requires[component] = tuple(needed.values())
    return Document(
        subject=subject,
        components=(*described, *provided.values()),
        requires={subject: described, **requires},
        phase=LifecyclePhase.BUILD,
    )


def runtime(files: Mapping[str, bytes]) -> tuple[Component, ...]:
    """Describe what AWS provides for a function: Python, and the SDK if a module imports it.

    Args:
        files: the package's files by their paths.
    """
    imported = {
        name
        for path, content in files.items()
        if path.endswith(_PYTHON)
        for name in _imports(content)
    }
    python = Component(
        type=ComponentType.PLATFORM,
        name="AWS Lambda's Python runtime",
        version=RUNTIME,
        bom_ref=f"runtime:{RUNTIME}",
        scope=ComponentScope.REQUIRED,
        properties=[own_property("provided-by", "AWS, which updates it")],
    )
    return (python, *(_sdk(name) for name in _OF_RUNTIME if name in imported))


def unpack(package: bytes) -> Mapping[str, bytes]:
    """Return a package's files by their paths."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist())}


def _imports(source: bytes) -> Iterable[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _sdk(name: str) -> Component:
    # Without a version, which only AWS knows.
    purl = PackageURL(type="pypi", name=name)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        purl=purl,
        bom_ref=f"runtime:{name}",
        scope=ComponentScope.REQUIRED,
        properties=[own_property("provided-by", "AWS, which updates it")],
    )
