"""ECS's API: what it returns, and what it refuses."""

from typing import Any

import pytest

from aws.ecs.service import GROUP, EcsUnderTest, definition, live, service, until
from localcloud.aws.protocol import ApiError

_VPC = {"subnets": ["subnet-a"]}


async def refused(ecs: EcsUnderTest, operation: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401 - any request
    with pytest.raises(ApiError) as error:
        await ecs.call(operation, **parameters)
    return error.value.code, error.value.message


async def test_a_cluster_is_created_once(ecs: EcsUnderTest) -> None:
    created = await ecs.call("CreateCluster", clusterName="c", tags=[{"key": "a", "value": "1"}])
    again = await ecs.call("CreateCluster", clusterName="c")
    assert again == created
    described = await ecs.call("DescribeClusters", clusters=["c", "other"])
    assert [each["status"] for each in described["clusters"]] == ["ACTIVE"]
    assert described["clusters"][0]["tags"] == []
    assert [each["reason"] for each in described["failures"]] == ["MISSING"]


async def test_a_deleted_cluster_is_inactive(ecs: EcsUnderTest) -> None:
    await ecs.call("CreateCluster", clusterName="c")
    await ecs.call("DeleteCluster", cluster="c")
    described = await ecs.call("DescribeClusters", clusters=["c"])
    assert described["clusters"][0]["status"] == "INACTIVE"
    assert await refused(ecs, "DeleteCluster", cluster="c") == (
        "ClusterNotFoundException",
        "Cluster not found.",
    )


async def test_a_task_definition_has_revisions_and_defaults(ecs: EcsUnderTest) -> None:
    await ecs.define()
    arn = await ecs.define(stopTimeout=120)
    described = await ecs.call("DescribeTaskDefinition", taskDefinition="server")
    found = described["taskDefinition"]
    assert found["taskDefinitionArn"] == arn
    assert (found["revision"], found["status"]) == (2, "ACTIVE")
    [container] = found["containerDefinitions"]
    assert container["portMappings"] == [
        {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}
    ]
    assert container["essential"] is True
    await ecs.call("DeregisterTaskDefinition", taskDefinition=arn)
    by_arn = await ecs.call("DescribeTaskDefinition", taskDefinition=arn)
    assert by_arn["taskDefinition"]["status"] == "INACTIVE"
    newest = await ecs.call("DescribeTaskDefinition", taskDefinition="server")
    assert newest["taskDefinition"]["revision"] == 1
    listed = await ecs.call("ListTaskDefinitions", familyPrefix="server", status="INACTIVE")
    assert listed["taskDefinitionArns"] == [arn]
    await ecs.call("DeleteTaskDefinitions", taskDefinitions=[arn])
    code, message = await refused(ecs, "DescribeTaskDefinition", taskDefinition=arn)
    assert (code, message) == ("ClientException", "Unable to describe task definition.")


async def test_the_revision_of_a_deleted_task_definition_is_not_used_again(
    ecs: EcsUnderTest,
) -> None:
    arn = await ecs.define()
    await ecs.call("DeregisterTaskDefinition", taskDefinition=arn)
    await ecs.call("DeleteTaskDefinitions", taskDefinitions=[arn])
    assert (await ecs.define()).endswith(":2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cpu": "256", "memory": "4096"}, "No Fargate configuration exists for given values: 256"),
        ({"cpu": "1 vCPU", "memory": "1 GB"}, "given values: 1024 CPU, 1024 memory"),
        ({"cpu": "300"}, "No Fargate configuration exists"),
        ({"cpu": ""}, "Invalid 'cpu' setting for task."),
        ({"networkMode": "bridge"}, "networkMode 'bridge' is not supported"),
        ({"requiresCompatibilities": ["EC2"]}, "requiresCompatibilities must be FARGATE"),
        ({"volumes": [{"name": "v"}]}, "volumes is not supported by the stand-in's ECS."),
        ({"family": "a b"}, "Family contains invalid characters."),
        (
            {"runtimePlatform": {"cpuArchitecture": "ARM64"}},
            "runtimePlatform.cpuArchitecture 'ARM64' is not supported",
        ),
    ],
)
async def test_invalid_task_definitions_are_refused(
    ecs: EcsUnderTest, changes: dict[str, Any], message: str
) -> None:
    code, said = await refused(ecs, "RegisterTaskDefinition", **definition(None, **changes))
    assert code == "ClientException"
    assert message in said


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"stopTimeout": 121}, "The max stop timeout value is 120 seconds."),
        ({"portMappings": [{"containerPort": 80, "hostPort": 81}]}, "must match"),
        ({"memory": 1024}, "'memory' setting for container 'server' is greater than for the task"),
        ({"logConfiguration": {"logDriver": "awslogs", "options": {}}}, "requires options"),
        ({"logConfiguration": {"logDriver": "splunk"}}, "logDriver 'splunk' is not supported"),
        ({"privileged": True}, "containerDefinitions.privileged is not supported"),
        ({"essential": False}, "containerDefinitions.essential False is not supported"),
        (
            {
                "environment": [{"name": "A", "value": "1"}],
                "secrets": [{"name": "A", "valueFrom": "arn:secret"}],
            },
            "The secret name must be unique",
        ),
    ],
)
async def test_invalid_containers_are_refused(
    ecs: EcsUnderTest, container: dict[str, Any], message: str
) -> None:
    _, said = await refused(ecs, "RegisterTaskDefinition", **definition(container))
    assert message in said


