"""Event patterns: the examples of AWS's user guide, and what it refuses."""

import json
from typing import Any

import pytest

from localcloud.aws.events import patterns
from localcloud.aws.protocol import ApiError

EVENT: dict[str, Any] = {
    "source": "aws.ec2",
    "region": "us-west-2",
    "resources": ["arn:one", "arn:two"],
    "detail": {
        "state": "running",
        "count": 300,
        "ok": True,
        "nothing": None,
        "tasks": [{"name": "a", "code": 1}, {"name": "b", "code": 0}],
    },
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.ecs", "aws.ec2"]}, True),
        ({"source": ["aws.ec2"], "region": ["us-east-1"]}, False),
        ({"resources": ["arn:two"]}, True),
        ({"resources": ["arn:three"]}, False),
        ({"missing": ["x"]}, False),
        ({"detail": {"state": ["running"]}}, True),
        ({"detail": {"state": ["stopped"]}}, False),
        ({"detail": {"count": [300]}}, True),
        ({"detail": {"count": ["300"]}}, False),
        ({"detail": {"count": [300.0]}}, False),
        ({"detail": {"ok": [True]}}, True),
        ({"detail": {"ok": [1]}}, False),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"state": [None]}}, False),
        ({"detail": {"tasks": {"code": [1]}}}, True),
        # Of one object of a list, all members must match.
        ({"detail": {"tasks": {"name": ["b"], "code": [1]}}}, False),
        ({"region": [{"prefix": "us-"}]}, True),
        ({"region": [{"prefix": "eu-"}]}, False),
        ({"detail": {"count": [{"prefix": "3"}]}}, False),
        ({"detail": {"state": [{"anything-but": "stopped"}]}}, True),
        ({"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}, False),
        ({"detail": {"count": [{"anything-but": 299}]}}, True),
        ({"detail": {"missing": [{"anything-but": "x"}]}}, False),
        ({"region": [{"anything-but": {"prefix": "us-"}}]}, False),
        ({"region": [{"anything-but": {"prefix": "eu-"}}]}, True),
        ({"detail": {"state": [{"exists": True}]}}, True),
        ({"detail": {"state": [{"exists": False}]}}, False),
        ({"detail": {"missing": [{"exists": True}]}}, False),
        ({"detail": {"missing": [{"exists": False}]}}, True),
        ({"missing": {"member": [{"exists": False}]}}, True),
        # Only values are compared, not objects.
        ({"detail": [{"exists": True}]}, False),
    ],
)
def test_which_events_match(pattern: dict[str, Any], expected: bool) -> None:
    assert patterns.matches(patterns.parse(json.dumps(pattern)), EVENT) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "it isn't JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Event pattern is empty"),
        ('{"source": "aws.ec2"}', '"source" must be an object or an array'),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"detail": {}}', '"detail" must not be empty'),
        ('{"source": [["x"]]}', "Match value must be"),
        ('{"source": [{"begins": "x"}]}', "Unrecognized match type begins"),
        ('{"source": [{"prefix": "x", "exists": true}]}', "Only one key allowed"),
        ('{"source": [{"exists": "true"}]}', "exists match pattern must be"),
        ('{"source": [{"prefix": 1}]}', "prefix match pattern must be a string"),
        ('{"source": [{"anything-but": []}]}', "Value of anything-but must be"),
        ('{"source": [{"anything-but": true}]}', "Value of anything-but must be"),
    ],
)
def test_patterns_that_are_not_valid(text: str, reason: str) -> None:
    with pytest.raises(ApiError, match="Event pattern is not valid") as error:
        patterns.parse(text)
    assert reason in error.value.message
    assert error.value.code == "InvalidEventPatternException"


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ({"numeric": [">", 0]}, "numeric"),
        ({"suffix": "x"}, "suffix"),
        ({"cidr": "10.0.0.0/8"}, "cidr"),
        ({"wildcard": "*"}, "wildcard"),
        ({"equals-ignore-case": "x"}, "equals-ignore-case"),
        ({"prefix": {"equals-ignore-case": "x"}}, "prefix with equals-ignore-case"),
        ({"anything-but": {"suffix": "x"}}, "anything-but with suffix"),
    ],
)
def test_operators_that_are_not_supported_are_refused_by_name(
    condition: dict[str, Any], name: str
) -> None:
    with pytest.raises(ApiError, match=f"doesn't support {name} in a pattern"):
        patterns.parse(json.dumps({"source": [condition]}))


def test_alternatives_are_not_supported() -> None:
    with pytest.raises(ApiError, match="in a pattern"):
        patterns.parse('{"$or": [{"source": ["x"]}, {"region": ["x"]}]}')
