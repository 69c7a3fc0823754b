"""Makes CycloneDX documents that are the same bytes for the same content."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.output.json import Json, JsonV1Dot5, JsonV1Dot6

from automation.sbom.errors import SbomError
from automation.sbom.subjects import SpecVersion

TIME_VARIABLE: Final = "SOURCE_DATE_EPOCH"
"""The environment variable with the documents' time, in seconds since 1970; none if it isn't set.

Source: https://reproducible-builds.org/specs/source-date-epoch/
"""
_INDENT: Final = 2
_OUTPUTTERS: Final[Mapping[SpecVersion, type[Json]]] = {
    SpecVersion.V1_5: JsonV1Dot5,
    SpecVersion.V1_6: JsonV1Dot6,
}
# The documents' serial numbers are UUIDs of version 5: a hash of the content in this namespace.
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org")


@dataclass(frozen=True, kw_only=True)
class Document:
    """The content of an SBOM.

    Attributes:
        subject: what it describes.
        components: what the subject is made of or requires.
        requires: for a component, those that it requires; the subject is one of the keys.
        phase: where in the lifecycle the content was found.
    """

    subject: Component
    components: tuple[Component, ...]
    requires: Mapping[Component, Iterable[Component]]
    phase: LifecyclePhase


def render(
    document: Document, time: dt.datetime | None, version: SpecVersion = SpecVersion.V1_6
) -> str:
    """Return an SBOM as JSON, the same for the same content, time and version.

    Args:
        time: when it was made; left out if None.
        version: of the specification.
    """
    bom = Bom(components=document.components, metadata=_metadata(document, time))
    for component, required in document.requires.items():
        bom.register_dependency(component, required)
    # Of the content, which has a serial number itself.
    bom.serial_number = uuid.UUID(int=0)
    outputter = _OUTPUTTERS[version](bom)
    bom.serial_number = uuid.uuid5(_NAMESPACE, outputter.output_as_string())
    outputter.generate(force_regeneration=True)
    return outputter.output_as_string(indent=_INDENT) + "\n"


def document_time(environment: Mapping[str, str]) -> dt.datetime | None:
    """Return the time of the documents, if SOURCE_DATE_EPOCH is set.

    Raises:
        SbomError: it isn't a time.
    """
    value = environment.get(TIME_VARIABLE, "")
    if not value:
        return None
    try:
        return dt.datetime.fromtimestamp(int(value), dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SbomError(
            f"The environment variable {TIME_VARIABLE} must be a number of seconds since 1970, but"
            f" it is {value!r}. Run: unset {TIME_VARIABLE}"
        ) from error


def sha256(content: bytes) -> HashType:
    """Return a content's hash."""
    return HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(content).hexdigest())


def file_component(name: str, content: bytes, *, reference: str) -> Component:
    """Describe a file.

    Args:
        name: its path in what contains it.
        reference: unique in the document.
    """
    return Component(
        type=ComponentType.FILE, name=name, bom_ref=reference, hashes=[sha256(content)]
    )


def own_property(name: str, value: str) -> Property:
    """Make a property that no other tool defines."""
    return Property(name=f"neo4j-mcp:{name}", value=value)


def _metadata(document: Document, time: dt.datetime | None) -> BomMetaData:
    metadata = BomMetaData(
        component=document.subject,
        lifecycles=[PredefinedLifecycle(phase=document.phase)],
        timestamp=time,
    )
    metadata.tools.components.add(this_component())
    metadata.tools.components.add(
        Component(type=ComponentType.APPLICATION, name="python -m automation sbom")
    )
    if time is None:
        # The constructor replaces None by the current time, which would make every document
        # another one.
        metadata.timestamp = None  # type: ignore[assignment] # optional in the specification
    return metadata
