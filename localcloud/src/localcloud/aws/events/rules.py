"""Pure decisions about rules.

Sources: the API references of PutRule and PutTargets, and "Setting a schedule pattern for scheduled
rules" and "EventBridge quotas" in the Amazon EventBridge User Guide.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from localcloud.aws.events import patterns
from localcloud.aws.events.models import Rule, Target
from localcloud.aws.protocol import ApiError
from localcloud.aws.service_events import ServiceEvent

_RATE: Final = re.compile(
    r"rate\((?:1 (?P<one>minute|hour|day)|(?P<number>[1-9][0-9]*) (?P<many>minute|hour|day)s)\)"
)
_MAX_TARGETS: Final = 5
_MAX_TAGS: Final = 50
_TARGET: Final = re.compile(
    r"arn:aws:(?:lambda:[\w-]+:[0-9]{12}:function:[\w:$-]+|sns:[\w-]+:[0-9]{12}:[\w-]+"
    r"|(?P<logs>logs):[\w-]+:[0-9]{12}:log-group:[\w./#-]+(?::\*)?)"
)
_TARGET_MEMBERS: Final = frozenset({"Id", "Arn", "Input", "RetryPolicy"})
# Source: the API reference of TestEventPattern.
_EVENT_MEMBERS: Final = ("id", "account", "source", "time", "region", "resources", "detail-type")
_DEFAULT_BUS: Final = "default"


def require_supported(parameters: Mapping[str, Any]) -> None:
    """Refuse by name what the stand-in doesn't support.

    Raises:
        ApiError: ValidationException.
    """
    bus = parameters.get("EventBusName", _DEFAULT_BUS)
    if bus != _DEFAULT_BUS and not bus.endswith(f":event-bus/{_DEFAULT_BUS}"):
        raise _unsupported(f"the event bus {bus}")


def check_trigger(schedule: str, pattern: str | None) -> None:
    """Require a schedule or an event pattern, and each to be valid.

    Raises:
        ApiError: ValidationException or InvalidEventPatternException.
    """
    if not schedule and pattern is None:
        raise ApiError(
            "ValidationException",
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        )
    if schedule:
        interval(schedule)
    if pattern is not None:
        patterns.parse(pattern)


def custom_event(entry: Mapping[str, Any], now: float) -> ServiceEvent | Mapping[str, str]:
    """Return the event of an entry of PutEvents, or the error of the entry.

    Source: the API reference of PutEvents, and "Sending events with PutEvents" in the user guide.
    """
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    if entry["Source"].startswith("aws."):
        return {
            "ErrorCode": "NotAuthorizedForSourceException",
            "ErrorMessage": "Not authorized for the source.",
        }
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return ServiceEvent(
        source=entry["Source"],
        detail_type=entry["DetailType"],
        resources=tuple(entry.get("Resources", ())),
        detail=detail,
        at=float(entry.get("Time", now)),
    )


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


def test_event(text: str) -> Mapping[str, Any]:
    """Read the event of TestEventPattern.

    Raises:
        ApiError: ValidationException.
    """
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ApiError("ValidationException", "Parameter Event is not valid.")
    if missing := [name for name in _EVENT_MEMBERS if name not in event]:
        raise ApiError(
            "ValidationException", f"Parameter Event is not valid. Missing: {', '.join(missing)}."
        )
    return event


def with_targets(rule: Rule, requested: Iterable[Mapping[str, Any]]) -> Mapping[str, Target]:
    """Add targets to a rule's, or replace those with the same ids.

    Raises:
        ApiError: ValidationException or LimitExceededException.
    """
    targets = dict(rule.targets)
    for each in requested:
        if unknown := sorted(each.keys() - _TARGET_MEMBERS):
            raise _unsupported(f"{', '.join(unknown)} of a target")
        target = _TARGET.fullmatch(each["Arn"])
        if target is None:
            raise _unsupported(
                f"the target {each['Arn']}; it must be a Lambda function, an SNS topic or a log"
                " group"
            )
        if "Input" in each:
            if target["logs"]:
                raise _unsupported("Input of a log group")
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


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        raise ApiError("ValidationException", "Parameter Input is not valid JSON.") from None


def _unsupported(what: str) -> ApiError:
    return ApiError("ValidationException", f"The stand-in's EventBridge doesn't support {what}.")
