from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.providers.checking import check
from localcloud.providers.schema import Kind, Properties, Property, unsupported
from localcloud.providers.values import UNKNOWN, Archive, Value

_STRING = Property()
_PROPERTIES: Properties = {
    "name": Property(required=True),
    "size": Property(kind=Kind.INTEGER, default=3),
    "open": Property(kind=Kind.BOOLEAN),
    "policy": Property(kind=Kind.JSON),
    "code": Property(kind=Kind.ASSET),
    "tags": Property(kind=Kind.MAP, items=_STRING),
    "rules": Property(
        kind=Kind.LIST,
        items=Property(
            kind=Kind.OBJECT,
            properties={"port": Property(kind=Kind.INTEGER, required=True), **unsupported("icmp")},
        ),
    ),
    "arn": Property(output=True),
    **unsupported("namePrefix"),
}


def _reasons(inputs: dict[str, Value]) -> dict[str, str]:
    return {each.property: each.reason for each in check(_PROPERTIES, inputs)[1]}


def test_defaults_are_filled_in() -> None:
    assert check(_PROPERTIES, {"name": "n"}) == ({"name": "n", "size": 3}, [])


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    reasons = _reasons(
        {
            "size": "three",
            "nmae": "n",
            "namePrefix": "n-",
            "arn": "arn:…",
            "policy": "{",
            "tags": {"a": ["b"]},
            "rules": [{"port": 1}, {"port": "x", "icmp": True}, {}],
        }
    )
    assert set(reasons) == {
        "name",
        "size",
        "nmae",
        "namePrefix",
        "arn",
        "policy",
        "tags.a",
        "rules[1].port",
        "rules[1].icmp",
        "rules[2].port",
    }
    assert reasons["nmae"] == "there is no input named nmae"
    assert reasons["namePrefix"].startswith("Unsupported")
    assert reasons["rules[1].icmp"].startswith("Unsupported")
    assert reasons["name"] == "name is required"


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_unsupported_property_without_a_value_is_dropped(value: Value) -> None:
    assert check(_PROPERTIES, {"name": "n", "namePrefix": value}) == check(
        _PROPERTIES, {"name": "n"}
    )


def test_an_unsupported_property_set_to_false_is_rejected() -> None:
    assert "namePrefix" in _reasons({"name": "n", "namePrefix": False})


@pytest.mark.parametrize(
    ("name", "given_value", "taken"),
    [
        ("name", 1, "1"),
        ("name", True, "true"),
        ("size", "12", 12),
        ("size", "-1", -1),
        ("open", "true", True),
        ("policy", {"Version": "2012-10-17"}, '{"Version": "2012-10-17"}'),
    ],
)
def test_values_are_converted_like_in_bridged_providers(
    name: str, given_value: Value, taken: Value
) -> None:
    checked, failures = check(_PROPERTIES, {"name": "n", name: given_value})
    assert (checked[name], failures) == (taken, [])


def test_unknowns_are_accepted_everywhere() -> None:
    inputs: dict[str, Value] = {
        "name": UNKNOWN,
        "size": UNKNOWN,
        "tags": {"a": UNKNOWN},
        "rules": [{"port": UNKNOWN}, UNKNOWN],
        "code": Archive(path="x"),
    }
    assert check(_PROPERTIES, inputs) == (inputs, [])


@given(
    st.dictionaries(
        st.sampled_from(sorted(_PROPERTIES)),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
            lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
            max_leaves=5,
        ),
    )
)
def test_checked_inputs_pass_again_unchanged(inputs: dict[str, Any]) -> None:
    checked, failures = check(_PROPERTIES, inputs)
    if not failures:
        assert check(_PROPERTIES, checked) == (checked, [])
