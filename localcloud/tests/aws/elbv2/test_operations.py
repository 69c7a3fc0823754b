from typing import Any

import pytest

from aws.elbv2.conftest import CERTIFICATE, PENDING, Cloud
from localcloud.aws.protocol import ApiError
from tests.ports import free_ports


async def refused(cloud: Cloud, operation: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401 - the API's shapes
    """Return the code and message of a refused request."""
    with pytest.raises(ApiError) as error:
        await cloud.call(operation, **parameters)
    return error.value.code, error.value.message


async def test_a_new_load_balancer_is_provisioned_first(cloud: Cloud) -> None:
    arn = await cloud.load_balancer(Tags=[{"Key": "Project", "Value": "x"}])
    described = await cloud.call("DescribeLoadBalancers", Names=["lb"])
    [load_balancer] = described["LoadBalancers"]
    assert load_balancer["LoadBalancerArn"] == arn
    assert load_balancer["State"] == {"Code": "provisioning"}
    assert load_balancer["SecurityGroups"] == ["sg-default-vpc-1"]
    assert load_balancer["DNSName"].startswith("internal-lb-")
    tags = await cloud.call("DescribeTags", ResourceArns=[arn])
    assert tags["TagDescriptions"][0]["Tags"] == [{"Key": "Project", "Value": "x"}]


async def test_creation_is_repeatable_but_not_with_other_settings(cloud: Cloud) -> None:
    arn = await cloud.load_balancer()
    assert await cloud.load_balancer() == arn
    group = await cloud.group()
    assert await cloud.group() == group
    listener = await cloud.listener(arn, group)
    assert await cloud.listener(arn, group) == listener
    code, _ = await refused(
        cloud,
        "CreateLoadBalancer",
        Name="lb",
        Subnets=["public-a", "public-b"],
        Scheme="internet-facing",
    )
    assert code == "DuplicateLoadBalancerName"
    with pytest.raises(ApiError, match="different settings"):
        await cloud.group(Port=9090)
    other = await cloud.group("other")
    with pytest.raises(ApiError, match="already exists on this port"):
        await cloud.listener(arn, other)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Name": "under_score"}, "ValidationError"),
        ({"Name": "x" * 33}, "ValidationError"),
        ({"Name": "internal-lb"}, "ValidationError"),
        ({"Name": "lb-"}, "ValidationError"),
        ({"Subnets": ["public-a"]}, "ValidationError"),
        ({"Subnets": ["public-a", "gone"]}, "SubnetNotFound"),
        ({"Subnets": ["public-a", "also-a"]}, "InvalidConfigurationRequest"),
        ({"Subnets": ["public-a", "other-b"]}, "InvalidConfigurationRequest"),
        (
            {"Subnets": ["private-a", "private-b"], "Scheme": "internet-facing"},
            "InvalidSubnet",
        ),
        ({"SecurityGroups": ["gone"]}, "InvalidSecurityGroup"),
        ({"SecurityGroups": ["sg-2"]}, "InvalidConfigurationRequest"),
        ({"Type": "network"}, "InvalidConfigurationRequest"),
        ({"IpAddressType": "dualstack"}, "InvalidConfigurationRequest"),
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]},
            "DuplicateTagKeys",
        ),
    ],
)
async def test_a_load_balancer_that_aws_refuses_is_refused(
    cloud: Cloud, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ApiError) as error:
        await cloud.load_balancer(**changes)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VpcId": "vpc-0"}, "ValidationError"),
        ({"TargetType": "instance"}, "InvalidConfigurationRequest"),
        ({"Protocol": "HTTPS"}, "InvalidConfigurationRequest"),
        ({"HealthCheckPath": "healthz"}, "ValidationError"),
        (
            {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
            "ValidationError",
        ),
        ({"Matcher": {"HttpCode": "200-600"}}, "ValidationError"),
        ({"Matcher": {"HttpCode": "ok"}}, "ValidationError"),
        ({"HealthCheckPort": "9090"}, "InvalidConfigurationRequest"),
    ],
)
async def test_a_target_group_that_aws_refuses_is_refused(
    cloud: Cloud, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ApiError) as error:
        await cloud.group(**changes)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Protocol": "HTTPS"}, "ValidationError"),
        (
            {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": "gone"}]},
            "CertificateNotFound",
        ),
        (
            {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": PENDING}]},
            "UnsupportedCertificate",
        ),
        (
            {
                "Protocol": "HTTPS",
                "Certificates": [{"CertificateArn": CERTIFICATE}],
                "SslPolicy": "ELBSecurityPolicy-None",
            },
            "SSLPolicyNotFound",
        ),
        ({"SslPolicy": "ELBSecurityPolicy-2016-08"}, "InvalidConfigurationRequest"),
        ({"DefaultActions": [{"Type": "fixed-response"}]}, "InvalidLoadBalancerAction"),
        (
            {"DefaultActions": [{"Type": "forward", "TargetGroupArn": "gone"}]},
            "TargetGroupNotFound",
        ),
        ({"Protocol": "TCP"}, "InvalidConfigurationRequest"),
    ],
)
async def test_a_listener_that_aws_refuses_is_refused(
    cloud: Cloud, changes: dict[str, Any], code: str
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    with pytest.raises(ApiError) as error:
        await cloud.listener(load_balancer, group, **changes)
    assert error.value.code == code


async def test_a_port_that_is_in_use_is_named(cloud: Cloud) -> None:
    server = await cloud.server()
    load_balancer = await cloud.load_balancer(Scheme="internet-facing")
    with pytest.raises(ApiError, match=f"Port {server.port} on 127.0.0.1 isn't available"):
        await cloud.listener(load_balancer, await cloud.group(), Port=server.port)


async def test_what_is_in_use_is_not_deleted(cloud: Cloud) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    await cloud.call(
        "ModifyLoadBalancerAttributes", LoadBalancerArn=load_balancer, Attributes=[protection]
    )
    code, message = await refused(cloud, "DeleteTargetGroup", TargetGroupArn=group)
    assert (code, "currently in use by a listener" in message) == ("ResourceInUse", True)
    code, _ = await refused(cloud, "DeleteLoadBalancer", LoadBalancerArn=load_balancer)
    assert code == "OperationNotPermitted"
    await cloud.call(
        "ModifyLoadBalancerAttributes",
        LoadBalancerArn=load_balancer,
        Attributes=[{**protection, "Value": "false"}],
    )
    await cloud.call("DeleteLoadBalancer", LoadBalancerArn=load_balancer)
    await cloud.call("DeleteTargetGroup", TargetGroupArn=group)
    for operation, parameters, code in (
        ("DescribeLoadBalancers", {"LoadBalancerArns": [load_balancer]}, "LoadBalancerNotFound"),
        ("DescribeTargetGroups", {"TargetGroupArns": [group]}, "TargetGroupNotFound"),
    ):
        assert (await refused(cloud, operation, **parameters))[0] == code
    # As on AWS, deleting again succeeds.
    await cloud.call("DeleteLoadBalancer", LoadBalancerArn=load_balancer)


async def test_a_group_belongs_to_one_load_balancer(cloud: Cloud) -> None:
    group = await cloud.group()
    await cloud.listener(await cloud.load_balancer("one"), group)
    other = await cloud.load_balancer("other")
    with pytest.raises(ApiError) as error:
        await cloud.listener(other, group)
    assert error.value.code == "TargetGroupAssociationLimit"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("idle_timeout.timeout_seconds", "0", "ValidationError"),
        ("idle_timeout.timeout_seconds", "4001", "ValidationError"),
        ("idle_timeout.timeout", "60", "ValidationError"),
        ("access_logs.s3.enabled", "true", "InvalidConfigurationRequest"),
    ],
)
async def test_an_attribute_that_cannot_be_set_is_refused(
    cloud: Cloud, name: str, value: str, code: str
) -> None:
    arn = await cloud.load_balancer()
    before = await cloud.call("DescribeLoadBalancerAttributes", LoadBalancerArn=arn)
    refusal = await refused(
        cloud,
        "ModifyLoadBalancerAttributes",
        LoadBalancerArn=arn,
        Attributes=[{"Key": name, "Value": value}],
    )
    assert refusal[0] == code
    assert name in refusal[1]
    assert await cloud.call("DescribeLoadBalancerAttributes", LoadBalancerArn=arn) == before


