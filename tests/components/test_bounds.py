"""Every limit of the configuration at both edges: the edge passes, one step beyond is refused.

The expected limits are written here, so that changing one in the model makes a test fail; the keys
are those of the model, so that a key with a new limit needs a line here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from components.configuration import ConfigurationError
from components.hosting.apprunner.settings import SIZES
from components.hosting.definitions import HOST_KEYS
from components.hosting.fargate.settings import SIZES as FARGATE_SIZES
from components.settings import (
    RESERVED_TAGS,
    CommonSettings,
    Hosting,
    StackSettings,
    fields_by_key,
    is_scope_name,
)
from tests.components.aws_models import shape
from tests.components.mocks import PROJECT
from tests.components.model_rules import (
    BASE,
    FARGATE_BASE,
    booleans,
    choices,
    entry_limits,
    numeric_limits,
    patterns,
)
from tests.components.parsing import parse

NUMBERS = {
    "clients.*.overlapHours": (0, 720),
    "clients.*.tokenValidityMinutes": (5, 1440),
    "healthCheck.healthyThreshold": (1, 20),
    "healthCheck.interval": (1, 20),
    "healthCheck.timeout": (1, 20),
    "healthCheck.unhealthyThreshold": (1, 20),
    "imageRetention": (2, 1000),
    "maxConcurrency": (1, 200),
    "maxInstances": (1, 25),
    "minInstances": (1, 25),
    "monitoring.canaryMinutes": (1, 60),
    "overlapHours": (0, 720),
    "schemaSampleSize": (1, 2_147_483_647),
}
ENTRIES = {
    "clients": (1, None),
    "clients.*.scopes": (1, 50),
    "scopes": (1, 100),
    "tags": (None, 47),
    "vpcConnector.securityGroupIds": (1, None),
    "vpcConnector.subnetIds": (1, None),
}
CHOICES = {
    "healthCheck.protocol": ("HTTP", "TCP"),
    "hosting": ("apprunner", "lambda", "fargate"),
    "monitoring.subscriptions.*.protocol": ("email", "https", "sqs", "lambda"),
    "nextHost.hosting": ("apprunner", "lambda", "fargate"),
    "logLevel": (
        "debug",
        "info",
        "notice",
        "warning",
        "error",
        "critical",
        "alert",
        "emergency",
    ),
    "logRetentionDays": (
        "1",
        "3",
        "5",
        "7",
        "14",
        "30",
        "60",
        "90",
        "120",
        "150",
        "180",
        "365",
        "400",
        "545",
        "731",
        "1096",
        "1827",
        "2192",
        "2557",
        "2922",
        "3288",
        "3653",
    ),
    "userPoolTier": ("ESSENTIALS", "PLUS"),
}
BOOLEANS = [
    "accessLogs",
    "allowUnauthenticatedPing",
    "allowUnauthenticatedToolsList",
    "clients.*.enabled",
    "deletionProtection",
    "edge",
    "monitoring.enabled",
    "nextHost.serving",
    "readOnly",
    "retainClaimsLog",
    "tracing",
]


@dataclass(frozen=True, kw_only=True)
class Text:
    """What a pattern accepts and refuses.

    Attributes:
        longest: length of the longest text; None where the pattern itself sets the length.
        of_length: writes a matching text of a length.
        accepted: matching texts, the shortest ones among them.
        refused: texts that miss the pattern by one character.
    """

    longest: int | None
    of_length: Callable[[int], str]
    accepted: tuple[str, ...]
    refused: tuple[str, ...]


def _filled(before: str, after: str = "") -> Callable[[int], str]:
    return lambda length: before + "a" * (length - len(before) - len(after)) + after


def _labels(length: int) -> str:
    top = ".bc"
    filled = (f"{'a' * 59}." * 5)[: length - len(top)]
    return filled[:-1] + "a" + top


ARN = "arn:aws:acm:us-east-1:123456789012:certificate/"
_CERTIFICATE = Text(
    longest=2048,
    of_length=_filled(ARN),
    accepted=(f"{ARN}0", f"{ARN}aZ-9"),
    refused=(
        ARN,
        f"{ARN}a/b",
        ARN.replace("us-east-1", "us-east-2") + "0",
        ARN.replace("123456789012", "12345678901") + "0",
        ARN.replace("123456789012", "1234567890123") + "0",
    ),
)
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/"
_NO_DOMAINS = ("abc", "a.b", ".bc", "a.0b", "-a.bc", "a-.bc", "a.bc-", "A.bc", "a..bc")
TEXTS: Mapping[str, Text] = {
    "clients{}": Text(
        longest=100,
        of_length=_filled(""),
        accepted=("a", "0", "a-0"),
        refused=("", "-a", "a-", "A", "a_b", "a.b"),
    ),
    "customDomain.certificateArn": _CERTIFICATE,
    "customDomain.name": Text(
        longest=63,
        of_length=_filled("", ".example.com"),
        accepted=("a.bc", f"{'a' * 60}.bc", "0-1.x-y"),
        refused=_NO_DOMAINS,
    ),
    "edgeDomain.certificateArn": _CERTIFICATE,
    "edgeDomain.name": Text(
        longest=253,
        of_length=_labels,
        accepted=("a.bc", f"{'a' * 60}.bc", "0-1.x-y"),
        refused=_NO_DOMAINS,
    ),
    "healthCheck.path": Text(
        longest=1024,
        of_length=_filled("/"),
        accepted=("/", "/!~"),
        refused=("", "a", "/ ", "/\x7f", "/é"),
    ),
    "logKeyArn": Text(
        longest=256,
        of_length=_filled(_KEY),
        accepted=(f"{_KEY}0", f"{_KEY}mrk-0a"),
        refused=(
            _KEY,
            f"{_KEY}a/b",
            _KEY.replace(":key/", ":alias/") + "0",
            _KEY.replace("123456789012", "12345678901") + "0",
        ),
    ),
    "monitoring.subscriptions{}": Text(
        longest=100,
        of_length=_filled(""),
        accepted=("a", "0", "a-0"),
        refused=("", "-a", "a-", "A", "a_b", "a.b"),
    ),
    "namePrefix": Text(
        longest=63,
        of_length=_filled(""),
        accepted=("a", "0", "a-0"),
        refused=("-a", "a-", "A", "a_b"),
    ),
    "neo4jDatabase": Text(
        longest=63,
        of_length=_filled(""),
        accepted=("abc", "0.-", "Ab9"),
        refused=("ab", ".ab", "-ab", "a_b"),
    ),
    "resourceServerIdentifier": Text(
        longest=256,
        of_length=_filled(""),
        accepted=("!", "~", "a/b", "#", ".", "0", "[", "]"),
        refused=("a/", " ", '"', "\\", "é", "\x7f"),
    ),
    "scopes.*.description": Text(
        longest=256,
        of_length=_filled(""),
        accepted=("a", " a", "~", "\xa0b", "é"),
        refused=("", " ", "a\n", "a\x1f", "a\x7f", "a\x9f", "a\u2028", "a\u2029"),
    ),
    "scopes.*.role": Text(
        longest=128,
        of_length=_filled(""),
        accepted=("a", "Z_9"),
        refused=("", "_a", "9a", "a-b"),
    ),
    "scopes{}": Text(
        longest=256,
        of_length=_filled(""),
        accepted=("a", "0", "A._:-"),
        refused=("", ".a", "a/b", "a b", "a;b"),
    ),
    "tags.*": Text(
        longest=256,
        of_length=_filled(""),
        accepted=("", " ", "_ .:/=+@-", "é9"),
        refused=("a\n", "a,b", "a;b"),
    ),
    "tags{}": Text(
        longest=128,
        of_length=_filled(""),
        accepted=("a", "a b", "_.:/=+@-"),
        refused=("", " a", "a ", "a,b"),
    ),
    "vpcConnector.securityGroupIds[]": Text(
        longest=None,
        of_length=_filled("sg-"),
        accepted=("sg-0123cdef", "sg-0123456789abcdef0"),
        refused=("sg-0123cde", "sg-0123cdef0", "sg-0123456789abcdef", "sg-0123cdeg", "0123cdef"),
    ),
    "vpcConnector.subnetIds[]": Text(
        longest=None,
        of_length=_filled("subnet-"),
        accepted=("subnet-0123cdef", "subnet-0123456789abcdef0"),
        refused=("subnet-0123cde", "subnet-0123cdef0", "subnet-0123456789abcdef", "sg-0123cdef"),
    ),
}


ENDPOINTS: Mapping[object, str] = {
    "email": "oncall@example.com",
    "https": "https://events.example.com/key",
    "sqs": "arn:aws:sqs:us-east-1:123456789012:alarms",
    "lambda": "arn:aws:lambda:us-east-1:123456789012:function:alarms",
}


def configured(path: str, value: object) -> dict[str, Any]:
    """Return a configuration with one value changed, by a path as the model's walk writes it."""
    changed: dict[str, Any] = json.loads(json.dumps(BASE))
    if path == "edge":
        # Without an edge there can be no domain of it.
        del changed["edgeDomain"]
    if path == "clients{}":
        return {**changed, "clients": {value: BASE["clients"]["agent"]}}
    if path == "monitoring.subscriptions{}":
        subscriptions = BASE["monitoring"]["subscriptions"]["oncall"]
        return {**changed, "monitoring": {"subscriptions": {value: subscriptions}}}
    if path == "monitoring.subscriptions.*.protocol":
        # Each protocol delivers to another kind of endpoint.
        changed["monitoring"]["subscriptions"]["oncall"]["endpoint"] = ENDPOINTS.get(value, "x")
    if path == "scopes{}":
        scopes = {**BASE["scopes"], value: BASE["scopes"]["reader"]}
        return {**changed, "scopes": scopes}
    if path == "tags{}":
        return {**changed, "tags": {value: "graph"}}
    if path.endswith("[]"):
        path, value = path.removesuffix("[]"), [value]
    *steps, last = path.split(".")
    at = changed
    for step in steps:
        at = at[next(iter(at))] if step == "*" else at.setdefault(step, {})
    at[next(iter(at)) if last == "*" else last] = value
    return changed


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(values)
    return {problem.key: problem.message for problem in caught.value.problems}


