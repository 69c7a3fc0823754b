"""Route 53 at the endpoint, by boto3."""

import uuid

import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint, eventually

pytestmark = pytest.mark.stand_in


def test_a_record_points_to_a_load_balancer(endpoint: AwsEndpoint) -> None:
    route53, name = endpoint.client("route53"), f"{uuid.uuid4()}.example.com"
    zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    record = {
        "Name": f"mcp.{name}.",
        "Type": "A",
        "AliasTarget": {
            "HostedZoneId": "Z35SXDOTRQ7X7K",
            "DNSName": "lb-1.us-east-1.elb.amazonaws.com.",
            "EvaluateTargetHealth": False,
        },
    }
    for action in ("CREATE", "UPSERT", "DELETE"):
        change = {"Action": action, "ResourceRecordSet": record}
        answer = route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [change]}
        )
        change_id = answer["ChangeInfo"]["Id"]
        eventually(lambda: route53.get_change(Id=change_id)["ChangeInfo"]["Status"] == "INSYNC")  # noqa: B023 - called at once
        listed = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        assert (record in [each for each in listed if each["Type"] == "A"]) is (action != "DELETE")
    route53.delete_hosted_zone(Id=zone)


def test_what_no_zone_or_record_needs_is_refused_by_name(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError) as refused:
        endpoint.client("route53").list_health_checks()
    assert "healthcheck" in refused.value.response["Error"]["Message"]
