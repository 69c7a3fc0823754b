"""Configuration problems as a person reads them: the key, what is wrong, the command. Pure."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from components.conflicts import KeyPath
from components.examples import Example, example_at, shell_word


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem of the configuration.

    Attributes:
        key: where it is set, as `pulumi config` spells it.
        message: what is wrong; contains no configured secret.
        commands: alternatives, each of which fixes it.
    """

    key: str
    message: str
    commands: tuple[str, ...]

    def __str__(self) -> str:
        """Return the problem as a person reads it."""
        return "\n      ".join([f"{self.key}: {self.message}", *_alternatives(self.commands)])


def problem_at(project: str, path: KeyPath, message: str, *commands: str) -> Problem:
    """Return the problem of a key.

    Args:
        project: the project's name, which is the configuration's namespace.
        path: the key, as a path of configuration keys.
        message: what is wrong.
        commands: alternatives, each of which fixes it.
    """
    return Problem(key=_key(project, path), message=message, commands=commands)


def command_to_set(project: str, path: KeyPath, value: str | None = None) -> str:
    """Return the command that sets a key.

    Args:
        project: the project's name.
        path: the key; of an object or a list, the command sets the first key inside.
        value: the value; an example by default.
    """
    example = example_at(path) if value is None else Example(path, shell_word(value))
    return f"pulumi config set {_argument(project, example.path)} {example.word}"


def command_to_define_scope(project: str, scope: str) -> str:
    """Return the command that adds a scope to the stack."""
    role = command_to_set(project, ("scopes", scope, "role"), "<role>")
    description = command_to_set(project, ("scopes", scope, "description"), "<what it allows>")
    return f"{role} && {description}"


def command_to_replace(project: str, path: KeyPath) -> str:
    """Return the command that replaces a value where an object or a list is required.

    `pulumi config set --path` alone would be refused there.
    """
    return f"{command_to_remove(project, path)} && {command_to_set(project, path)}"


def command_to_remove(project: str, path: KeyPath) -> str:
    """Return the command that removes a key from the configuration."""
    return f"pulumi config rm {_argument(project, path)}"


def _alternatives(commands: Iterable[str]) -> Iterator[str]:
    for index, command in enumerate(commands):
        yield f"or {command}" if index else command


def _key(project: str, path: KeyPath) -> str:
    return f"{project}:{path[0]}{''.join(map(_step, path[1:]))}"


def _step(step: str | int) -> str:
    # Source: "Structured configuration" in Pulumi's documentation.
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[\w-]+", step) else f"[{json.dumps(step)}]"


def _argument(project: str, path: KeyPath) -> str:
    key = shlex.quote(_key(project, path))
    return key if len(path) == 1 else f"--path {key}"