def refusal(path: str, value: object) -> str:
    """Return the message about the changed value's key, whatever else is wrong."""
    top = re.split(r"[.{\[]", path)[0]
    leaf = re.sub(r"[{}\[\]*]", "", path.rsplit(".", maxsplit=1)[-1])
    found = problems(configured(path, value))
    messages = [
        message
        for key, message in found.items()
        if key.startswith(f"{PROJECT}:{top}") and (path.endswith(("}", "*")) or leaf in key)
    ]
    assert messages, found
    return messages[0]


# The tables are the model's


def test_every_numeric_limit_is_the_expected_one() -> None:
    assert numeric_limits() == NUMBERS


def test_every_limit_of_entries_is_the_expected_one() -> None:
    assert entry_limits() == ENTRIES


def test_every_enumeration_is_the_expected_one() -> None:
    assert choices() == CHOICES


def test_every_boolean_is_known() -> None:
    assert sorted(booleans()) == BOOLEANS


def test_every_pattern_is_known() -> None:
    assert set(patterns()) == set(TEXTS)


LAMBDA = {"hosting": "lambda"}


def test_the_limits_of_lambda_are_the_expected_ones() -> None:
    common = {key for key in numeric_limits(Hosting.LAMBDA) if key not in HOST_KEYS}
    own = {key: found for key, found in numeric_limits(Hosting.LAMBDA).items() if key not in common}

    assert own == {"memory": (128, 10_240), "maxInstances": (0, 1000)}
    assert choices(Hosting.LAMBDA)["architecture"] == ("x86_64", "arm64")


