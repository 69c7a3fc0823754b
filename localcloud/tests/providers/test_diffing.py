import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.providers.diffing import Change, diff, same
from localcloud.providers.schema import Kind, Properties, Property
from localcloud.providers.values import UNKNOWN, Archive, Asset, Value, Values

_PROPERTIES: Properties = {
    "name": Property(force_new=True),
    "size": Property(kind=Kind.INTEGER, default=3),
    "open": Property(kind=Kind.BOOLEAN),
    "tier": Property(computed=True),
    "flows": Property(kind=Kind.SET, items=Property(), computed=True, empty_is_set=True),
    "password": Property(inert=True),
    "policy": Property(kind=Kind.JSON),
    "code": Property(kind=Kind.ASSET),
    "tags": Property(kind=Kind.MAP, items=Property()),
    "scopes": Property(kind=Kind.SET, items=Property()),
    "ports": Property(kind=Kind.LIST, items=Property(kind=Kind.INTEGER)),
    "units": Property(
        kind=Kind.OBJECT,
        properties={"access": Property(default="hours"), "id": Property(computed=True)},
    ),
    "origin": Property(kind=Kind.OBJECT, force_new=True, properties={"path": Property()}),
    "arn": Property(output=True),
}


def _changes(olds: Values, news: Values) -> list[tuple[str, str, bool]]:
    return [(each.path, each.change.value, each.replace) for each in diff(_PROPERTIES, olds, news)]


@pytest.mark.parametrize(
    ("olds", "news", "changes"),
    [
        ({"name": "a"}, {"name": "b"}, [("name", "update", True)]),
        ({"name": "a"}, {"name": UNKNOWN}, [("name", "update", True)]),
        ({}, {"name": "a"}, [("name", "add", True)]),
        ({"size": 3}, {"size": 4}, [("size", "update", False)]),
        ({}, {"size": 3}, []),
        ({}, {"size": 4}, [("size", "add", False)]),
        ({"open": True}, {}, [("open", "delete", False)]),
        ({"open": False}, {}, []),
        ({}, {"open": False}, []),
        ({"tier": "LITE"}, {}, []),
        ({"tier": "LITE"}, {"tier": "PLUS"}, [("tier", "update", False)]),
        ({"flows": ["code"]}, {}, []),
        ({"flows": ["code"]}, {"flows": []}, [("flows", "delete", False)]),
        ({"flows": []}, {"flows": []}, []),
        ({}, {"flows": []}, []),
        ({"password": "a"}, {"password": "b"}, []),
        ({"policy": '{"a": 1, "b": 2}'}, {"policy": '{"b":2,"a":1}'}, []),
        ({"policy": '{"a": 1}'}, {"policy": '{"a": 2}'}, [("policy", "update", False)]),
        ({"tags": {}}, {}, []),
        (
            {"tags": {"a": "1", "b": "2", "x.y": "3"}},
            {"tags": {"a": "1", "b": "3", "c": "4"}},
            [
                ("tags.b", "update", False),
                ("tags.c", "add", False),
                ('tags["x.y"]', "delete", False),
            ],
        ),
        ({"tags": {"a": "1"}}, {}, [("tags", "delete", False)]),
        ({"scopes": ["a", "b"]}, {"scopes": ["b", "a"]}, []),
        ({"scopes": ["a", "a"]}, {"scopes": ["a", "b"]}, [("scopes", "update", False)]),
        ({"ports": [1, 2]}, {"ports": [2, 1]}, [("ports", "update", False)]),
        ({"units": {"access": "hours", "id": "days"}}, {"units": {"access": "hours"}}, []),
        (
            {"units": {"access": "hours"}},
            {"units": {"access": "minutes"}},
            [("units.access", "update", False)],
        ),
        ({"origin": {"path": "a"}}, {"origin": {"path": "b"}}, [("origin.path", "update", True)]),
        ({"origin": {"path": ""}}, {}, []),
        ({"origin": {"path": "a"}}, {}, [("origin", "delete", True)]),
        ({"arn": "a"}, {}, []),
    ],
)
def test_differences(olds: Values, news: Values, changes: list[tuple[str, str, bool]]) -> None:
    assert _changes(olds, news) == changes


def test_an_archive_changes_only_with_its_content() -> None:
    old = Archive(path="/old/lambda", hash="1")
    assert _changes({"code": old}, {"code": Archive(path="/new/lambda", hash="1")}) == []
    assert _changes({"code": old}, {"code": Archive(path="/old/lambda", hash="2")}) == [
        ("code", "update", False)
    ]
    assert _changes({"code": old}, {"code": Asset(path="/old/lambda", hash="1")}) != []


def test_the_top_level_property_of_a_path() -> None:
    olds: Values = {"units": {"access": "hours"}, "tags": {"x.y": "1"}}
    news: Values = {"units": {"access": "days"}, "tags": {"x.y": "2"}}
    assert [each.top_level for each in diff(_PROPERTIES, olds, news)] == ["tags", "units"]


_TEXT = st.text(max_size=4)
_STATES = st.fixed_dictionaries(
    {},
    optional={
        "name": _TEXT,
        "size": st.integers(),
        "open": st.booleans(),
        "tier": _TEXT,
        "tags": st.dictionaries(_TEXT, _TEXT, max_size=3),
        "scopes": st.lists(_TEXT, max_size=3),
        "units": st.fixed_dictionaries({}, optional={"access": _TEXT, "id": _TEXT}),
    },
)


@given(_STATES)
def test_nothing_differs_from_itself(state: dict[str, Value]) -> None:
    assert diff(_PROPERTIES, state, state) == []


@given(_STATES, _STATES)
def test_the_comparison_of_sets_is_symmetric(old: dict[str, Value], new: dict[str, Value]) -> None:
    scopes = _PROPERTIES["scopes"]
    assert same(scopes, old.get("scopes"), new.get("scopes")) == same(
        scopes, new.get("scopes"), old.get("scopes")
    )


@given(_STATES, _STATES)
def test_every_change_is_listed_once(old: dict[str, Value], new: dict[str, Value]) -> None:
    paths = [each.path for each in diff(_PROPERTIES, old, new)]
    assert len(paths) == len(set(paths))
    assert all(each.change in Change for each in diff(_PROPERTIES, old, new))