async def test_targets_are_addresses_of_private_networks(cloud: Cloud) -> None:
    group = await cloud.group()
    for address in ("8.8.8.8", "i-1", "127.0.0.1"):
        code, _ = await refused(
            cloud, "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": address}]
        )
        assert code == "ValidationError"
    await cloud.call("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    described = await cloud.call("DescribeTargetHealth", TargetGroupArn=group)
    [target] = described["TargetHealthDescriptions"]
    assert target["Target"] == {"Id": "10.0.0.1", "Port": 8080}
    assert target["TargetHealth"]["Reason"] == "Target.NotInUse"
    missing = await cloud.call(
        "DescribeTargetHealth", TargetGroupArn=group, Targets=[{"Id": "10.0.0.2"}]
    )
    [unknown] = missing["TargetHealthDescriptions"]
    assert unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"


async def test_a_listener_moves_to_another_port_and_group(cloud: Cloud) -> None:
    first, second = free_ports(2)
    load_balancer = await cloud.load_balancer(Scheme="internet-facing")
    group, other = await cloud.group(), await cloud.group("other")
    listener = await cloud.listener(load_balancer, group, Port=first)
    await cloud.call(
        "ModifyListener",
        ListenerArn=listener,
        Port=second,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": other}],
    )
    assert cloud.service.address(load_balancer, first) is None
    assert cloud.service.address(load_balancer, second) == ("127.0.0.1", second)
    [rule] = (await cloud.call("DescribeRules", ListenerArn=listener))["Rules"]
    assert (rule["IsDefault"], rule["Actions"][0]["TargetGroupArn"]) == (True, other)
    info = await cloud.service.target_group(group)
    assert info is not None
    assert info.load_balancer_arns == ()


async def test_an_operation_that_is_missing_is_refused_by_name(cloud: Cloud) -> None:
    code, message = await refused(cloud, "CreateRule")
    assert (code, "CreateRule" in message) == ("OperationNotPermitted", True)


async def test_descriptions_have_pages(cloud: Cloud) -> None:
    arns = [await cloud.group(f"group-{number}") for number in range(3)]
    first = await cloud.call("DescribeTargetGroups", PageSize=2)
    rest = await cloud.call("DescribeTargetGroups", PageSize=2, Marker=first["NextMarker"])
    found = [*first["TargetGroups"], *rest["TargetGroups"]]
    assert [each["TargetGroupArn"] for each in found] == arns
    assert rest["NextMarker"] is None
    code, _ = await refused(cloud, "DescribeTargetGroups", Marker="nonsense")
    assert code == "ValidationError"
    code, _ = await refused(cloud, "DescribeTags", ResourceArns=[arns[0]] * 21)
    assert code == "ValidationError"
