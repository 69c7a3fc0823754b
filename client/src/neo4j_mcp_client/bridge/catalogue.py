"""What a server offers, as it was last seen, for the times when it can't be asked."""

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
    """A server's own description.

    Attributes:
        instructions: what the server tells an agent when a session begins.
        tools: its tools, as MCP describes them.
    """

    instructions: str
    tools: tuple[Mapping[str, Any], ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a description.

        Raises:
            ValueError: the text is no description.
        """
        try:
            document = json.loads(text)
            types.ListToolsResult.model_validate({"tools": document["tools"]})
            return cls(instructions=str(document["instructions"]), tools=tuple(document["tools"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError("it is no description of a server") from None

    def to_json(self) -> str:
        """Write the description as `from_json` reads it."""
        return json.dumps(
            {"instructions": self.instructions, "tools": list(self.tools)}, ensure_ascii=False
        )


def release_catalogue() -> Catalogue:
    """Return what the release of the server offers that the stack deploys by default."""
    text = resources.files(__package__).joinpath(_RELEASE).read_text(encoding="utf-8")
    return Catalogue.from_json(text)


class KnownServers:
    """The servers that this person has seen, in a private file each. Nothing in them is secret.

    A server has several names, such as its URL and the ARN of a client's secret: without AWS, a
    profile may know only the latter.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is created when there is something to keep."""
        self._folder = folder

    def recall(self, names: Iterable[str]) -> Catalogue | None:
        """Return what a server offered when it was last seen.

        Returns:
            The description, or None if the server isn't known, or its file can't be used.
        """
        for path in self._files(names):
            try:
                text = private_files.read(path)
                if text is not None:
                    return Catalogue.from_json(text)
            except (ConfigurationError, ValueError) as error:
                _log.warning("The known tools in %s can't be used: %s", path, error)
        return None

    def remember(self, names: Iterable[str], catalogue: Catalogue) -> None:
        """Keep what a server offers; a failure is logged, since the server itself answers."""
        try:
            for path in self._files(names):
                private_files.replace(path, catalogue.to_json())
        except ConfigurationError as error:
            _log.warning("The tools aren't kept for later: %s", error)

    def _files(self, names: Iterable[str]) -> list[Path]:
        return [self._folder / f"{sha256(name.encode()).hexdigest()}.json" for name in names]
