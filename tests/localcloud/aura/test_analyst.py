import pytest

from localcloud.aura.analyst import read_plan, without_prefix
from localcloud.aura.messages import BoltError, Response
from localcloud.aura.packstream import Structure, Value


def _summary(metadata: dict[str, Value]) -> Structure:
    return Structure(Response.SUCCESS, (metadata,))


def test_every_operator_of_a_plan_is_read() -> None:
    leaf: Value = {"operatorType": "Argument@neo4j", "args": {}, "children": []}
    call: Value = {
        "operatorType": "ProcedureCall@neo4j",
        "args": {"Details": "a.b() :: ()"},
        "children": [leaf],
    }
    root: Value = {"operatorType": "Apply@neo4j", "args": {"Details": 7}, "children": [leaf, call]}
    plan = read_plan(_summary({"type": "rw", "plan": root}))
    assert plan.query_type == "rw"
    assert sorted(plan.operators) == [
        ("Apply@neo4j", "7"),
        ("Argument@neo4j", ""),
        ("Argument@neo4j", ""),
        ("ProcedureCall@neo4j", "a.b() :: ()"),
    ]


@pytest.mark.parametrize("metadata", [{}, {"type": "r"}, {"plan": {}}, {"plan": 1, "type": "r"}])
def test_without_a_plan_nothing_is_allowed(metadata: dict[str, Value]) -> None:
    with pytest.raises(BoltError) as caught:
        read_plan(_summary(metadata))
    assert caught.value.code == "Neo.ClientError.Security.Forbidden"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            'Invalid (line 1, column 16 (offset: 15))\n"EXPLAIN MATCH (n"\n                ^',
            'Invalid (line 1, column 8 (offset: 7))\n"MATCH (n"\n        ^',
        ),
        (
            'Invalid (line 2, column 3 (offset: 20))\n"EXPLAIN MATCH\n  x"\n   ^',
            'Invalid (line 2, column 3 (offset: 12))\n"MATCH\n  x"\n   ^',
        ),
        ("No position", "No position"),
    ],
)
def test_failures_read_as_the_query_s_own(message: str, expected: str) -> None:
    assert without_prefix(message) == expected
