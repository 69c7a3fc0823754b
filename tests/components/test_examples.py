import itertools
import json
import re
import shlex
from typing import Any

import pytest

from components.examples import example_at
from components.hosting.definitions import HOST_KEYS
from components.settings import Hosting
from tests.components.model_rules import BASE, FARGATE_BASE, configuration_keys
from tests.components.parsing import parse

# What a person fills in.
_PLACEHOLDERS = {"<instance>": "0123abcd", "<account>": "123456789012", "<id>": "0123abcd"}


def _steps(path: str) -> tuple[str | int, ...]:
    names = {
        "clients": "agent",
        "scopes": "reader",
        "subscriptions": "oncall",
        "tags": "Team",
        "thresholds": "high-latency",
    }
    found: list[str | int] = []
    for step in path.replace("[]", ".0").split("."):
        name = names.get(str(found[-1]), "") if step == "*" else step
        found.append(0 if name == "0" else name)
    return tuple(found)


@pytest.mark.parametrize(
    "path",
    # An object's own key is removed where it is wrong, so none has an example.
    [key.path for key in configuration_keys() if not key.path.endswith("{}")],
)
def test_every_key_has_an_example_that_is_legal(path: str) -> None:
    example = example_at(_steps(path))

    assert example.path[: len(_steps(path))] == _steps(path)
    if example.word.startswith('"$('):
        assert path == "trustedCertificates"
        return
    (value,) = shlex.split(example.word)
    for placeholder, text in _PLACEHOLDERS.items():
        value = value.replace(placeholder, text)
    value = re.sub(r"<[a-z]+>", "x", value)
    parse(_with_value(example.path, value))


@pytest.mark.parametrize(
    "key", [key for key in HOST_KEYS if Hosting.APP_RUNNER not in HOST_KEYS[key]]
)
def test_a_key_of_another_host_has_an_example_that_is_legal(key: str) -> None:
    minimum = {name: BASE[name] for name in ("neo4jUri", "clients", "scopes")}
    host = HOST_KEYS[key][0]
    base = FARGATE_BASE if host is Hosting.FARGATE else {**minimum, "hosting": host.value}
    example = example_at((key,))
    (value,) = shlex.split(example.word)

    parse(_with_value(example.path, value.replace("<id>", "0123abcd"), base))


def _with_value(
    path: tuple[str | int, ...], value: str, base: dict[str, Any] = BASE
) -> dict[str, Any]:
    changed = json.loads(json.dumps(base))
    if path[0] == "cognitoDomainPrefix":
        del changed["customDomain"]
    if path[0] == "edge":
        del changed["edgeDomain"]
    at = changed
    for step, following in itertools.pairwise(path):
        empty: Any = [None] if isinstance(following, int) else {}
        at = at[step] if isinstance(step, int) else at.setdefault(step, empty)
    at[path[-1]] = value
    return dict(changed)


def test_an_example_of_an_object_is_its_first_key() -> None:
    assert example_at(("clients",)) == (("clients", "agent", "scopes", 0), "reader")
    assert example_at(("clients", "mine")) == (("clients", "mine", "scopes", 0), "reader")
    assert example_at(("scopes", "mine")) == (("scopes", "mine", "role"), "reader")
    assert example_at(("vpcConnector",)) == (("vpcConnector", "subnetIds", 0), "'subnet-<id>'")


def test_an_example_is_quoted_for_the_shell_unless_the_shell_expands_it() -> None:
    assert example_at(("neo4jUri",)).word == "'neo4j+s://<instance>.databases.neo4j.io'"
    assert example_at(("trustedCertificates",)).word == '"$(cat <file>.pem)"'
    assert example_at(("readOnly",)).word == "false"
