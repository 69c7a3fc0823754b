"""Reads documents in tests, and validates them with CycloneDX's own schema."""

import json
from typing import Any

from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

from automation.sbom.documents import Document, render
from automation.sbom.subjects import SpecVersion

# In the order of the versions: the last one is the default.
_VALIDATORS = {
    version: make_schemabased_validator(OutputFormat.JSON, SchemaVersion.from_version(version))
    for version in SpecVersion
}


def validated(document: Document) -> dict[str, Any]:
    """Render a document, and return its content if it is valid in every version."""
    content: dict[str, Any] = {}
    for version, validator in _VALIDATORS.items():
        rendered = render(document, None, version)
        problem = validator.validate_str(rendered)
        assert problem is None, problem
        content = json.loads(rendered)
        assert content["specVersion"] == version
    references = [each["bom-ref"] for each in _components(content)]
    assert len(references) == len(set(references)), "a reference isn't unique"
    # The schema can't see whether a dependency leads to a component.
    for dependency in content["dependencies"]:
        assert {dependency["ref"], *dependency.get("dependsOn", ())} <= set(references)
    return content


def components(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a document's components by name."""
    return {each["name"]: each for each in content["components"]}


def requirements(content: dict[str, Any], reference: str) -> set[str]:
    """Return what a component requires, by references."""
    (found,) = (each for each in content["dependencies"] if each["ref"] == reference)
    return set(found.get("dependsOn", ()))


def properties(component: dict[str, Any]) -> dict[str, str]:
    """Return a component's properties."""
    return {each["name"]: each["value"] for each in component.get("properties", ())}


def _components(content: dict[str, Any]) -> list[dict[str, Any]]:
    top = [content["metadata"]["component"], *content["components"]]
    return [*top, *(inner for each in top for inner in each.get("components", ()))]