@pytest.mark.parametrize(
    ("key", "least", "most"), [("memory", 128, 10_240), ("maxInstances", 0, 1000)]
)
def test_a_number_of_lambda_is_accepted_at_its_limits_and_refused_beyond(
    key: str, least: int, most: int
) -> None:
    minimum = {key: BASE[key] for key in ("neo4jUri", "clients", "scopes")} | LAMBDA

    parse({**minimum, key: least})
    parse({**minimum, key: most})
    assert problems({**minimum, key: least - 1}) == {
        f"{PROJECT}:{key}": f"must be at least {least}"
    }
    assert problems({**minimum, key: most + 1}) == {f"{PROJECT}:{key}": f"must be at most {most}"}


FARGATE_NUMBERS = {
    "cpuTarget": (10, 90),
    "imageRetention": (2, 1000),
    "maxInstances": (1, 1000),
    "minInstances": (1, 1000),
    "requestsPerTarget": (1, 1_000_000),
    "serviceDomain.port": (1, 65535),
}
FARGATE = {**FARGATE_BASE, "maxInstances": 1000}


def _on_fargate(path: str, value: object) -> dict[str, Any]:
    """Return a configuration of Fargate with one value changed; ``a[]`` is a list's first entry."""
    changed: dict[str, Any] = json.loads(json.dumps(FARGATE))
    *steps, last = path.removesuffix("[]").split(".")
    at = changed
    for step in steps:
        at = at[step]
    at[last] = [value, "subnet-0000000c"] if path.endswith("[]") else value
    return changed


