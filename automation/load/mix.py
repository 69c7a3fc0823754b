"""Which calls are made, and in which proportions, as a YAML file says."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from automation.errors import AutomationError
from neo4j_mcp_client import ParameterError
from neo4j_mcp_client.calls import (
    CYPHER_TOOLS,
    READ_ONLY_TOOLS,
    Call,
    Reply,
    call_tool,
    parse_rows,
    parse_schema,
)

DEFAULT: Final = Path(__file__).with_name("mix.yaml")
"""The file that is used without another one."""

_MOST: Final = 1000
_READ: Final[Mapping[str, Callable[[Reply], Any]]] = {
    "get-schema": parse_schema,
    **dict.fromkeys(CYPHER_TOOLS, parse_rows),
}


class MixError(AutomationError):
    """The file can't be read or is wrong; the message lists everything that is wrong."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(min_length=1, max_length=40)]
    tool: Literal["read-cypher", "write-cypher", "get-schema", "list-gds-procedures"]
    weight: Annotated[int, Field(ge=1, le=_MOST)] = 1
    query: Annotated[str, Field(min_length=1)] | None = None
    params: dict[str, Any] = {}
    unique: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _fits_the_tool(self) -> Self:
        runs_a_query = self.tool in CYPHER_TOOLS
        if runs_a_query and self.query is None:
            raise ValueError(f"{self.tool} needs a query")
        if not runs_a_query and (self.query is not None or self.params or self.unique):
            raise ValueError(f"{self.tool} takes no query, params or unique")
        if self.unique in self.params:
            raise ValueError(f"the parameter {self.unique} is in both params and unique")
        try:
            call_tool(self.tool, {"params": self.params})
        except (ParameterError, TypeError) as error:
            raise ValueError(str(error)) from None
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    calls: Annotated[list[_Entry], Field(min_length=1, max_length=_MOST)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [entry.name for entry in self.calls]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one call is named {', '.join(twice)}")
        return self


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of call.

    Attributes:
        name: its name in the results.
        weight: how often it is made, relative to the others.
        arguments: the tool's arguments.
        unique: the query's parameter that has a different value in each call; None if none.
    """

    name: str
    tool: str
    weight: int = 1
    arguments: Mapping[str, Any] = field(default_factory=dict)
    unique: str | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change the graph."""
        return self.tool not in READ_ONLY_TOOLS

    def call(self, identity: str) -> Call[Any]:
        """Create a call.

        Args:
            identity: the value of the parameter that differs in each call.
        """
        return call_tool(self.tool, self.arguments_of(identity), read=_READ.get(self.tool))

    def arguments_of(self, identity: str) -> Mapping[str, Any]:
        """Return the tool's arguments in one call.

        Args:
            identity: the value of the parameter that differs in each call.
        """
        if self.unique is None:
            return self.arguments
        params = {**self.arguments.get("params", {}), self.unique: identity}
        return {**self.arguments, "params": params}


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Kinds of calls with their weights."""

    entries: tuple[Entry, ...]

    @property
    def writes(self) -> bool:
        """Whether any call may change the graph."""
        return any(entry.writes for entry in self.entries)

    def order(self) -> Iterator[Entry]:
        """Return the calls in an order that keeps the proportions at all times, without end."""
        total = sum(entry.weight for entry in self.entries)
        # As nginx chooses among weighted servers: evenly, and the same in every run.
        credit = [0] * len(self.entries)
        for _ in itertools.count():
            credit = [each + entry.weight for each, entry in zip(credit, self.entries, strict=True)]
            chosen = max(range(len(credit)), key=credit.__getitem__)
            credit[chosen] -= total
            yield self.entries[chosen]


def read_mix(path: Path) -> Mix:
    """Read a file.

    Raises:
        MixError: it can't be read or is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MixError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MixError(f"{path} isn't YAML: {error}") from error
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"  {_place(each['loc'])}{each['msg']}" for each in error.errors())
        raise MixError(
            f"{path} is wrong; docs/load.md shows the format, and {DEFAULT} is an example:\n"
            f"{problems}"
        ) from None
    return Mix(entries=tuple(_entry(each) for each in file.calls))


def _entry(read: _Entry) -> Entry:
    arguments: dict[str, Any] = {}
    if read.query is not None:
        arguments["query"] = read.query
    if read.params:
        arguments["params"] = read.params
    return Entry(
        name=read.name,
        tool=read.tool,
        weight=read.weight,
        arguments=arguments,
        unique=read.unique,
    )


def _place(location: Sequence[int | str]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""