async def test_sizes_in_words_are_converted(ecs: EcsUnderTest) -> None:
    sizes = {"cpu": ".5 vCPU", "memory": "2 GB"}
    response = await ecs.call("RegisterTaskDefinition", **definition(None, **sizes))
    found = response["taskDefinition"]
    assert (found["cpu"], found["memory"]) == ("512", "2048")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"launchType": "EC2"}, "launchType 'EC2' is not supported by the stand-in's ECS"),
        ({"enableExecuteCommand": True}, "enableExecuteCommand is not supported"),
        ({"serviceName": "a b"}, "Service name contains invalid characters."),
        ({"networkConfiguration": {}}, "Network Configuration must be provided"),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-missing"]}}},
            "Error retrieving subnet information for [subnet-missing]",
        ),
        (
            {
                "networkConfiguration": {
                    "awsvpcConfiguration": {**_VPC, "securityGroups": ["sg-missing"]}
                }
            },
            "Error retrieving security group information for [sg-missing]",
        ),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
            "Both maximumPercent and minimumHealthyPercent cannot be 100",
        ),
        ({"loadBalancers": [], "healthCheckGracePeriodSeconds": 5}, "Health check grace period"),
        (
            {
                "loadBalancers": [
                    {"targetGroupArn": GROUP, "containerName": "x", "containerPort": 1}
                ]
            },
            "The container x does not exist in the task definition.",
        ),
        (
            {
                "loadBalancers": [
                    {"targetGroupArn": GROUP, "containerName": "server", "containerPort": 1}
                ]
            },
            "The container server did not have a container port 1 defined.",
        ),
    ],
)
async def test_invalid_services_are_refused(
    ecs: EcsUnderTest, changes: dict[str, Any], message: str
) -> None:
    await ecs.call("CreateCluster")
    request = service(taskDefinition=await ecs.define(), **changes)
    code, said = await refused(ecs, "CreateService", **request)
    assert code == "InvalidParameterException"
    assert message in said


async def test_a_target_group_needs_a_load_balancer(ecs: EcsUnderTest) -> None:
    ecs.targets.load_balancers = ()
    await ecs.call("CreateCluster")
    request = service(taskDefinition=await ecs.define())
    _, said = await refused(ecs, "CreateService", **request)
    assert said == (
        f"The target group with targetGroupArn {GROUP} does not have an associated load balancer."
    )


async def test_a_target_group_must_have_the_type_ip(ecs: EcsUnderTest) -> None:
    ecs.targets.target_type = "instance"
    await ecs.call("CreateCluster")
    request = service(taskDefinition=await ecs.define())
    _, said = await refused(ecs, "CreateService", **request)
    assert "incompatible with the awsvpc network mode" in said


