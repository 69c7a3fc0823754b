from localcloud.providers.aws.clients import AwsError
from localcloud.providers.aws.ecs import Service
from localcloud.providers.values import Values
from providers.aws.fake import fake, resource_request

_ARN = "arn:aws:ecs:us-east-1:000000000000:service/cluster/server"
_STATE: Values = {"cluster": "cluster", "name": "server"}


def _service(status: str) -> dict[str, object]:
    return {"services": [{"serviceArn": _ARN, "serviceName": "server", "status": status}]}


def test_a_service_is_deleted_without_its_tags_which_an_inactive_one_lacks() -> None:
    aws = fake(
        DescribeServices=[_service("ACTIVE"), _service("DRAINING"), _service("INACTIVE")],
        UpdateService=[{}],
        DeleteService=[{}],
        ListTagsForResource=[AwsError("ListTagsForResource", "InvalidParameterException", "gone")],
    )

    Service().delete(resource_request(aws, _ARN, _STATE))

    (drained,) = aws.called("UpdateService")
    assert drained["desiredCount"] == 0
    assert [name for name, _ in aws.calls].count("DescribeServices") == 3


def test_a_service_that_is_gone_needs_no_deletion() -> None:
    aws = fake(DescribeServices=[_service("INACTIVE")])

    Service().delete(resource_request(aws, _ARN, _STATE))

    assert {name for name, _ in aws.calls} == {"DescribeServices"}
