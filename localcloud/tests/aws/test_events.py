"""EventBridge at the endpoint: schedules that invoke a real function."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint
from aws.recording_function import RecordingFunction

pytestmark = pytest.mark.stand_in

PRINCIPAL = "events.amazonaws.com"


def test_a_rule_sends_the_input_to_its_target_if_the_functions_policy_lets_it(
    endpoint: AwsEndpoint,
) -> None:
    events, name = endpoint.client("events"), f"rule-{uuid.uuid4()}"
    function = RecordingFunction.create(endpoint, name)
    arn = events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")["RuleArn"]
    assert arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    target = {"Id": "function", "Arn": function.arn, "Input": json.dumps({"retire": []})}
    assert events.put_targets(Rule=name, Targets=[target])["FailedEntryCount"] == 0
    [refused] = endpoint.control().call("RunRule", Name=name)["Failures"]
    assert "doesn't let events.amazonaws.com invoke it" in refused
    function.allow(PRINCIPAL, SourceArn=arn)
    assert endpoint.control().call("RunRule", Name=name)["Failures"] == []
    assert function.wait_for_events(1) == [{"retire": []}]
    function.forbid(PRINCIPAL)
    function.allow(PRINCIPAL, SourceArn=f"{arn}-other")
    assert endpoint.control().call("RunRule", Name=name)["Failures"] != []
    assert function.events() == []


def test_a_rule_is_deleted_after_its_targets(endpoint: AwsEndpoint) -> None:
    events, name = endpoint.client("events"), f"rule-{uuid.uuid4()}"
    events.put_rule(
        Name=name, ScheduleExpression="rate(2 days)", Tags=[{"Key": "Project", "Value": "x"}]
    )
    described = events.describe_rule(Name=name)
    assert (described["State"], described["ScheduleExpression"]) == ("ENABLED", "rate(2 days)")
    assert events.list_tags_for_resource(ResourceARN=described["Arn"])["Tags"] == [
        {"Key": "Project", "Value": "x"}
    ]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": function}])
    assert events.list_rule_names_by_target(TargetArn=function)["RuleNames"] == [name]
    with pytest.raises(ClientError, match="Rule can't be deleted since it has targets"):
        events.delete_rule(Name=name)
    events.remove_targets(Rule=name, Ids=["one"])
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []
    events.delete_rule(Name=name)
    events.delete_rule(Name=name)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name=name)