def test_the_limits_of_fargate_are_the_expected_ones() -> None:
    common = fields_by_key(CommonSettings)
    own = {
        key: found
        for key, found in numeric_limits(Hosting.FARGATE).items()
        if key.partition(".")[0] not in common
    }

    assert own == FARGATE_NUMBERS
    assert entry_limits(Hosting.FARGATE)["network.subnetIds"] == (2, None)
    assert entry_limits(Hosting.FARGATE)["network.loadBalancerSubnetIds"] == (2, None)


@pytest.mark.parametrize("path", FARGATE_NUMBERS)
def test_a_number_of_fargate_is_accepted_at_its_limits_and_refused_beyond(path: str) -> None:
    least, most = FARGATE_NUMBERS[path]

    parse(_on_fargate(path, least))
    parse(_on_fargate(path, most))
    key = f"{PROJECT}:{path}"
    assert problems(_on_fargate(path, least - 1)) == {key: f"must be at least {least}"}
    assert problems(_on_fargate(path, most + 1)) == {key: f"must be at most {most}"}


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [(cpu, memory) for cpu, offered in FARGATE_SIZES.items() for memory in offered],
)
def test_a_size_of_fargate_is_accepted_and_its_neighbours_are_refused(
    cpu: int, memory: int
) -> None:
    parse({**FARGATE, "cpu": cpu, "memory": memory})
    for neighbour in (memory - 1, memory + 1):
        assert list(problems({**FARGATE, "cpu": cpu, "memory": neighbour})) == ["neo4j-mcp:memory"]
    assert list(problems({**FARGATE, "cpu": cpu + 1, "memory": memory})) == ["neo4j-mcp:cpu"]


@pytest.mark.parametrize(
    ("path", "accepted", "refused"),
    [
        ("network.vpcId", "vpc-0123456789abcdef0", "vpc-0123456789abcdef"),
        ("network.subnetIds[]", "subnet-0123cdef", "sg-0123cdef"),
        ("network.loadBalancerSubnetIds[]", "subnet-0123cdef", "subnet-0123cde"),
        ("serviceDomain.name", "a.bc", "A.bc"),
        ("serviceDomain.hostedZoneId", "Z0ABC", "z0abc"),
        (
            "serviceDomain.certificateArn",
            "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/0",
            "arn:aws:iam::123456789012:server-certificate/a",
        ),
    ],
)
def test_a_text_of_fargate_is_accepted_or_refused_by_name(
    path: str, accepted: str, refused: str
) -> None:
    parse(_on_fargate(path, accepted))
    found = problems(_on_fargate(path, refused))
    message = patterns(Hosting.FARGATE)[path].words
    assert message in next(iter(found.values()))


