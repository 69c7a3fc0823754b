"""Remembers the tools of servers, for when a server can't be reached."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Self

import mcp_types as types

from neo4j_mcp_client import private_files
from neo4j_mcp_client.errors import ConfigurationError

_RELEASE = "release.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Catalogue:
    """What a server offers.

    Attributes:
        instructions: what an agent reads at the start of a session.
        tools: the tools, as MCP describes them.
    """

    instructions: str
    tools: tuple[Mapping[str, Any], ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse what `to_json` wrote.

        Raises:
            ValueError: the text isn't a catalogue.
        """
        try:
            document = json.loads(text)
            types.ListToolsResult.model_validate({"tools": document["tools"]})
            return cls(instructions=str(document["instructions"]), tools=tuple(document["tools"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError("it isn't a catalogue") from None

    def to_json(self) -> str:
        """Return the catalogue as JSON."""
        return json.dumps(
            {"instructions": self.instructions, "tools": list(self.tools)}, ensure_ascii=False
        )


def release_catalogue() -> Catalogue:
    """Return the catalogue of the server's release that the stack deploys by default."""
    text = resources.files(__package__).joinpath(_RELEASE).read_text(encoding="utf-8")
    return Catalogue.from_json(text)


class KnownServers:
    """The catalogues of known servers, each in a private file. They contain no secrets.

    A server has several names: its URL and the ARN of a client's secret. Without access to AWS, a
    profile may know only the ARN.
    """

    def __init__(self, folder: Path) -> None:
        """Set the folder, which is created with the first catalogue."""
        self._folder = folder

    def recall(self, names: Iterable[str]) -> Catalogue | None:
        """Return the last known catalogue of a server.

        Returns:
            The catalogue, or None if the server is unknown or its file is unusable.
        """
        for path in self._files(names):
            try:
                text = private_files.read(path)
                if text is not None:
                    return Catalogue.from_json(text)
            except (ConfigurationError, ValueError) as error:
                _log.warning("The saved tools in %s can't be used: %s", path, error)
        return None

    def remember(self, names: Iterable[str], catalogue: Catalogue) -> None:
        """Save a server's catalogue; only log a failure, since the server itself works."""
        try:
            for path in self._files(names):
                private_files.replace(path, catalogue.to_json())
        except ConfigurationError as error:
            _log.warning("The tools can't be saved: %s", error)

    def _files(self, names: Iterable[str]) -> list[Path]:
        return [self._folder / f"{sha256(name.encode()).hexdigest()}.json" for name in names]
