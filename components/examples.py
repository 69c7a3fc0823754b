"""An example of every configuration value, for the commands in error messages. Pure."""

import functools
import shlex
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from components.conflicts import KeyPath
from components.hosting.definitions import DEFINITIONS
from components.settings import NEXT_HOST, CommonSettings, ShellWord


class Example(NamedTuple):
    """A value that a key can be set to.

    Attributes:
        path: the key; of an object or a list, the first key inside.
        word: the value, quoted for a shell.
    """

    path: KeyPath
    word: str


def example_at(path: KeyPath) -> Example:
    """Return an example for a key; for an object or a list, for the first key inside it."""
    value = _stack_example()
    for step in path:
        # An object with keys of its user's choice has one entry here, which serves for all.
        entries = _entries(value)
        value = entries[step] if step in entries else next(iter(entries.values()))
    while entries := _entries(value):
        step, value = next(iter(entries.items()))
        path = (*path, step)
    return Example(path, shell_word(value))


def shell_word(value: object) -> str:
    """Return a value as one word of a shell command."""
    if isinstance(value, ShellWord):
        return str(value)
    return shlex.quote(str(value).lower() if isinstance(value, bool) else str(value))


@functools.cache
def _stack_example() -> Any:  # noqa: ANN401  any JSON
    hosts = [_model_example(definition.settings) for definition in DEFINITIONS.values()]
    # Of a key that several hosts have, the first host's.
    host_keys = {key: value for each in reversed(hosts) for key, value in each.items()}
    common = _model_example(CommonSettings)
    return {**common, NEXT_HOST: {**common[NEXT_HOST], **host_keys}, **host_keys}


def _model_example(model: type[BaseModel]) -> dict[str, Any]:
    return {
        field.alias or name: _field_example(field) for name, field in model.model_fields.items()
    }


def _field_example(field: FieldInfo) -> Any:  # noqa: ANN401  any JSON
    if field.examples:
        example = field.examples[0]
    else:
        default = field.get_default(call_default_factory=True, validated_data={})
        example = to_jsonable_python(default, by_alias=True)
    model = _model_of(field.annotation)
    if model is None:
        return example
    if get_origin(field.annotation) is dict:
        return {key: {**_model_example(model), **entry} for key, entry in example.items()}
    return _model_example(model)


def _model_of(annotation: object) -> type[BaseModel] | None:
    """Return the model in an annotation such as X, X | None or dict[str, X]."""
    kinds = (annotation, *get_args(annotation))
    return next(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None
    )


def _entries(value: object) -> dict[Any, Any]:
    match value:
        case dict():
            return value
        case list():
            return dict(enumerate(value))
    return {}
