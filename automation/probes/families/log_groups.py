"""Probes of CloudWatch Logs: filter patterns, metric filters and log groups."""

from collections.abc import Mapping
from typing import Any, Final

from automation.probes.families.sources import DOC_LOGS, DOC_LOGS_API, REPORT, doc, model
from automation.probes.kinds import LOG_GROUP, NAMESPACE
from automation.probes.observations import ACCEPTED, UNDOCUMENTED, Observation, Unanswered
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

LOG_GROUPS: Final = Family("logs", "sts")
KEY_OF_SECRETS: Final = "alias/aws/secretsmanager"
"""The key with which Secrets Manager encrypts by default."""
_NO_SUCH_KEY: Final = "00000000-0000-4000-8000-000000000000"


def _log_group(box: Sandbox, **parameters: str) -> None:
    box.owns(LOG_GROUP, box.name)
    box.client("logs").create_log_group(logGroupName=box.name, tags={}, **parameters)


def _matches(box: Sandbox, pattern: str, message: str) -> bool:
    found = box.client("logs").test_metric_filter(filterPattern=pattern, logEventMessages=[message])
    return bool(found["matches"])


@LOG_GROUPS.probe(
    "logs-filter-patterns",
    rows=[
        "JSON filter pattern and an event with text in front of the JSON",
        "`!=` for a field that an event doesn't have",
    ],
    documented={
        "JSON": True,
        "text in front of JSON": False,
        "!= of a missing field": False,
        "= of a missing field": False,
        "!= of another value": True,
        "NOT EXISTS": True,
        "number": True,
    },
    source=f"{doc(f'{DOC_LOGS}/FilterAndPatternSyntax.html')}; {REPORT}",
)
def _filter_patterns(box: Sandbox) -> Observation:
    """Which events does a filter pattern for JSON match?"""
    return {
        "JSON": _matches(box, '{ $.a = "b" }', '{"a": "b"}'),
        "text in front of JSON": _matches(box, '{ $.a = "b" }', 'text {"a": "b"}'),
        "!= of a missing field": _matches(box, '{ $.a != "b" }', '{"c": "b"}'),
        "= of a missing field": _matches(box, '{ $.a = "b" }', '{"c": "b"}'),
        "!= of another value": _matches(box, '{ $.a != "b" }', '{"a": "c"}'),
        "NOT EXISTS": _matches(box, "{ $.a NOT EXISTS }", '{"c": "b"}'),
        "number": _matches(box, "{ $.a >= 5 }", '{"a": 5}'),
    }


@LOG_GROUPS.probe(
    "logs-invalid-patterns",
    rows=["Filter pattern with terms that need quotation marks, or that mixes kinds"],
    documented={
        "quotation marks missing": "InvalidParameterException",
        "JSON without an end": "InvalidParameterException",
        "terms and optional terms": UNDOCUMENTED,
    },
    source=doc(f"{DOC_LOGS}/FilterAndPatternSyntax.html"),
)
def _invalid_patterns(box: Sandbox) -> Observation:
    """Which filter patterns are refused?"""
    patterns = {
        "quotation marks missing": "a=b",
        "JSON without an end": '{ $.a = "b"',
        "terms and optional terms": "one ?two",
    }
    return {name: box.outcome(_matches, box, pattern, "one") for name, pattern in patterns.items()}


@LOG_GROUPS.probe(
    "logs-metric-filter-dimensions",
    rows=["Dimensions of a metric filter"],
    documented={
        "three": ACCEPTED,
        "four": "InvalidParameterException",
        "with a default value": "InvalidParameterException",
    },
    source=doc(f"{DOC_LOGS}/FilterAndPatternSyntaxForMetricFilters.html"),
)
def _metric_filter_dimensions(box: Sandbox) -> Observation:
    """Which dimensions of a metric filter are refused?"""
    _log_group(box)
    fields = ("a", "b", "c", "d")
    pattern = f"{{ {' || '.join(f'$.{each} = *' for each in fields)} }}"

    def put(number: int, more: Mapping[str, Any]) -> str:
        transformation = {
            "metricNamespace": NAMESPACE,
            "metricName": box.name,
            "metricValue": "1",
            "dimensions": {each: f"$.{each}" for each in fields[:number]},
            **more,
        }
        return box.outcome(
            lambda: box.client("logs").put_metric_filter(
                logGroupName=box.name,
                filterName="probe",
                filterPattern=pattern,
                metricTransformations=[transformation],
            )
        )

    return {
        "three": put(3, {}),
        "four": put(4, {}),
        "with a default value": put(1, {"defaultValue": 0}),
    }


@LOG_GROUPS.probe(
    "logs-missing-key",
    rows=["Key of a log group that is missing or disabled"],
    documented={"code": "InvalidParameterException", "log group": False},
    source=doc(f"{DOC_LOGS_API}/API_AssociateKmsKey.html"),
)
def _missing_key(box: Sandbox) -> Observation:
    """How is a log group refused with a key that doesn't exist?"""
    key = f"arn:aws:kms:{box.around.region}:{box.account}:key/{_NO_SUCH_KEY}"
    code = box.outcome(lambda: _log_group(box, kmsKeyId=key))
    listed = box.client("logs").describe_log_groups(logGroupNamePrefix=box.name)
    return {"code": code, "log group": bool(listed["logGroups"])}


@LOG_GROUPS.probe(
    "logs-key-of-another-service",
    rows=["Key of a log group with a policy without CloudWatch Logs"],
    documented={"code": "AccessDeniedException", "log group": False},
    source=REPORT,
    also=["kms"],
)
def _key_of_another_service(box: Sandbox) -> Observation:
    """How is a log group refused with a key that CloudWatch Logs may not use?"""
    # AWS made this key, with a policy for Secrets Manager alone. An own key would remain for days.
    kms = box.client("kms")
    try:
        key = kms.describe_key(KeyId=KEY_OF_SECRETS)["KeyMetadata"]["Arn"]
    except kms.exceptions.NotFoundException as error:
        reason = f"the account has no {KEY_OF_SECRETS}, which its first secret creates"
        raise Unanswered(reason) from error
    code = box.outcome(lambda: _log_group(box, kmsKeyId=key))
    listed = box.client("logs").describe_log_groups(logGroupNamePrefix=box.name)
    return {"code": code, "log group": bool(listed["logGroups"])}


@LOG_GROUPS.probe(
    "logs-retention",
    rows=["Retention of a log group that isn't one of the listed periods"],
    documented={
        "2 days": "InvalidParameterException",
        "3 days": ACCEPTED,
        "log group twice": "ResourceAlreadyExistsException",
        "missing log group": "ResourceNotFoundException",
    },
    source=model("logs"),
)
def _retention(box: Sandbox) -> Observation:
    """Which retention periods are refused?"""
    _log_group(box)
    logs = box.client("logs")

    def keep(days: int, name: str) -> str:
        return box.outcome(
            lambda: logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        )

    return {
        "2 days": keep(2, box.name),
        "3 days": keep(3, box.name),
        "log group twice": box.outcome(lambda: logs.create_log_group(logGroupName=box.name)),
        "missing log group": keep(3, f"{box.name}-missing"),
    }
