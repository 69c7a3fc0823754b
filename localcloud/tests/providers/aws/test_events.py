"""EventBridge's rules and targets."""

import pytest

from localcloud.providers.aws.clients import AwsError
from localcloud.providers.aws.events import EventRule, EventTarget
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.schema import ProviderError
from localcloud.providers.values import Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    not_found,
    resource_request,
    update_request,
)

_RULE: Values = {
    "name": "hourly",
    "eventBusName": "default",
    "scheduleExpression": "rate(1 hour)",
}
_TARGET: Values = {
    "arn": "arn:aws:lambda:us-east-1:000000000000:function:rotation",
    "eventBusName": "default",
    "input": "{}",
    "rule": "hourly",
    "targetId": "retire",
}


@pytest.mark.parametrize(
    ("bus", "rule_id", "target_id"),
    [("default", "hourly", "hourly-retire"), ("other", "other/hourly", "other-hourly-retire")],
)
def test_an_id_leaves_out_the_default_bus(bus: str, rule_id: str, target_id: str) -> None:
    aws = fake(PutRule=[{"RuleArn": "a"}], PutTargets=[{"FailedEntryCount": 0}])
    rule = create_request(aws, {**_RULE, "eventBusName": bus})
    target = create_request(aws, {**_TARGET, "eventBusName": bus})
    assert EventRule().create(rule).id == rule_id
    assert EventTarget().create(target).id == target_id
    found = EventRule().identity(resource_request(aws, rule_id, {}))
    assert found == {"EventBusName": bus, "Name": "hourly"}
    for operation in ("PutRule", "PutTargets"):
        (sent,) = aws.called(operation)
        assert list(parameter_errors(sent, aws.input_shape("events", operation))) == []


def test_a_disabled_rule_is_read_as_disabled() -> None:
    rule = {"Name": "hourly", "EventBusName": "default", "Arn": "a", "State": "DISABLED"}
    aws = fake(DescribeRule=[rule], ListTagsForResource=[{"Tags": []}])
    found = EventRule().read(resource_request(aws, "hourly", {}))
    assert found is not None
    assert (found["state"], found["isEnabled"]) == ("DISABLED", False)


def test_a_rule_is_deleted_once_its_targets_are_gone() -> None:
    refusal = AwsError(
        "DeleteRule", "ValidationException", "Rule can't be deleted since it has targets."
    )
    aws = fake(DeleteRule=[refusal, {}])
    EventRule().delete(resource_request(aws, "hourly", {}))
    assert aws.called("DeleteRule") == 2 * [{"EventBusName": "default", "Name": "hourly"}]
    denied = AwsError("DeleteRule", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match="AccessDeniedException"):
        EventRule().delete(resource_request(fake(DeleteRule=[denied]), "hourly", {}))
    forced = fake(DeleteRule=[not_found("DeleteRule")])
    EventRule().delete(resource_request(forced, "hourly", {"forceDestroy": True}))
    assert forced.called("DeleteRule")[0]["Force"] is True


def test_a_target_is_checked_like_the_list_that_it_is_sent_in() -> None:
    wrong: Values = {**_TARGET, "targetId": "two words", "input": "x" * 8193}
    _, failures = EventTarget().check(check_request(fake(), wrong))
    assert {failure.property for failure in failures} == {"targetId", "input"}
    _, failures = EventTarget().check(check_request(fake(), _TARGET))
    assert failures == []


def test_the_error_of_a_target_in_a_successful_response_is_raised() -> None:
    failed = {"TargetId": "retire", "ErrorCode": "InternalFailure", "ErrorMessage": "later"}
    aws = fake(PutTargets=[{"FailedEntryCount": 1, "FailedEntries": [failed]}])
    with pytest.raises(ProviderError, match="PutTargets: retire: InternalFailure: later"):
        EventTarget().create(create_request(aws, _TARGET))
    aws = fake(RemoveTargets=[{"FailedEntryCount": 1, "FailedEntries": [failed]}])
    with pytest.raises(ProviderError, match="RemoveTargets: retire: InternalFailure: later"):
        EventTarget().delete(resource_request(aws, "hourly-retire", _TARGET))


@pytest.mark.parametrize(
    ("resource_id", "state"),
    [
        ("hourly-retire", _TARGET),
        ("hourly/retire", {}),
        ("default/hourly/retire", {}),
    ],
)
def test_a_target_is_found_among_those_of_its_rule(resource_id: str, state: Values) -> None:
    targets = [
        {"Id": "other", "Arn": "x"},
        {"Id": "retire", "Arn": _TARGET["arn"], "Input": "{}"},
    ]
    aws = fake(ListTargetsByRule=[{"Targets": targets}])
    found = EventTarget().read(resource_request(aws, resource_id, state))
    assert found == {**_TARGET, "region": "us-east-1", "id": "hourly-retire"}
    (sent,) = aws.called("ListTargetsByRule")
    assert (sent["Rule"], sent["EventBusName"]) == ("hourly", "default")


@pytest.mark.parametrize("response", [{"Targets": []}, not_found("ListTargetsByRule")])
def test_a_target_that_is_gone_is_not_found(response: object) -> None:
    aws = fake(ListTargetsByRule=[response])
    assert EventTarget().read(resource_request(aws, "hourly-retire", _TARGET)) is None


def test_a_target_is_replaced_and_removed_by_its_id() -> None:
    aws = fake(PutTargets=[{"FailedEntryCount": 0}], RemoveTargets=[{"FailedEntryCount": 0}])
    changed: Values = {**_TARGET, "input": "[]"}
    EventTarget().update(update_request(aws, "hourly-retire", _TARGET, changed))
    (sent,) = aws.called("PutTargets")
    assert sent["Targets"] == [{"Arn": _TARGET["arn"], "Id": "retire", "Input": "[]"}]
    EventTarget().delete(resource_request(aws, "hourly-retire", _TARGET))
    assert aws.called("RemoveTargets") == [
        {"EventBusName": "default", "Rule": "hourly", "Ids": ["retire"]}
    ]


def test_a_rule_needs_a_schedule_or_a_pattern() -> None:
    neither: Values = {"name": "hourly", "eventBusName": "default"}
    _, failures = EventRule().check(check_request(fake(), neither))
    assert [failure.property for failure in failures] == ["scheduleExpression"]
    pattern: Values = {**neither, "eventPattern": '{"source": ["aws.ecs"]}'}
    assert EventRule().check(check_request(fake(), pattern))[1] == []