# Both edges


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_is_accepted_at_its_limits_and_refused_beyond(path: str) -> None:
    least, most = NUMBERS[path]

    parse(configured(path, least))
    parse(configured(path, most))
    assert refusal(path, least - 1) == f"must be at least {least}"
    assert refusal(path, most + 1) == f"must be at most {most}"


def _with_entries(path: str, count: int) -> dict[str, Any]:
    names = [f"n{number}" for number in range(count)]
    scope, client = BASE["scopes"]["reader"], BASE["clients"]["agent"]
    match path:
        case "scopes":
            # One of them is the scope that the client has.
            entries = dict.fromkeys(["reader", *names][:count], scope)
            return configured(path, entries)
        case "clients":
            return configured(path, dict.fromkeys(names, client))
        case "clients.*.scopes":
            return {**configured(path, names), "scopes": dict.fromkeys([*names, "reader"], scope)}
        case "tags":
            return configured(path, dict.fromkeys(names, "x"))
    kind = "subnet" if "subnet" in path else "sg"
    return configured(path, [f"{kind}-{number:08x}" for number in range(count)])


@pytest.mark.parametrize("path", ENTRIES)
def test_a_number_of_entries_is_accepted_at_its_limits_and_refused_beyond(path: str) -> None:
    least, most = ENTRIES[path]
    key = f"{PROJECT}:{path.replace('*', 'agent')}"

    if least is not None:
        parse(_with_entries(path, least))
        message = problems(_with_entries(path, least - 1))[key]
        # An empty value of a required key means that it isn't set.
        assert message in {f"must have at least {least} entry", "is missing"}
    if most is not None:
        parse(_with_entries(path, most))
        message = problems(_with_entries(path, most + 1))[key]
        assert message == f"must have at most {most} entries"


@pytest.mark.parametrize(
    ("path", "choice"), [(path, each) for path in CHOICES for each in CHOICES[path]]
)
def test_each_choice_is_accepted_and_its_neighbours_are_refused(path: str, choice: str) -> None:
    # The other hosts have none of the keys of App Runner that are set there, and the next host has
    # to be another one and to have what it needs.
    if path not in {"hosting", "nextHost.hosting"} or (path, choice) in {
        ("hosting", "apprunner"),
        ("nextHost.hosting", "lambda"),
    }:
        parse(configured(path, choice))
    near = [str(int(choice) + 1), str(int(choice) - 1)] if choice.isdigit() else [choice.swapcase()]
    for neighbour in near:
        if neighbour not in CHOICES[path]:
            assert all(each in refusal(path, neighbour) for each in CHOICES[path])


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_a_subscription_needs_an_endpoint_of_its_protocol(protocol: str) -> None:
    for other, endpoint in ENDPOINTS.items():
        subscriptions = {"oncall": {"protocol": protocol, "endpoint": endpoint}}
        values = {**BASE, "monitoring": {"subscriptions": subscriptions}}
        if other == protocol:
            parse(values)
        else:
            assert f"has the protocol {protocol}, so endpoint must be" in str(problems(values))


@pytest.mark.parametrize("threshold", [1, 0.5, "2.5", "20000"])
def test_a_threshold_is_a_number_above_0(threshold: object) -> None:
    settings = parse({**BASE, "monitoring": {"thresholds": {"claims-errors": threshold}}})

    assert settings.monitoring.thresholds == {"claims-errors": float(str(threshold))}


