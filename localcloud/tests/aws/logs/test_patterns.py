"""Filter patterns: the examples of the CloudWatch Logs User Guide, and what AWS refuses."""

import pytest

from localcloud.aws.logs.matching import PatternError
from localcloud.aws.logs.patterns import parse_pattern

ERRORS = (
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
)
TRAIL = """{
  "eventType": "UpdateTrail",
  "sourceIPAddress": "111.111.111.111",
  "arrayKey": ["value", "another value"],
  "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
  "SomeObject": null,
  "ThisFlag": true,
  "someInt": 123,
  "someFloat": 12.34,
  "someFloat2": 12.0,
  "nothing": {},
  "Ev*ent": "Ev*ent"
}"""
USERS = """{
  "user": {"id": 1, "email": "John.Stiles@example.com"},
  "users": [
    {"id": 2, "email": "John.Doe@example.com"},
    {"id": 3, "email": "Jane.Doe@example.com"}
  ],
  "actions": ["GET", "PUT", "DELETE"],
  "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]]
}"""
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
REPORT = (
    "REPORT RequestId: 1f2e\tDuration: 52.10 ms\tBilled Duration: 53 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 40 MB"
)


def matches(pattern: str, message: str) -> bool:
    return parse_pattern(pattern).match(message) is not None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ('""', [0, 1, 2, 3]),
        ("ERROR", [0, 1, 2, 3]),
        ("error", []),
        ("ERROR ARGUMENTS", [2, 3]),
        ("?UNAUTHORIZED ?ARGUMENTS", [1, 2, 3]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ('"BAD REQUEST"', [0]),
        ('"REQUEST BAD"', []),
        ('-"BAD REQUEST" ERROR', [1, 2, 3]),
        ("%AUTHORIZED%", [1]),
        (r"%ERROR 4[12]\d%", [2, 3]),
        ("%^ERROR%", []),
    ],
)
def test_terms(pattern: str, expected: list[int]) -> None:
    assert [index for index, each in enumerate(ERRORS) if matches(pattern, each)] == expected


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{ $.eventType = UpdateTrail }",
        "{$.eventType=%Trail$%}",
        "{ $.eventType != %Create% }",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = *111.111* }",
        '{ $.arrayKey[0] = "value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        '{ $.someInt = "123" }',
        '{ $.someInt != "123.0" }',
        "{ $.someInt = 123.0 }",
        "{ $.someInt = 12* }",
        "{ $.someInt = * }",
        "{ $.someInt >= 1.23e2 }",
        "{ $.someInt > +122 }",
        "{ $.someFloat2 = 12 }",
        '{ $.someFloat2 != "12" }',
        "{ $.someFloat = *.34 }",
        "{ ($.someInt < 1 || $.someFloat <= 12.34) && $.eventType = Up* }",
    ],
)
def test_json_conditions_that_hold(pattern: str) -> None:
    assert matches(pattern, TRAIL)


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.eventType = updateTrail }",
        "{ $.eventType = Up*Trail }",
        "{ $.eventType > 1 }",
        "{ $.missing = * }",
        "{ $.missing != x }",
        "{ $.arrayKey = value }",
        "{ $.arrayKey != value }",
        "{ $.nothing != value }",
        "{ $.SomeObject != value }",
        "{ $.ThisFlag[0] = value }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.ThisFlag IS NULL }",
        "{ $.SomeObject NOT EXISTS }",
        '{ $.someInt != "123" }',
        "{ $.someInt > 123 }",
    ],
)
def test_json_conditions_that_do_not_hold(pattern: str) -> None:
    assert not matches(pattern, TRAIL)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        (
            '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
            False,
        ),
        (
            (
                '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch'
                " && $.actions[2] = nomatch }"
            ),
            True,
        ),
        (
            (
                '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch)'
                " && $.actions[2] = nomatch }"
            ),
            False,
        ),
    ],
)
def test_compound_json_conditions(pattern: str, *, expected: bool) -> None:
    assert matches(pattern, USERS) is expected


@pytest.mark.parametrize("message", ["", "text", "[1]", '[INFO]\t1f2e\t{"a": 1}', "{'a': 1}"])
def test_a_json_pattern_matches_only_events_that_are_json_objects(message: str) -> None:
    assert not matches("{ $.a = * }", message)
    assert not matches("{ $.b NOT EXISTS }", message)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code]", False),
        ("[ip, user, ...]", True),
        ("[..., status_code, bytes > 1000]", True),
        ("[..., status_code, bytes > 1534]", False),
        ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[..., status_code = 4* && bytes_code = 5, bytes]", None),
        ("[..., status_code = 403 || status_code = 404, bytes]", True),
        ("[..., status_code != 403 && status_code != 404, bytes]", False),
        ("[..., status_code = 404.0, bytes]", True),
        ('[..., status_code = "404.0", bytes]', False),
        ("[..., request = %index|home%, status_code, bytes]", True),
        ('[..., request = "GET /index.html HTTP/1.0", status_code, bytes]', True),
    ],
)
def test_space_delimited_fields(pattern: str, *, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(PatternError):
            parse_pattern(pattern)
    else:
        assert matches(pattern, ACCESS) is expected


def test_space_delimited_fields_are_extracted_by_name_or_place() -> None:
    pattern = parse_pattern("[..., request=*.html*, status_code=4*,]")
    assert pattern.match(ACCESS) == {
        "$status_code": "404",
        "$request": "GET /index.html HTTP/1.0",
        "$7": "1534",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$3": "frank",
        "$2": "-",
        "$1": "127.0.0.1",
    }


def test_tabs_delimit_fields_too_as_in_lambdas_reports() -> None:
    pattern = '[label=REPORT, id_label="RequestId:", id, duration_label="Duration:", duration, ...]'
    fields = parse_pattern(pattern).match(REPORT)
    assert fields is not None
    assert fields["$duration"] == "52.10"


def test_json_fields_are_extracted_if_the_pattern_names_them() -> None:
    pattern = parse_pattern("{ $.someInt = * && $.eventType = Up* && $.missing NOT EXISTS }")
    assert pattern.match(TRAIL) == {"$.someInt": "123", "$.eventType": "UpdateTrail"}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("ERROR: timeout", "Invalid character"),
        ('"unclosed', "Invalid character"),
        ("?ERROR -WARN", "doesn't combine"),
        ("ERROR %x%", "Invalid character"),
        ("%something!%", "Invalid character"),
        ("%(a|b)%", "Invalid character"),
        ("%[a%", "Invalid regular expression"),
        ("{ $.eventType > UpdateTrail }", "needs a number"),
        ('{ $.eventType >= "1" }', "needs a number"),
        ("{ $.eventType }", "Unknown operator"),
        ("{ $.eventType = }", "Unexpected"),
        ("{ $.eventType IS MISSING }", "NULL, TRUE or FALSE"),
        ("{ $.a = 1 && }", "Unexpected"),
        ("{ ($.a = 1 }", "Expected"),
        ("{ $.a = 1 } x", "after the closing brace"),
        ("{ $.a[*] = 1 }", "Invalid character|Unexpected"),
        ("{ $.a = a@b }", "Invalid character"),
        ("{ $.a = %1% || $.b = %2% || $.c = %3% }", "at most 2"),
        ("[a, b", "closing bracket"),
        ("[..., a, ...]", "one ellipsis"),
        ("[a b]", "Invalid character"),
        ("[a = %1%, b = %2%, c = %3%]", "at most 2"),
        ("[a > x]", "needs a number"),
    ],
)
def test_what_is_not_valid_or_not_supported_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        parse_pattern(pattern)
