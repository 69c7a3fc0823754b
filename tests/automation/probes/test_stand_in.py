"""The stand-in behaves as was recorded on AWS, or else as AWS's documents promise."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import httpx2
import pytest

from automation.checks.results import Outcome
from automation.grants import Purpose, StackLocation
from automation.probes.access import unvalidated_clients
from automation.probes.comparison import as_diff, differences
from automation.probes.families.log_groups import KEY_OF_SECRETS
from automation.probes.kinds import KINDS, PREFIX, TAG, find_leftovers
from automation.probes.probe import Probe
from automation.probes.recordings import STAND_IN, committed
from automation.probes.registry import PROBES
from automation.probes.runner import run
from automation.probes.sandbox import Surroundings
from automation.roles import permissions
from components.names import ResourceNames
from components.settings import Hosting
from localcloud import docker_engine
from localcloud.access_key import AccessKey
from localcloud.aws.standalone import aws_endpoint
from localcloud.paths import Home
from localcloud.progress import Progress
from tests.aws_calls import action_of
from tests.ports import free_ports
from tests.repository import ROOT

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_PORTS = 8
_ALONE = [each for each in PROBES.values() if not each.needs]
_RECORDED = committed(ROOT)


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """The stand-in's AWS endpoint, as the probes use it.

    Attributes:
        around: for the probes.
        called: the actions of the operations that were called.
    """

    around: Surroundings
    called: set[str]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    home = Home(tmp_path_factory.mktemp("home"))
    engine = docker_engine.ensure(Progress(), home)
    ports = sorted(free_ports(_PORTS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.host)
        with aws_endpoint(service_ports=(ports[0], ports[-1])) as endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint.url)
            key = AccessKey.load(endpoint.credentials)
            session = boto3.Session(
                aws_access_key_id=key.key_id,
                aws_secret_access_key=key.secret,
                region_name=endpoint.region,
            )
            called: set[str] = set()

            def record(model: object, **_: object) -> None:
                called.add(action_of(model.service_model.service_name, model.name))  # type: ignore[attr-defined] # botocore has no types

            _make_key_of_secrets(session.client("kms"))
            session.events.register("before-call", record)
            credentials = session.get_credentials()
            assert credentials
            tls = ssl.create_default_context(cafile=str(endpoint.ca_bundle))
            with httpx2.Client(verify=tls, timeout=60) as http:
                around = Surroundings(
                    clients=unvalidated_clients(session),
                    region=endpoint.region,
                    token_base=lambda _: endpoint.url,
                    http=http,
                    tls=tls,
                    credentials=credentials.get_frozen_credentials(),
                    propagation=0,
                )
                yield StandIn(around=around, called=called)
    docker_engine.release(home)


def _make_key_of_secrets(kms: Any) -> None:  # noqa: ANN401 - boto3's
    """Make the key that AWS makes for an account's first secret; the stand-in has none."""
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=KEY_OF_SECRETS, TargetKeyId=key)


@pytest.mark.parametrize("probe", _ALONE, ids=lambda each: each.key)
def test_the_stand_in_behaves_as_aws(stand_in: StandIn, probe: Probe) -> None:
    [result] = run([probe], stand_in.around, _RECORDED)
    assert result.recording, result.reason
    found = differences(result.expected, result.recording.observation)
    unknown = [each for each in found if each.key not in probe.differs]
    assert not unknown, f"{as_diff(result.expected.basis, unknown)}\n{result.recording.messages}"
    # A difference that is gone belongs to the equal behaviors of docs/parity.md.
    assert probe.differs == {each.key for each in found}
    assert result.outcome is Outcome.PASSED
    assert result.remaining == {}
    assert result.recording.source == STAND_IN
    assert "000000000000" not in result.recording.text()


def test_nothing_is_left_and_every_call_is_allowed(stand_in: StandIn) -> None:
    """Runs after the probes: it uses what they have called."""
    assert find_leftovers(stand_in.around.clients).found == ()
    location = StackLocation(
        names=ResourceNames(prefix="neo4j-mcp", stack="dev"),
        project="neo4j-mcp",
        account="000000000000",
        region="us-east-1",
    )
    document = json.loads(permissions(Purpose.PROBE, location, [Hosting.APP_RUNNER]))
    allowed = {action for each in document["Statement"] for action in each["Action"]}
    assert len(stand_in.called) > 50
    assert stand_in.called <= allowed


def test_what_a_killed_run_has_left_is_found_and_removed(stand_in: StandIn) -> None:
    clients, name = stand_in.around.clients, f"{PREFIX}00000000"
    trust = {"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:*"}
    clients("cognito-idp").create_user_pool(PoolName=name)
    clients("secretsmanager").create_secret(Name=name, SecretString="x")
    clients("logs").create_log_group(logGroupName=name)
    clients("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    clients("sns").create_topic(Name=name)
    clients("ecr").create_repository(repositoryName=name)
    clients("ecs").create_cluster(clusterName=name)
    clients("apprunner").create_auto_scaling_configuration(AutoScalingConfigurationName=name)
    clients("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    events = clients("events")
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    target = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])
    alarm = {
        "Namespace": "x",
        "MetricName": "x",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    clients("cloudwatch").put_metric_alarm(AlarmName=name, **alarm)
    clients("cloudwatch").put_metric_alarm(AlarmName="other", **alarm)
    clients("cloudwatch").put_composite_alarm(
        AlarmName=f"{name}-composite", AlarmRule=f'ALARM("{name}")'
    )
    vpc = clients("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    tag = {"Key": TAG[0], "Value": TAG[1]}
    clients("ec2").create_security_group(
        GroupName=name,
        Description="x",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [tag]}],
    )
    subnet = clients("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    clients("apprunner").create_vpc_connector(VpcConnectorName=name, Subnets=[subnet])
    left = find_leftovers(clients)
    assert left.unread == {}
    # A function needs a role that it may assume; it is removed by its name, as all others.
    assert {each.kind.title for each in left.found} == {
        each.title for each in KINDS if each.title != "function"
    }
    for each in left.found:
        each.kind.remove(clients(each.kind.service), each.resource)
    assert find_leftovers(clients).found == ()
    assert clients("cloudwatch").describe_alarms(AlarmNames=["other"])["MetricAlarms"]
