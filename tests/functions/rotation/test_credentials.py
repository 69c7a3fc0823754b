import json
import re
from typing import Any

import pytest

from functions.rotation.credentials import (
    Addresses,
    Credentials,
    RotationError,
    generate_client_secret,
)

_VALUE: dict[str, Any] = {
    "clientId": "1example23456789",
    "clientSecret": "hunter2hunter2hunter2hunter2",
    "tokenUrl": "https://token.example/oauth2/token",
    "scopes": ["neo4j-mcp/reader"],
    "mcpUrl": "https://mcp.example/mcp",
}


def test_a_value_is_written_as_callers_have_always_read_it() -> None:
    text = json.dumps(_VALUE)

    assert Credentials.parse(text).dump() == text


@pytest.mark.parametrize(
    "value",
    [
        *({name: each for name, each in _VALUE.items() if name != missing} for missing in _VALUE),
        _VALUE | {"clientSecret": None},
        _VALUE | {"clientSecret": ""},
        _VALUE | {"clientSecret": 1},
        _VALUE | {"scopes": None},
        [_VALUE],
        "hunter2hunter2hunter2hunter2",
        None,
    ],
)
def test_another_value_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(RotationError, match="isn't a client's credentials") as refused:
        Credentials.parse(json.dumps(value))

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_client_secret_is_in_no_representation() -> None:
    assert "hunter2" not in repr(Credentials.parse(json.dumps(_VALUE)))


@pytest.mark.parametrize("missing", ["clientId", "tokenUrl", "mcpUrl", "scopes"])
def test_addresses_need_every_field(missing: str) -> None:
    with pytest.raises(RotationError, match=missing):
        Addresses.parse({name: each for name, each in _VALUE.items() if name != missing})


def test_a_generated_client_secret_is_one_that_cognito_accepts() -> None:
    generated = {generate_client_secret() for _ in range(100)}

    assert len(generated) == 100
    assert all(re.fullmatch(r"[\w+]{24,64}", each) for each in generated)