@pytest.mark.parametrize("threshold", [0, -1, True, "", "x", "1_000", "nan", "inf", "-1"])
def test_a_threshold_that_no_alarm_can_have_is_refused(threshold: object) -> None:
    found = problems({**BASE, "monitoring": {"thresholds": {"claims-errors": threshold}}})

    assert found == {f"{PROJECT}:monitoring.thresholds.claims-errors": "must be a number above 0"}


def _at(settings: StackSettings, path: str) -> object:
    """Return a value of the settings; for a client's, that of the only client."""
    first, *rest = path.split(".")
    common = fields_by_key(CommonSettings)
    found: Any = settings if first in common else settings.host
    for step in (first, *rest):
        if step == "*":
            (found,) = found.values()
        else:
            found = getattr(found, fields_by_key(type(found))[step])
    return found


@pytest.mark.parametrize("path", BOOLEANS)
def test_a_boolean_is_true_or_false_and_nothing_else(path: str) -> None:
    assert _at(parse(configured(path, "true")), path) is True
    assert _at(parse(configured(path, "false")), path) is False
    # An empty value of a host's key means that it isn't set.
    hosts = path.partition(".")[0] not in fields_by_key(CommonSettings)
    for other in ("True", "False", "yes", "1", "0", *([] if hosts else [""])):
        assert refusal(path, other) == "must be true or false"


@pytest.mark.parametrize("path", [path for path, text in TEXTS.items() if text.longest])
def test_a_text_is_accepted_at_its_greatest_length_and_refused_beyond(path: str) -> None:
    text, pattern = TEXTS[path], patterns()[path]
    assert text.longest is not None

    # By itself: the full name of a scope, or an AWS name, can be too long before.
    assert pattern(text.of_length(text.longest)) == text.of_length(text.longest)
    message = f"must be at most {text.longest} characters long, not {text.longest + 1}"
    assert refusal(path, text.of_length(text.longest + 1)) == message


@pytest.mark.parametrize("path", TEXTS)
def test_a_text_that_matches_is_accepted(path: str) -> None:
    for accepted in TEXTS[path].accepted:
        assert patterns()[path](accepted) == accepted


@pytest.mark.parametrize(
    ("path", "refused"), [(path, each) for path, text in TEXTS.items() for each in text.refused]
)
def test_a_text_that_misses_the_pattern_is_refused_by_name(path: str, refused: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        patterns()[path](refused)
    assert refusal(path, refused) == f"must be {patterns()[path].words}"


# Limits outside the model's own rules


@pytest.mark.parametrize("days", [0, *range(7, 31)])
def test_a_recovery_window_is_one_that_secrets_manager_offers(days: int) -> None:
    assert parse(configured("secretRecoveryDays", days)).secret_recovery_days == days


@pytest.mark.parametrize("days", [-1, *range(1, 7), 31])
def test_another_recovery_window_is_refused(days: int) -> None:
    assert refusal("secretRecoveryDays", days) == "must be 0, or from 7 to 30 days"


@pytest.mark.parametrize("path", ["rotationDays", "clients.*.rotationDays"])
@pytest.mark.parametrize("days", [0, 2, 1000])
def test_a_rotation_is_accepted_at_its_limits(path: str, days: int) -> None:
    assert _at(parse(configured(path, days)), path) == days


@pytest.mark.parametrize("path", ["rotationDays", "clients.*.rotationDays"])
@pytest.mark.parametrize("days", [-1, 1, 1001])
def test_a_rotation_beyond_its_limits_is_refused(path: str, days: int) -> None:
    assert refusal(path, days) == "must be 0, or from 2 to 1000 days"


def test_a_rotations_longest_interval_is_secrets_managers() -> None:
    limits = shape("secretsmanager", "AutomaticallyRotateAfterDaysType")
    assert (limits["min"], limits["max"]) == (1, 1000)


@pytest.mark.parametrize(("days", "longest"), [(2, 23), (3, 47), (30, 695), (31, 719), (32, 720)])
def test_an_overlap_is_accepted_if_it_ends_before_the_next_rotation(
    days: int, longest: int
) -> None:
    parse({**BASE, "rotationDays": days, "overlapHours": longest})
    if longest < NUMBERS["overlapHours"][1]:
        found = problems({**BASE, "rotationDays": days, "overlapHours": longest + 1})
        assert list(found) == ["neo4j-mcp:overlapHours"]
        assert found["neo4j-mcp:overlapHours"].startswith(f"must be at most {longest} with")


def test_without_rotation_any_overlap_is_accepted() -> None:
    parse({**BASE, "rotationDays": 0, "overlapHours": 720})


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [(cpu, memory) for cpu, offered in SIZES.items() for memory in offered],
)
def test_a_size_is_accepted_and_its_neighbours_are_refused(cpu: int, memory: int) -> None:
    parse({**BASE, "cpu": cpu, "memory": memory})
    for neighbour in (memory - 1, memory + 1):
        assert list(problems({**BASE, "cpu": cpu, "memory": neighbour})) == ["neo4j-mcp:memory"]
    for neighbour in (cpu - 1, cpu + 1):
        assert list(problems({**BASE, "cpu": neighbour, "memory": memory})) == ["neo4j-mcp:cpu"]


