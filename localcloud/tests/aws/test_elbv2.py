"""A load balancer at the endpoint, by boto3."""

import aiohttp
import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint, eventually
from tests.ports import free_ports

pytestmark = pytest.mark.stand_in


async def test_a_load_balancer_serves_a_certificates_name(endpoint: AwsEndpoint) -> None:
    ec2, elb = endpoint.client("ec2"), endpoint.client("elbv2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
    certificate = endpoint.client("acm").request_certificate(DomainName="localhost")
    security_group = ec2.create_security_group(
        GroupName="load-balancer", Description="x", VpcId=vpc["VpcId"]
    )["GroupId"]
    [load_balancer] = elb.create_load_balancer(
        Name="lb",
        Subnets=[subnet["SubnetId"] for subnet in subnets["Subnets"]],
        SecurityGroups=[security_group],
    )["LoadBalancers"]
    arn = load_balancer["LoadBalancerArn"]
    assert load_balancer["State"]["Code"] == "provisioning"
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=security_group)
    group = elb.create_target_group(
        Name="group", Protocol="HTTP", Port=8080, VpcId=vpc["VpcId"], TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    [port] = free_ports(1)
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        Tags=[{"Key": "Project", "Value": "x"}],
    )
    eventually(
        lambda: (
            elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["State"]["Code"]
            == "active"
        )
    )
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"https://localhost:{port}/", ssl=endpoint.tls()) as response,
    ):
        assert response.status == 503
    attributes = elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "75"}],
    )["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "75"} in attributes
    with pytest.raises(ClientError, match="ValidationError"):
        elb.create_target_group(Name="no_underscores", Protocol="HTTP", Port=0)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_target_group(TargetGroupArn=group)
    ec2.delete_security_group(GroupId=security_group)
