"""EventBridge at the endpoint: schedules and events that reach real targets."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, eventually
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


def test_events_reach_a_topic_and_a_log_group_if_their_policies_let_them(
    endpoint: AwsEndpoint,
) -> None:
    events, sns, logs = (endpoint.client(each) for each in ("events", "sns", "logs"))
    name = f"rule-{uuid.uuid4()}"
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    topic, group = sns.create_topic(Name=name)["TopicArn"], f"/aws/events/{name}"
    logs.create_log_group(logGroupName=group)
    group_arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    targets = [{"Id": "topic", "Arn": topic}, {"Id": "logs", "Arn": group_arn}]
    assert events.put_targets(Rule=name, Targets=targets)["FailedEntryCount"] == 0
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="oncall@example.com")
    endpoint.control().call("ConfirmSubscriptions", TopicArn=topic)

    def send(number: int) -> None:
        entry = {"Source": name, "DetailType": "x", "Detail": json.dumps({"number": number})}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def mails() -> list[str]:
        messages = endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
        return [each["Message"] for each in messages if each["Type"] == "Notification"]

    def written() -> list[str]:
        return [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]

    send(1)
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": PRINCIPAL},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    log_policy = {
        **policy,
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group_arn}:*",
    }
    # The first event is refused: it must be on its way before anything is allowed.
    counted = {
        "Namespace": "AWS/Events",
        "MetricName": "FailedInvocations",
        "Dimensions": [{"Name": "RuleName", "Value": name}],
    }
    eventually(lambda: endpoint.client("cloudwatch").list_metrics(**counted)["Metrics"])
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [policy]}),
    )
    logs.put_resource_policy(
        policyName=name,
        policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [log_policy]}),
    )
    send(2)
    eventually(lambda: mails() and written())
    [mail], [line] = mails(), written()
    assert json.loads(mail) == json.loads(line)
    assert json.loads(mail)["detail"] == {"number": 2}
    logs.delete_resource_policy(policyName=name)


def test_an_alarm_on_the_events_of_a_rule_is_raised_and_clears(endpoint: AwsEndpoint) -> None:
    events, cloudwatch = endpoint.client("events"), endpoint.client("cloudwatch")
    name = f"rule-{uuid.uuid4()}"
    topic = endpoint.client("sns").create_topic(Name=name)["TopicArn"]
    endpoint.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    endpoint.control().call("ConfirmSubscriptions", TopicArn=topic)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": topic}])
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Events",
        MetricName="TriggeredRules",
        Dimensions=[{"Name": "RuleName", "Value": name}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        OKActions=[topic],
    )

    def subjects() -> list[str]:
        messages = endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
        return [each["Subject"] for each in messages if each["Type"] == "Notification"]

    dimension = [{"Name": "RuleName", "Value": name}]
    endpoint.control().call("MoveClock", Seconds=300)
    quiet = subjects()
    events.put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}])
    eventually(
        lambda: cloudwatch.list_metrics(MetricName="TriggeredRules", Dimensions=dimension)[
            "Metrics"
        ]
    )
    endpoint.control().call("MoveClock", Seconds=60)
    eventually(lambda: len(subjects()) > len(quiet))
    endpoint.control().call("MoveClock", Seconds=300)
    eventually(lambda: len(subjects()) > len(quiet) + 1)
    # The rule itself may not publish: the topic has its default policy.
    assert [each.partition(":")[0] for each in subjects()[len(quiet) :]] == ["ALARM", "OK"]
    cloudwatch.delete_alarms(AlarmNames=[name])