def test_as_many_instances_at_least_as_at_most_are_accepted() -> None:
    parse({**BASE, "minInstances": 3, "maxInstances": 3})
    assert problems({**BASE, "minInstances": 4, "maxInstances": 3}) == {
        "neo4j-mcp:maxInstances": "must be at least minInstances, which is 4"
    }


@pytest.mark.parametrize("digits", ["9" * 18, "-" + "9" * 18])
def test_a_whole_number_has_at_most_eighteen_digits(digits: str) -> None:
    assert "must be at" in refusal("maxConcurrency", digits)
    assert refusal("maxConcurrency", f"{digits}9") == "must be a whole number"


def test_a_full_scope_name_has_at_most_256_characters() -> None:
    longest = shape("cognito-idp", "ScopeType")["max"]
    fits = "i" * (longest - len("/reader"))

    parse({**BASE, "resourceServerIdentifier": fits})
    assert problems({**BASE, "resourceServerIdentifier": f"{fits}i"}) == {
        "neo4j-mcp:resourceServerIdentifier": (
            "makes the full name of scope reader 257 characters long; Cognito accepts at most 256"
        )
    }


def _hosts() -> Iterator[tuple[str, bool]]:
    yield "a:1", True
    yield "a:65535", True
    yield "a:0", False
    yield "a:65536", False
    yield "a" * 63, True
    yield "a" * 64, False
    yield "a", True
    yield "a-b", True
    yield "a-", False
    # 253 characters in labels of 63 and fewer.
    yield f"{'a' * 63}.{'a' * 63}.{'a' * 63}.{'a' * 61}", True
    yield f"{'a' * 63}.{'a' * 63}.{'a' * 63}.{'a' * 62}", False


@pytest.mark.parametrize(("host", "accepted"), list(_hosts()))
def test_a_host_is_accepted_at_its_limits_and_refused_beyond(host: str, accepted: bool) -> None:
    if accepted:
        assert parse(configured("neo4jUri", f"bolt+s://{host}")).neo4j_uri == f"bolt+s://{host}"
    else:
        assert "must name a host" in refusal("neo4jUri", f"bolt+s://{host}")


def test_the_limit_of_tags_leaves_room_for_the_programs_own() -> None:
    # Source: "Tag naming limits and requirements" of Tagging AWS Resources: 50 per resource.
    assert ENTRIES["tags"] == (None, 50 - len(RESERVED_TAGS))


def test_a_scope_can_be_defined_exactly_where_its_name_is_legal() -> None:
    for name in TEXTS["scopes{}"].accepted:
        assert is_scope_name(name)
    for name in TEXTS["scopes{}"].refused:
        assert not is_scope_name(name)