async def test_an_inactive_definition_starts_no_service(ecs: EcsUnderTest) -> None:
    await ecs.call("CreateCluster")
    arn = await ecs.define()
    await ecs.call("DeregisterTaskDefinition", taskDefinition=arn)
    code, said = await refused(ecs, "CreateService", **service(taskDefinition=arn))
    assert (code, said) == ("ClientException", "TaskDefinition is inactive")


async def test_a_service_is_created_once(ecs: EcsUnderTest) -> None:
    arn = await ecs.define()
    request = {"taskDefinition": arn, "desiredCount": 0, "clientToken": "once"}
    controller = await ecs.create(**request)
    again = await ecs.call("CreateService", **service(**request))
    assert again["service"]["serviceArn"] == controller.service.arn
    _, said = await refused(ecs, "CreateService", **service(taskDefinition=arn))
    assert said == "Creation of service was not idempotent."


async def test_a_name_is_free_again_once_the_service_is_inactive(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    ecs.targets.busy = True
    await ecs.call("DeleteService", service="server", force=True)
    request = service(taskDefinition="server", desiredCount=0)
    _, said = await refused(ecs, "CreateService", **request)
    assert said == "Unable to Start a service that is still Draining."
    await until(lambda: ecs.targets.draining)
    for drained in ecs.targets.draining.values():
        drained.set()
    await until(lambda: controller.service.status == "INACTIVE")
    await ecs.call("CreateService", **request)
    described = await ecs.call("DescribeServices", services=["server", "missing"])
    assert [each["status"] for each in described["services"]] == ["ACTIVE"]
    assert [each["reason"] for each in described["failures"]] == ["MISSING"]


async def test_a_service_with_tasks_is_not_deleted(ecs: EcsUnderTest) -> None:
    await ecs.running(desiredCount=1)
    _, said = await refused(ecs, "DeleteService", service="server")
    assert said == "The service cannot be stopped while it is scaled above 0."
    code, _ = await refused(ecs, "DeleteCluster", cluster="default")
    assert code == "ClusterContainsServicesException"


async def test_scaling_is_no_deployment(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1)
    await ecs.call("UpdateService", service="server", desiredCount=3)
    await until(lambda: [task.healthy for task in live(controller)] == [True] * 3)
    assert len(controller.service_deployments) == 1
    await ecs.call("UpdateService", service="server", forceNewDeployment=True)
    assert len(controller.service_deployments) == 2


async def test_an_update_needs_the_container_of_the_load_balancer(ecs: EcsUnderTest) -> None:
    await ecs.running(desiredCount=1)
    for container, message in (
        ({"name": "other"}, "The container server does not exist in the task definition."),
        (
            {"portMappings": [{"containerPort": 9090}]},
            "The container server did not have a container port 8080 defined.",
        ),
    ):
        arn = await ecs.define(**container)
        _, said = await refused(ecs, "UpdateService", service="server", taskDefinition=arn)
        assert said == message


async def test_services_are_listed_in_pages_of_ten(ecs: EcsUnderTest) -> None:
    arn = await ecs.define()
    for number in range(12):
        await ecs.create(serviceName=f"s{number}", taskDefinition=arn, desiredCount=0)
    first = await ecs.call("ListServices")
    assert len(first["serviceArns"]) == 10
    rest = await ecs.call("ListServices", nextToken=first["nextToken"])
    assert len({*first["serviceArns"], *rest["serviceArns"]}) == 12
    assert rest["nextToken"] is None
    few = await ecs.call("ListServices", maxResults=1)
    assert len(few["serviceArns"]) == 1
    for wrong in ({"maxResults": 0}, {"maxResults": 101}, {"nextToken": "nonsense"}):
        code, _ = await refused(ecs, "ListServices", **wrong)
        assert code == "InvalidParameterException"
    _, said = await refused(ecs, "ListServices", launchType="EC2")
    assert "launchType 'EC2' is not supported" in said


async def test_task_definitions_are_listed_in_the_order_of_their_revisions(
    ecs: EcsUnderTest,
) -> None:
    for family in ("b", "a", "b"):
        await ecs.call("RegisterTaskDefinition", **definition(None, family=family))
    listed = await ecs.call("ListTaskDefinitions")
    names = [arn.rpartition("/")[2] for arn in listed["taskDefinitionArns"]]
    assert names == ["a:1", "b:1", "b:2"]
    newest = await ecs.call("ListTaskDefinitions", sort="DESC", maxResults=1)
    assert [arn.rpartition("/")[2] for arn in newest["taskDefinitionArns"]] == ["b:2"]
    assert newest["nextToken"]
    deleted = await ecs.call("ListTaskDefinitions", status="DELETE_IN_PROGRESS")
    assert deleted["taskDefinitionArns"] == []


@pytest.mark.parametrize(
    ("operation", "member", "most"),
    [
        ("DescribeServices", "services", 10),
        ("DescribeTasks", "tasks", 100),
        ("DescribeClusters", "clusters", 100),
        ("DescribeServiceDeployments", "serviceDeploymentArns", 20),
        ("DeleteTaskDefinitions", "taskDefinitions", 10),
    ],
)
async def test_a_request_names_a_limited_number_of_resources(
    ecs: EcsUnderTest, operation: str, member: str, most: int
) -> None:
    await ecs.call("CreateCluster")
    names = [str(number) for number in range(most + 1)]
    await ecs.call(operation, **{member: names[:most]})
    code, said = await refused(ecs, operation, **{member: names})
    assert (code, said) == (
        "InvalidParameterException",
        f"{member} can have at most {most} items.",
    )


async def test_tasks_are_listed_and_described(ecs: EcsUnderTest) -> None:
    tags = [{"key": "team", "value": "graph"}]
    controller = await ecs.running(desiredCount=1, propagateTags="SERVICE", tags=tags)
    [task] = live(controller)
    listed = await ecs.call("ListTasks", serviceName="server")
    assert listed["taskArns"] == [task.arn]
    for status in ("STOPPED", "PENDING"):
        assert (await ecs.call("ListTasks", desiredStatus=status))["taskArns"] == []
    described = await ecs.call("DescribeTasks", tasks=[task.arn, "0"], include=["TAGS"])
    [found] = described["tasks"]
    assert found["tags"] == tags
    assert (found["lastStatus"], found["desiredStatus"]) == ("RUNNING", "RUNNING")
    details = {each["name"]: each["value"] for each in found["attachments"][0]["details"]}
    assert details["privateIPv4Address"] == task.placement.address == "10.0.0.4"
    assert [each["reason"] for each in described["failures"]] == ["MISSING"]


async def test_tags_of_a_service_change(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=0)
    arn = controller.service.arn
    await ecs.call("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}])
    assert (await ecs.call("ListTagsForResource", resourceArn=arn))["tags"] == [
        {"key": "a", "value": "1"}
    ]
    await ecs.call("UntagResource", resourceArn=arn, tagKeys=["a"])
    assert (await ecs.call("ListTagsForResource", resourceArn=arn))["tags"] == []


async def test_tags_of_a_service_that_drains_can_be_read(ecs: EcsUnderTest) -> None:
    controller = await ecs.running(desiredCount=1, tags=[{"key": "a", "value": "1"}])
    ecs.targets.busy = True
    await ecs.call("DeleteService", service="server", force=True)
    arn = controller.service.arn
    assert (await ecs.call("ListTagsForResource", resourceArn=arn))["tags"]
    await until(lambda: ecs.targets.draining)
    for drained in ecs.targets.draining.values():
        drained.set()
    await until(lambda: controller.service.status == "INACTIVE")
    code, _ = await refused(ecs, "ListTagsForResource", resourceArn=arn)
    assert code == "InvalidParameterException"


async def test_unsupported_operations_are_refused_by_name(ecs: EcsUnderTest) -> None:
    code, said = await refused(ecs, "RunTask")
    assert code == "UnsupportedFeatureException"
    assert said == "RunTask is not supported by the stand-in's ECS."
