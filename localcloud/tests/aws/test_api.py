"""App Runner's API without a deployment: what it refuses, and the resources services share."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, Deployments
from localcloud.access_key import AccessKey

pytestmark = pytest.mark.stand_in


def refused(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The error's code and message."""
    described = error.value.response["Error"]
    return f"{described['Code']}: {described['Message']}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ServiceName": "x"}, "ValidationException: 2 validation errors detected: Value 'x' at"),
        ({"InstanceConfiguration": {"Cpu": "3 vCPU"}}, "regular expression pattern: 256|512|1024"),
        (
            {"InstanceConfiguration": {"Cpu": "1 vCPU", "Memory": "12 GB"}},
            "InvalidRequestException: 12288 MB of memory can't be combined with 1024 CPU",
        ),
        (
            {"HealthCheckConfiguration": {"Protocol": "UDP", "Interval": 21}},
            (
                "ValidationException: 2 validation errors detected: Value 'UDP' at "
                "'healthCheckConfiguration.protocol' failed to satisfy constraint: Member must "
                "satisfy enum value set: [TCP, HTTP]; Value '21' at"
            ),
        ),
        ({"HealthCheckConfiguration": {"Interval": "5"}}, "SerializationException: health"),
        (
            {"AutoScalingConfigurationArn": f"arn:aws:apprunner:{REGION}:{ACCOUNT}:none/x"},
            "InvalidRequestException: AutoScalingConfiguration arn:aws:apprunner",
        ),
        (
            {"NetworkConfiguration": {"EgressConfiguration": {"EgressType": "VPC"}}},
            "InvalidRequestException: EgressType VPC needs a VpcConnectorArn.",
        ),
        (
            {
                "NetworkConfiguration": {
                    "EgressConfiguration": {
                        "EgressType": "VPC",
                        "VpcConnectorArn": f"arn:aws:apprunner:{REGION}:{ACCOUNT}:vpcconnector/x",
                    }
                }
            },
            "InvalidRequestException: VpcConnector arn:aws:apprunner",
        ),
        (
            {"NetworkConfiguration": {"IngressConfiguration": {"IsPubliclyAccessible": False}}},
            "InvalidRequestException: Private ingress is not supported by the stand-in.",
        ),
    ],
)
def test_invalid_services_are_refused(
    changes: dict[str, Any], expected: str, deployments: Deployments
) -> None:
    with pytest.raises(ClientError) as error:
        deployments.create(**{"name": "is-refused", **changes})
    assert expected in refused(error)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.example/server:1", "ValidationException"),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/server:1", "InvalidRequestException"),
    ],
)
def test_images_of_other_registries_are_refused(
    image: str, expected: str, deployments: Deployments
) -> None:
    with pytest.raises(ClientError) as error:
        deployments.create(
            "other-image", SourceConfiguration=deployments.configuration(image=image)
        )
    assert refused(error).startswith(expected)


def test_variables_that_app_runner_reserves_are_refused(deployments: Deployments) -> None:
    source = deployments.configuration(environment={"AWSAPPRUNNER_X": "1"})
    with pytest.raises(ClientError, match="AWSAPPRUNNER are reserved"):
        deployments.create("reserved-name", SourceConfiguration=source)


def test_values_of_variables_are_not_in_errors(deployments: Deployments) -> None:
    source = deployments.configuration(environment={"SECRET": "line\nhush"})
    with pytest.raises(ClientError) as error:
        deployments.create("hidden-value", SourceConfiguration=source)
    assert "sECRET" in refused(error)
    assert "hush" not in refused(error)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("create_connection", {"ConnectionName": "github", "ProviderType": "GITHUB"}),
        ("associate_custom_domain", {"ServiceArn": "arn", "DomainName": "example.com"}),
        ("list_vpc_ingress_connections", {}),
    ],
)
def test_unsupported_operations_are_refused_by_name(
    operation: str, parameters: dict[str, str], endpoint: AwsEndpoint
) -> None:
    client = endpoint.client("apprunner")
    parameters = {
        key: f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/x" if value == "arn" else value
        for key, value in parameters.items()
    }
    with pytest.raises(ClientError) as error:
        getattr(client, operation)(**parameters)
    name = operation.title().replace("_", "")
    assert refused(error) == (
        f"UnknownOperationException: {name} is not supported by the stand-in's App Runner."
    )


