"""The alarms' mute rule during a deployment."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.validate import validate_parameters

from automation.muting import alarm_names, delete_mute_rules, muting

RULE = "neo4j-mcp-dev-deployment"
NOW = dt.datetime(2026, 11, 27, 17, 3, 59, tzinfo=dt.timezone(dt.timedelta(hours=1)))
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
REGION = "eu-west-1"


def _alarm(name: str, region: str = REGION, kind: str = ALARM, **state: object) -> dict[str, Any]:
    arn = f"arn:aws:cloudwatch:{region}:111122223333:alarm:{name}"
    return {"type": kind, "id": name, "outputs": {"arn": arn}, **state}


TOPIC = {"type": "aws:sns/topic:Topic", "id": "topic"}
STATE = {
    "resources": [
        TOPIC,
        _alarm("latency"),
        _alarm("replaced", delete=True),
        {"type": ALARM},
        _alarm("callers", kind=COMPOSITE),
    ]
}
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutAlarmMuteRule")
NO_RULE = ClientError(
    {"Error": {"Code": "ResourceNotFoundException", "Message": "no rule"}}, "GetAlarmMuteRule"
)
NO_ANSWER = ConnectTimeoutError(endpoint_url="https://monitoring.example")


class _CloudWatch:
    """CloudWatch's mute rules; validates every request against its model."""

    def __init__(self, status: str = "ACTIVE", **errors: Exception) -> None:
        self.rules: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self._status = status
        self._errors = errors
        self._model = botocore.session.get_session().get_service_model("cloudwatch")

    def __call__(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        assert service == "cloudwatch"
        name = "".join(part.title() for part in operation.split("_"))
        shape = self._model.operation_model(name).input_shape
        assert shape is not None
        validate_parameters(parameters, shape)
        self.calls.append(operation)
        if error := self._errors.get(operation):
            raise error
        if operation == "put_alarm_mute_rule":
            self.rules[parameters["Name"]] = parameters
        elif operation == "delete_alarm_mute_rule":
            self.rules.pop(parameters["AlarmMuteRuleName"], None)
        elif (rule := self.rules.get(parameters["AlarmMuteRuleName"])) is None:
            raise NO_RULE
        else:
            return {"Status": self._status, **rule}
        return {}


def _deploy(
    aws: _CloudWatch,
    run: Callable[[], object] = lambda: None,
    state: dict[str, Any] = STATE,
) -> list[str]:
    reported: list[str] = []
    with muting(state, RULE, lambda _: aws, reported.append, lambda: NOW) as mute:
        mute()
        run()
    return reported


def test_every_alarm_of_the_stack_is_muted_for_an_hour_from_this_minute() -> None:
    aws = _CloudWatch()
    during: list[dict[str, Any]] = []

    reported = _deploy(aws, lambda: during.append(aws.rules[RULE]))

    (rule,) = during
    assert rule["MuteTargets"] == {"AlarmNames": ["callers", "latency"]}
    assert rule["Rule"]["Schedule"] == {
        "Expression": "at(2026-11-27T16:03)",
        "Duration": "PT60M",
        "Timezone": "UTC",
    }
    assert reported == []
    assert aws.rules == {}


def test_the_rule_is_deleted_after_a_failed_or_interrupted_deployment() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    aws = _CloudWatch()
    with pytest.raises(KeyboardInterrupt):
        _deploy(aws, interrupt)

    assert aws.calls[-1] == "delete_alarm_mute_rule"
    assert aws.rules == {}


def test_a_rule_that_a_killed_deployment_left_is_replaced_and_deleted() -> None:
    aws = _CloudWatch()
    aws.rules[RULE] = {"Name": RULE, "MuteTargets": {"AlarmNames": ["old"]}}

    _deploy(aws)

    assert aws.rules == {}


def test_a_rule_that_a_killed_deployment_left_is_deleted_if_nothing_is_deployed() -> None:
    aws = _CloudWatch()
    aws.rules[RULE] = {"Name": RULE}
    reported: list[str] = []

    delete_mute_rules(STATE, RULE, lambda _: aws, reported.append)

    assert (aws.rules, reported) == ({}, [])
    delete_mute_rules(
        STATE, RULE, lambda _: _CloudWatch(delete_alarm_mute_rule=DENIED), reported.append
    )
    assert "may stay muted for up to an hour" in reported[0]


def test_a_stack_without_alarms_makes_no_call() -> None:
    aws = _CloudWatch()

    assert _deploy(aws, state={"resources": [TOPIC]}) == []
    assert aws.calls == []
    assert alarm_names({}) == {}


def test_alarms_in_another_region_are_muted_there() -> None:
    state = {"resources": [_alarm("latency"), _alarm("edge-errors", "us-east-1")]}
    regions = {REGION: _CloudWatch(), "us-east-1": _CloudWatch()}
    reported: list[str] = []

    with muting(state, RULE, regions.__getitem__, reported.append, lambda: NOW) as mute:
        mute()
        muted = {
            region: aws.rules[RULE]["MuteTargets"]["AlarmNames"] for region, aws in regions.items()
        }

    assert muted == {REGION: ["latency"], "us-east-1": ["edge-errors"]}
    assert not any(aws.rules for aws in regions.values())


def test_a_deployment_continues_if_its_alarms_cannot_be_muted() -> None:
    deployed: list[bool] = []
    aws = _CloudWatch(put_alarm_mute_rule=DENIED)

    (line,) = _deploy(aws, lambda: deployed.append(True))

    assert deployed
    assert "may report this deployment" in line
    assert aws.calls == ["put_alarm_mute_rule"]


def test_a_rule_that_cloudwatch_put_without_answering_is_deleted() -> None:
    class WithoutAnswer(_CloudWatch):
        def __call__(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
            found = super().__call__(service, operation, **parameters)
            if operation == "put_alarm_mute_rule":
                raise NO_ANSWER
            return found

    aws = WithoutAnswer()

    assert len(_deploy(aws)) == 1
    assert aws.rules == {}


def test_a_rule_that_cloudwatch_did_not_put_is_not_deleted() -> None:
    aws = _CloudWatch(put_alarm_mute_rule=NO_ANSWER)

    assert len(_deploy(aws)) == 1
    assert aws.calls == ["put_alarm_mute_rule", "get_alarm_mute_rule"]


def test_a_deployment_without_the_stacks_lock_does_not_touch_the_rule_of_another() -> None:
    aws = _CloudWatch()

    with muting(STATE, RULE, lambda _: aws, print, lambda: NOW) as mute:
        mute()
        before = aws.rules[RULE]
        with muting(STATE, RULE, lambda _: aws, print, lambda: NOW):
            pass
        assert aws.rules[RULE] is before

    assert aws.rules == {}


def test_a_deployment_does_not_delete_the_rule_of_the_next_one() -> None:
    aws, reported = _CloudWatch(), list[str]()

    with muting(STATE, RULE, lambda _: aws, reported.append, lambda: NOW) as second:
        with muting(STATE, RULE, lambda _: aws, reported.append, lambda: NOW) as first:
            first()
            # The first one has released the lock, and waits for the host.
            second()
        assert RULE in aws.rules

    assert aws.rules == {}
    assert reported == []


def test_an_event_after_the_end_does_not_mute() -> None:
    aws = _CloudWatch()

    with muting(STATE, RULE, lambda _: aws, print, lambda: NOW) as mute:
        pass
    mute()

    assert aws.calls == []


def test_a_rule_that_is_not_active_is_reported() -> None:
    (line,) = _deploy(_CloudWatch(status="SCHEDULED"))

    assert f"the mute rule {RULE} as SCHEDULED" in line


@pytest.mark.parametrize("operation", ["get_alarm_mute_rule", "delete_alarm_mute_rule"])
def test_a_rule_that_cannot_be_deleted_is_reported_with_its_end_and_the_command(
    operation: str,
) -> None:
    errors: dict[str, Any] = {operation: DENIED}
    *_, line = _deploy(_CloudWatch(**errors))

    assert re.search(r"muted until 17:03 UTC: .*AccessDenied", line)
    assert f"aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name {RULE}" in line
