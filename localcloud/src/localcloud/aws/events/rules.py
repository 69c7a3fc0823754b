"""Pure decisions about rules.

Sources: the API reference of PutRule and PutTargets, and "Setting a schedule pattern for scheduled
rules" and "EventBridge quotas" in the Amazon EventBridge User Guide.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from localcloud.aws.events.models import Rule, Target
from localcloud.aws.protocol import ApiError

_RATE: Final = re.compile(
    r"rate\((?:1 (?P<one>minute|hour|day)|(?P<number>[1-9][0-9]*) (?P<many>minute|hour|day)s)\)"
)
_MAX_TARGETS: Final = 5
_MAX_TAGS: Final = 50
_LAMBDA: Final = re.compile(r"arn:aws:lambda:[\w-]+:[0-9]{12}:function:[\w:$-]+")
_TARGET_MEMBERS: Final = frozenset({"Id", "Arn", "Input", "RetryPolicy"})
_DEFAULT_BUS: Final = "default"


def require_supported(parameters: Mapping[str, Any]) -> None:
    """Refuse by name what the stand-in doesn't support.

    Raises:
        ApiError: ValidationException.
    """
    bus = parameters.get("EventBusName", _DEFAULT_BUS)
    if bus != _DEFAULT_BUS and not bus.endswith(f":event-bus/{_DEFAULT_BUS}"):
        raise _unsupported(f"the event bus {bus}")
    if parameters.get("EventPattern"):
        raise _unsupported("EventPattern; a rule needs a ScheduleExpression")


def interval(expression: str) -> float:
    """Return the seconds between two invocations.

    Args:
        expression: a ScheduleExpression.

    Raises:
        ApiError: ValidationException.
    """
    if expression.startswith("cron("):
        raise _unsupported(f"{expression}; use rate(<n> minutes), rate(<n> hours) or …days")
    rate = _RATE.fullmatch(expression)
    # As on AWS, "rate(1 hours)" and "rate(2 hour)" aren't valid.
    number = int(rate["number"] or 1) if rate else 0
    unit = (rate["one"] or rate["many"]) if rate else ""
    if not unit or (number == 1 and rate and rate["many"]):
        raise ApiError("ValidationException", "Parameter ScheduleExpression is not valid.")
    return dt.timedelta(**{f"{unit}s": number}).total_seconds()


def with_targets(rule: Rule, requested: Iterable[Mapping[str, Any]]) -> Mapping[str, Target]:
    """Add targets to a rule's, or replace those with the same ids.

    Raises:
        ApiError: ValidationException or LimitExceededException.
    """
    targets = dict(rule.targets)
    for each in requested:
        if unknown := sorted(each.keys() - _TARGET_MEMBERS):
            raise _unsupported(f"{', '.join(unknown)} of a target")
        if not _LAMBDA.fullmatch(each["Arn"]):
            raise _unsupported(f"the target {each['Arn']}; it must be a Lambda function")
        if "Input" in each:
            _require_json(each["Input"])
        targets[each["Id"]] = Target(
            id=each["Id"],
            arn=each["Arn"],
            input=each.get("Input"),
            retry_policy=each.get("RetryPolicy"),
        )
    if len(targets) > _MAX_TARGETS:
        raise ApiError(
            "LimitExceededException", f"A rule has at most {_MAX_TARGETS} targets: {rule.name}."
        )
    return targets


def with_tags(tags: Mapping[str, str], added: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Add tags to a rule's, or replace those with the same keys.

    Raises:
        ApiError: LimitExceededException.
    """
    changed = {**tags, **{tag["Key"]: tag["Value"] for tag in added}}
    if len(changed) > _MAX_TAGS:
        raise ApiError("LimitExceededException", f"A rule has at most {_MAX_TAGS} tags.")
    return changed


def scheduled_event(rule: Rule, *, event_id: str, account_id: str, region: str, at: float) -> str:
    """Return the event for a target without an Input, as JSON."""
    return json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account_id,
            "time": dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [rule.arn],
            "detail": {},
        }
    )


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        raise ApiError("ValidationException", "Parameter Input is not valid JSON.") from None


def _unsupported(what: str) -> ApiError:
    return ApiError("ValidationException", f"The stand-in's EventBridge doesn't support {what}.")
