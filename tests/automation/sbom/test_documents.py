import datetime as dt
import json
from pathlib import Path

import pytest
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.lifecycle import LifecyclePhase

from automation.sbom.documents import Document, document_time, render
from automation.sbom.errors import SbomError
from automation.sbom.files import write
from automation.sbom.labels import read_labels

TIME = dt.datetime(2026, 11, 27, 10, 11, 12, tzinfo=dt.UTC)


def document(*names: str) -> Document:
    subject = Component(type=ComponentType.APPLICATION, name="subject", bom_ref="subject")
    components = tuple(
        Component(type=ComponentType.LIBRARY, name=name, bom_ref=name) for name in names
    )
    return Document(
        subject=subject,
        components=components,
        requires={subject: components},
        phase=LifecyclePhase.BUILD,
    )


def test_the_same_content_is_the_same_bytes_in_any_order() -> None:
    assert render(document("a", "b", "c"), None) == render(document("c", "a", "b"), None)


def test_other_content_has_another_serial_number() -> None:
    serials = {json.loads(render(document(*names), None))["serialNumber"] for names in ("a", "b")}

    assert len(serials) == 2


def test_a_time_is_in_the_document_only_if_it_is_set() -> None:
    assert json.loads(render(document(), TIME))["metadata"]["timestamp"].startswith("2026-11-27T10")
    assert "timestamp" not in json.loads(render(document(), None))["metadata"]


def test_the_time_is_that_of_reproducible_builds() -> None:
    assert document_time({"SOURCE_DATE_EPOCH": "1795774272"}) == TIME
    assert document_time({"SOURCE_DATE_EPOCH": ""}) is None
    assert document_time({}) is None


@pytest.mark.parametrize("value", ["yesterday", "1e9", "9" * 30])
def test_a_time_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SbomError, match=r"SOURCE_DATE_EPOCH must be .*unset SOURCE_DATE_EPOCH"):
        document_time({"SOURCE_DATE_EPOCH": value})


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "sbom"
    write(document("a", "b"), folder, "server", None)
    written = write(document("a"), folder, "server", None)

    assert written.path == folder / "server.cdx.json"
    assert written.components == 1
    assert written.path.read_text(encoding="utf-8") == render(document("a"), None)
    assert list(folder.iterdir()) == [written.path]


def test_labels_are_read_as_docker_sets_them() -> None:
    dockerfile = (
        'FROM scratch\nARG VERSION\nLABEL title="a b" \\\n      version="${VERSION}"\nUSER 1\n'
    )

    assert read_labels(dockerfile, {"VERSION": "1.6.1"}) == {"title": "a b", "version": "1.6.1"}
