"""Recordings: what a probe observed, as a JSON file that names no account and has no secret."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from automation.errors import AutomationError
from automation.probes.observations import Observation

AWS: Final = "aws"
STAND_IN: Final = "stand-in"
COMMITTED: Final = Path("tests/fixtures/aws")
"""Where the recordings made on AWS are kept, relative to the repository."""

_AWS_DOMAINS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


class RecordingError(AutomationError):
    """A file isn't a recording of a probe."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a probe observed once.

    Attributes:
        probe: its key.
        question: its question.
        recorded_at: the day.
        region: the AWS region.
        source: `aws`, or `stand-in` if any endpoint wasn't one of AWS's.
        versions: of the SDKs that made the calls.
        observation: what is compared.
        messages: what AWS said, which nothing is compared with.
    """

    probe: str
    question: str
    recorded_at: dt.date
    region: str
    source: str
    versions: Mapping[str, str]
    observation: Observation
    messages: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the content of the file."""
        document = {
            "probe": self.probe,
            "question": self.question,
            "recordedAt": self.recorded_at.isoformat(),
            "region": self.region,
            "source": self.source,
            "versions": dict(self.versions),
            "observation": dict(self.observation),
            "messages": list(self.messages),
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def parse(cls, text: str, where: Path) -> Self:
        """Read the content of a file.

        Raises:
            RecordingError: it isn't a recording.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(
                probe=found["probe"],
                question=found["question"],
                recorded_at=dt.date.fromisoformat(found["recordedAt"]),
                region=found["region"],
                source=found["source"],
                versions=found["versions"],
                observation=found["observation"],
                messages=tuple(found["messages"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise RecordingError(
                f"{where} isn't a recording of a probe ({type(error).__name__}: {error})."
                " To make one, run: python -m automation probe --stack STACK"
            ) from error


def source_of(endpoints: list[str]) -> str:
    """Return `aws` if every endpoint is one of AWS's own, otherwise `stand-in`."""
    hosts = [urlsplit(each).hostname or "" for each in endpoints]
    return AWS if hosts and all(each.endswith(_AWS_DOMAINS) for each in hosts) else STAND_IN


def save(recording: Recording, folder: Path) -> Path:
    """Write a recording, and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recording.probe}.json"
    path.write_text(recording.text(), encoding="utf-8")
    return path


def committed(repository: Path) -> dict[str, Recording]:
    """Read the recordings made on AWS that the repository has, by the probes' keys.

    Raises:
        RecordingError: a file isn't a recording made on AWS, or has another probe's name.
    """
    found = {}
    for path in sorted((repository / COMMITTED).glob("*.json")):
        recording = Recording.parse(path.read_text(encoding="utf-8"), path)
        if recording.source != AWS or recording.probe != path.stem:
            raise RecordingError(
                f"{path} has the probe {recording.probe} and the source {recording.source};"
                f" expected are {path.stem} and {AWS}"
            )
        found[recording.probe] = recording
    return found
