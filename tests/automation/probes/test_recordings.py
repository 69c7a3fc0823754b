import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from automation.probes.recordings import (
    AWS,
    COMMITTED,
    STAND_IN,
    Recording,
    RecordingError,
    committed,
    save,
    source_of,
)
from automation.probes.registry import PROBES
from tests.repository import ROOT

_RECORDING = Recording(
    probe="example",
    question="Is it so?",
    recorded_at=dt.date(2026, 1, 2),
    region="eu-west-1",
    source=AWS,
    versions={"boto3": "1"},
    observation={"answer": "yes", "labels": ["a"], "none": None},
    messages=("It is.",),
)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = save(_RECORDING, tmp_path / COMMITTED)
    assert path.name == "example.json"
    assert committed(tmp_path) == {"example": _RECORDING}


@pytest.mark.parametrize("content", ["{", "[]", '{"probe": "example"}'])
def test_another_file_is_refused_with_the_command(content: str) -> None:
    with pytest.raises(RecordingError, match="automation probe"):
        Recording.parse(content, Path("example.json"))


@pytest.mark.parametrize("changes", [{"source": STAND_IN}, {"probe": "other"}])
def test_only_recordings_of_aws_are_kept(tmp_path: Path, changes: dict[str, str]) -> None:
    folder = tmp_path / COMMITTED
    folder.mkdir(parents=True)
    changed = dataclasses.replace(_RECORDING, **changes)  # type: ignore[arg-type] # both are texts
    (folder / "example.json").write_text(changed.text(), encoding="utf-8")
    with pytest.raises(RecordingError, match=r"example\.json"):
        committed(tmp_path)


@pytest.mark.parametrize(
    ("endpoints", "source"),
    [
        (["https://sts.us-east-1.amazonaws.com"], AWS),
        (["https://sts.us-east-1.amazonaws.com", "https://lambda.eu-west-1.api.aws"], AWS),
        (["https://sts.cn-north-1.amazonaws.com.cn"], AWS),
        (["http://localhost:4566"], STAND_IN),
        (["https://sts.us-east-1.amazonaws.com", "http://localhost:4566"], STAND_IN),
        (["https://amazonaws.com.example.com"], STAND_IN),
        (["https://notamazonaws.com"], STAND_IN),
        ([], STAND_IN),
    ],
)
def test_only_endpoints_of_aws_are_aws(endpoints: list[str], source: str) -> None:
    assert source_of(endpoints) == source


def test_the_committed_recordings_are_of_probes() -> None:
    for key, recording in committed(ROOT).items():
        assert recording.observation.keys() == PROBES[key].documented.keys(), key
