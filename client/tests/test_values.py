"""Values that are lost between Python and Cypher, and empty maps."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.tests.site import Site, rows
from neo4j_mcp_client import Neo4jMcp, ParameterError
from neo4j_mcp_client.values import LostValueWarning, check_parameters, lost_values

Call = Callable[..., Any]

NODE = {"Id": 0, "ElementId": "4:x:0", "Labels": ["Person"], "Props": {"name": "Bo"}}


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"born": {}}, "born"),
        ({"days": ["x", {}]}, "days"),
        ({"person": {"born": {}, "name": "Bo"}}, "person.born"),
    ],
)
def test_an_empty_map_may_be_a_lost_value(row: dict[str, Any], path: str) -> None:
    notice = lost_values([{"n": 1}, row])
    assert notice is not None
    assert notice.startswith(f"`{path}` may have lost")
    assert "an empty map, or" in notice
    assert "toString(value)" in notice


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"p": NODE | {"Props": {"born": {}}}}, "p.born"),
        ({"p": NODE | {"Props": {"days": [{}]}}}, "p.days"),
        ({"path": {"Nodes": [NODE | {"Props": {"born": {}}}], "Relationships": []}}, "born"),
        ({"t": {"Message": "utcDateTimeNamedZone", "Err": {}}}, "t"),
    ],
)
def test_a_property_that_is_an_empty_map_is_lost(row: dict[str, Any], path: str) -> None:
    notice = lost_values([row])
    assert notice is not None
    assert notice.startswith("The server lost the values of")
    assert f"{path}`" in notice
    assert "may have" not in notice


@pytest.mark.parametrize(
    "value",
    [
        None,
        "{}",
        [],
        {"a": 1},
        NODE | {"Props": {}},
        {"Nodes": [NODE], "Relationships": [NODE | {"Props": {}}]},
        {"Months": 14, "Days": 3, "Seconds": 14706, "Nanos": 0},
        {"X": 1, "Y": 2, "SpatialRefId": 7203},
        {"Message": "an own map", "Err": {"code": 1}, "other": 1},
    ],
)
def test_other_values_are_not_lost(value: Any) -> None:  # noqa: ANN401 - any JSON
    assert lost_values([{"v": value}]) is None


@pytest.mark.parametrize("value", [None, "text", {"v": {}}, [{}], 1])
def test_values_that_arent_rows_lose_nothing(value: Any) -> None:  # noqa: ANN401 - any JSON
    assert lost_values(value) is None


def test_many_columns_are_not_all_named() -> None:
    notice = lost_values([{f"c{number}": {} for number in range(30)}])
    assert notice is not None
    assert "`c4` and 25 more" in notice


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (2**63, "n"),
        (-(2**63) - 1, "n"),
        (float("inf"), "n"),
        (float("nan"), "n"),
        ("\ud800", "n"),
        ([1, {"deep": [2**70]}], r"n\[1\].deep\[0\]"),
    ],
)
def test_values_that_would_arrive_changed_are_rejected(value: Any, path: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(ParameterError, match=rf"{path} .*\. Pass"):
        check_parameters(value, "n")
    assert issubclass(ParameterError, ValueError)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_all_else_is_sent(value: Any) -> None:  # noqa: ANN401 - any JSON
    check_parameters(value, "n")


def test_a_refused_parameter_is_not_sent(call: Call, server: Site) -> None:
    with pytest.raises(ParameterError, match=r"params\.big exceeds the 64 bits"):
        call("write", "RETURN $big", {"big": 2**63})
    with pytest.raises(ParameterError, match=r"params\.n is nan"):
        call("call", "read-cypher", {"query": "RETURN $n", "params": {"n": float("nan")}})
    assert server.requests == []


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_result_that_lost_values_comes_with_a_warning(
    call: Call, server: Site, method: str
) -> None:
    server.answer = lambda _: rows({"born": {}})
    with pytest.warns(LostValueWarning, match="`born` may have lost"):
        assert call(method, "RETURN date() AS born") == [{"born": {}}]
    with pytest.warns(LostValueWarning, match="`born` may have lost"):
        call("call", f"{method}-cypher", {"query": "RETURN date() AS born"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call("call", "some-tool")


def test_the_warning_points_at_the_caller(server: Site, tokens: Any) -> None:  # noqa: ANN401 - a fixture
    server.answer = lambda _: rows({"born": {}})
    with (
        Neo4jMcp(server.url, tokens) as neo4j,
        pytest.warns(LostValueWarning) as caught,
    ):
        neo4j.read("RETURN date() AS born")
    assert caught[0].filename == __file__