def test_other_regions_and_accounts_are_refused(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError) as region:
        endpoint.client("apprunner", region="eu-west-1").list_services()
    assert refused(region).startswith("InvalidSignatureException")
    key = AccessKey(key_id="111111111111", secret=endpoint.key.secret)
    with pytest.raises(ClientError) as account:
        endpoint.client("apprunner", key=key).list_services()
    assert refused(account).startswith("UnrecognizedClientException")


def test_unknown_services_are_not_found(endpoint: AwsEndpoint) -> None:
    arn = f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/none/{'0' * 32}"
    client = endpoint.client("apprunner")
    for call in (
        client.describe_service,
        client.delete_service,
        client.pause_service,
        client.resume_service,
        client.start_deployment,
        client.list_operations,
    ):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            call(ServiceArn=arn)


def test_auto_scaling_configurations_have_revisions(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("apprunner")
    name = "revised-scaling"
    first = client.create_auto_scaling_configuration(AutoScalingConfigurationName=name)[
        "AutoScalingConfiguration"
    ]
    assert (first["MaxConcurrency"], first["MinSize"], first["MaxSize"]) == (100, 1, 25)
    assert (first["AutoScalingConfigurationRevision"], first["Latest"]) == (1, True)
    assert (first["Status"], first["HasAssociatedService"], first["IsDefault"]) == (
        "ACTIVE",
        False,
        False,
    )
    second = client.create_auto_scaling_configuration(
        AutoScalingConfigurationName=name, MaxConcurrency=10, MinSize=2, MaxSize=4
    )["AutoScalingConfiguration"]
    described = client.describe_auto_scaling_configuration(
        AutoScalingConfigurationArn=first["AutoScalingConfigurationArn"]
    )["AutoScalingConfiguration"]
    assert described["Latest"] is False
    without_id = second["AutoScalingConfigurationArn"].rpartition("/")[0]
    without_revision = without_id.rpartition("/")[0]
    for arn in (without_id, without_revision):
        found = client.describe_auto_scaling_configuration(AutoScalingConfigurationArn=arn)
        assert found["AutoScalingConfiguration"] == second
    listed = client.list_auto_scaling_configurations(
        AutoScalingConfigurationName=name, MaxResults=1
    )
    assert len(listed["AutoScalingConfigurationSummaryList"]) == 1
    rest = client.list_auto_scaling_configurations(
        AutoScalingConfigurationName=name, NextToken=listed["NextToken"]
    )
    assert [
        each["AutoScalingConfigurationRevision"]
        for each in rest["AutoScalingConfigurationSummaryList"]
    ] == [1]
    for each in (first, second):
        deleted = client.delete_auto_scaling_configuration(
            AutoScalingConfigurationArn=each["AutoScalingConfigurationArn"]
        )["AutoScalingConfiguration"]
        assert deleted["Status"] == "INACTIVE"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_auto_scaling_configuration(AutoScalingConfigurationArn=without_revision)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"MinSize": 3, "MaxSize": 2}, "InvalidRequestException: MinSize must not be greater"),
        ({"MaxSize": 26}, "InvalidRequestException: MaxSize must not be greater than 25."),
        ({"MaxConcurrency": 201}, "ValidationException"),
        ({"MinSize": 0}, "ValidationException"),
    ],
)
def test_invalid_auto_scaling_is_refused(
    settings: dict[str, int], expected: str, endpoint: AwsEndpoint
) -> None:
    with pytest.raises(ClientError) as error:
        endpoint.client("apprunner").create_auto_scaling_configuration(
            AutoScalingConfigurationName="bad-scaling", **settings
        )
    assert refused(error).startswith(expected)


