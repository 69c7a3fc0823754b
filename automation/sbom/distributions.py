"""Describes what the Python programs and distributions of the repository require, as locked."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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

from automation.sbom.documents import Document, own_property
from automation.sbom.errors import SbomError
from automation.sbom.lock_files import Pin, normalize, read_lock

_NAME: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^]]*)\])?")
_VERSION: Final = re.compile(r"""^__version__\s*=\s*["']([^"']+)["']""", re.MULTILINE)
# The tests run with these versions; who installs the distribution gets the newest allowed ones.
_LOCK_OF_DISTRIBUTIONS: Final = "requirements-dev.txt"


@dataclass(frozen=True, kw_only=True)
class _Distribution:
    """What pyproject.toml says about a distribution, with its own extras resolved.

    Attributes:
        required: normalized names that every installation requires.
        optional: further names that extras require.
    """

    name: str
    version: str
    description: str
    license: str
    required: frozenset[str]
    optional: frozenset[str]


def program_document(lock: Path, *, name: str, description: str) -> Document:
    """Describe everything that a lock file installs.

    Args:
        name: of the program that needs it.

    Raises:
        SbomError: the lock file can't be read.
    """
    pins = read_lock(lock)
    subject = Component(
        type=ComponentType.APPLICATION,
        name=name,
        description=description,
        bom_ref=name,
        properties=[own_property("python:lock-file", lock.name)],
    )
    direct = [each for pinned in pins.values() for each in pinned if each.is_direct]
    return _document(subject, pins, [each.name for each in direct], frozenset())


def distribution_document(folder: Path, repository: Path) -> Document:
    """Describe a distribution, with what it and its extras require in the versions of the tests.

    Args:
        folder: the distribution's folder, with its pyproject.toml.
        repository: the folder with the lock files.

    Raises:
        SbomError: a file can't be read, or a requirement isn't locked.
    """
    found = _read_project(folder)
    lock = repository / _LOCK_OF_DISTRIBUTIONS
    pins = read_lock(lock)
    missing = sorted((found.required | found.optional) - pins.keys())
    if missing:
        raise SbomError(
            f"{folder / 'pyproject.toml'} requires {', '.join(missing)}, which {lock} doesn't have:"
            " add it to requirements-dev.in, then run make lock"
        )
    purl = PackageURL(type="pypi", name=found.name, version=found.version)
    subject = Component(
        type=ComponentType.LIBRARY,
        name=found.name,
        version=found.version,
        description=found.description,
        licenses=[LicenseFactory().make_from_string(found.license)],
        purl=purl,
        bom_ref=purl.to_string(),
        properties=[own_property("python:lock-file", lock.name)],
    )
    required = _closure(pins, found.required)
    everything = _closure(pins, found.required | found.optional)
    chosen = {name: each for name, each in pins.items() if name in everything}
    return _document(subject, chosen, found.required | found.optional, everything - required)


def pin_component(pin: Pin, *, optional: bool = False) -> Component:
    """Describe a pinned requirement.

    Args:
        optional: whether only extras need it.
    """
    purl = PackageURL(type="pypi", name=pin.name, version=pin.version)
    # The lock has a hash for each file of the release, and doesn't say which is whose.
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),
        comment=f"SHA-256 of the files of {pin.version}, one of which is installed",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes],
    )
    return Component(
        type=ComponentType.LIBRARY,
        name=pin.name,
        version=pin.version,
        purl=purl,
        bom_ref=purl.to_string(),
        scope=ComponentScope.OPTIONAL if optional else ComponentScope.REQUIRED,
        external_references=[files],
        properties=[own_property("python:marker", pin.marker)] if pin.marker else [],
    )


def _document(
    subject: Component,
    pins: Mapping[str, tuple[Pin, ...]],
    direct: Iterable[str],
    optional: frozenset[str],
) -> Document:
    components = {
        name: tuple(pin_component(pin, optional=name in optional) for pin in pinned)
        for name, pinned in pins.items()
    }
    requires: dict[Component, list[Component]] = {
        subject: [each for name in set(direct) for each in components[name]]
    }
    for name, pinned in pins.items():
        for requirer in {each for pin in pinned for each in pin.required_by}:
            for component in components.get(requirer, ()):
                requires.setdefault(component, []).extend(components[name])
    return Document(
        subject=subject,
        components=tuple(each for found in components.values() for each in found),
        requires=requires,
        phase=LifecyclePhase.PRE_BUILD,
    )


def _closure(pins: Mapping[str, tuple[Pin, ...]], names: frozenset[str]) -> frozenset[str]:
    """Return names with everything that they require, directly and indirectly."""
    found: set[str] = set()
    new = set(names)
    while new:
        found |= new
        new = {
            name
            for name, pinned in pins.items()
            if name not in found and any(pin.required_by & found for pin in pinned)
        }
    return frozenset(found)


def _read_project(folder: Path) -> _Distribution:
    path = folder / "pyproject.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        project = content["project"]
        source = (folder / content["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
        version = _VERSION.search(source)
        if version is None:
            raise KeyError("__version__")  # noqa: TRY301 - the one place that reports it
        return _Distribution(
            name=project["name"],
            version=version[1],
            description=project["description"],
            license=project["license"],
            required=frozenset(_required(project, project["dependencies"])),
            optional=frozenset(
                name
                for extra in project["optional-dependencies"].values()
                for name in _required(project, extra)
            ),
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise SbomError(
            f"{path} can't be read as a distribution's ({type(error).__name__}: {error}). Run:"
            f" git status {folder}"
        ) from error


def _required(project: Mapping[str, Any], requirements: Iterable[str]) -> Iterator[str]:
    """Yield the names that requirements have, except the distribution's own extras."""
    for requirement in requirements:
        match = _NAME.match(requirement)
        if match and normalize(match["name"]) != normalize(project["name"]):
            yield normalize(match["name"])