def test_revisions_have_a_quota(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("apprunner")
    arns = [
        client.create_auto_scaling_configuration(AutoScalingConfigurationName="many-revisions")[
            "AutoScalingConfiguration"
        ]["AutoScalingConfigurationArn"]
        for _ in range(5)
    ]
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.create_auto_scaling_configuration(AutoScalingConfigurationName="many-revisions")
    for arn in arns:
        client.delete_auto_scaling_configuration(AutoScalingConfigurationArn=arn)


def test_observability_configurations_are_listed_and_deleted(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("apprunner")
    created = client.create_observability_configuration(
        ObservabilityConfigurationName="traced", TraceConfiguration={"Vendor": "AWSXRAY"}
    )["ObservabilityConfiguration"]
    assert created["TraceConfiguration"] == {"Vendor": "AWSXRAY"}
    assert created["Latest"] is True
    arn = created["ObservabilityConfigurationArn"]
    described = client.describe_observability_configuration(ObservabilityConfigurationArn=arn)
    assert described["ObservabilityConfiguration"] == created
    listed = client.list_observability_configurations()["ObservabilityConfigurationSummaryList"]
    assert {
        "ObservabilityConfigurationArn": arn,
        "ObservabilityConfigurationName": "traced",
        "ObservabilityConfigurationRevision": 1,
    } in listed
    client.delete_observability_configuration(ObservabilityConfigurationArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_observability_configuration(ObservabilityConfigurationArn=arn)


def test_a_vpc_connector_in_use_cannot_be_deleted(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    client = endpoint.client("apprunner")
    connector = client.create_vpc_connector(
        VpcConnectorName="private", Subnets=["subnet-1", "subnet-2"], SecurityGroups=["sg-1"]
    )["VpcConnector"]
    arn = connector["VpcConnectorArn"]
    assert client.describe_vpc_connector(VpcConnectorArn=arn)["VpcConnector"] == connector
    egress = {"EgressConfiguration": {"EgressType": "VPC", "VpcConnectorArn": arn}}
    service = deployments.running("in-a-vpc", NetworkConfiguration=egress)
    assert service["NetworkConfiguration"]["EgressConfiguration"] == egress["EgressConfiguration"]
    with pytest.raises(client.exceptions.InvalidRequestException, match="in-a-vpc"):
        client.delete_vpc_connector(VpcConnectorArn=arn)
    client.delete_service(ServiceArn=service["ServiceArn"])
    deployments.settled(service["ServiceArn"])
    assert client.delete_vpc_connector(VpcConnectorArn=arn)["VpcConnector"]["Status"] == "INACTIVE"
    assert client.list_vpc_connectors()["VpcConnectors"] == []


@pytest.mark.parametrize(
    ("second", "refusal"),
    [
        (
            {"VpcConnectorName": "first", "Subnets": ["subnet-2"], "SecurityGroups": ["sg-9"]},
            "provided name already exists",
        ),
        (
            {
                "VpcConnectorName": "second",
                "Subnets": ["subnet-2"],
                "SecurityGroups": ["sg-2", "sg-1"],
            },
            "security groups combination .* already exists on existing vpc connector",
        ),
    ],
)
def test_vpc_connectors_cannot_share_a_name_or_security_groups(
    endpoint: AwsEndpoint, second: dict[str, Any], refusal: str
) -> None:
    client = endpoint.client("apprunner")
    arn = client.create_vpc_connector(
        VpcConnectorName="first", Subnets=["subnet-1"], SecurityGroups=["sg-1", "sg-2"]
    )["VpcConnector"]["VpcConnectorArn"]
    try:
        with pytest.raises(client.exceptions.InvalidRequestException, match=refusal):
            client.create_vpc_connector(**second)
    finally:
        client.delete_vpc_connector(VpcConnectorArn=arn)


def test_tags_can_be_added_and_removed(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("apprunner")
    arn = client.create_auto_scaling_configuration(
        AutoScalingConfigurationName="tagged", Tags=[{"Key": "a", "Value": "1"}]
    )["AutoScalingConfiguration"]["AutoScalingConfigurationArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    client.delete_auto_scaling_configuration(AutoScalingConfigurationArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(ResourceArn=arn)


def test_an_unknown_page_token_is_refused(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("apprunner")
    with pytest.raises(client.exceptions.InvalidRequestException, match="NextToken"):
        client.list_services(NextToken="second, please")


def test_a_new_customer_gets_no_service(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    endpoint.control().call("SetAppRunnerOpen", Open=False)
    try:
        with pytest.raises(ClientError) as error:
            deployments.create(name="is-refused")
    finally:
        endpoint.control().call("SetAppRunnerOpen", Open=True)

    assert "AccessDeniedException: AWS App Runner" in refused(error)
    assert "no longer available to new customers" in refused(error)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_service_without_a_source_is_refused(endpoint: AwsEndpoint) -> None:
    with pytest.raises(ClientError) as error:
        endpoint.client("apprunner").create_service(ServiceName="nothing", SourceConfiguration={})

    assert "InvalidRequestException: SourceConfiguration needs" in refused(error)
