from typing import Any

import pytest

from localcloud.providers.aws.apprunner import AutoScalingConfigurationVersion, Service
from localcloud.providers.aws.clients import AwsError
from localcloud.providers.schema import InitializationError, ProviderError
from localcloud.providers.values import Values
from providers.aws.fake import (
    FakeAws,
    create_request,
    fake,
    not_found,
    resource_request,
    update_request,
)

_ARN = "arn:aws:apprunner:us-east-1:000000000000:service/mcp/1"
_INPUTS: Values = {
    "serviceName": "mcp",
    "sourceConfiguration": {
        "imageRepository": {"imageIdentifier": "i", "imageRepositoryType": "ECR"}
    },
    "observabilityConfiguration": {"observabilityEnabled": True},
}


def _described(status: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
    service = {"ServiceName": "mcp", "ServiceId": "1", "ServiceArn": _ARN, "Status": status}
    return {"Service": {**service, **more}}


def _scripted(*statuses: str, operation: str = "SUCCEEDED") -> FakeAws:
    """A service with these statuses one after the other, and the status of its last operation."""
    last = {"Id": "2", "Type": "SOME_SERVICE", "Status": operation}
    return fake(
        CreateService=[_described("OPERATION_IN_PROGRESS")],
        UpdateService=[_described("OPERATION_IN_PROGRESS")],
        DeleteService=[_described("OPERATION_IN_PROGRESS")],
        DescribeService=[_described(status) for status in statuses],
        ListOperations=[{"OperationSummaryList": [last]}],
        ListTagsForResource=[{"Tags": [{"Key": "a", "Value": "1"}]}],
        TagResource=[{}],
        UntagResource=[{}],
    )


def test_a_creation_waits_until_the_service_runs() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS", "OPERATION_IN_PROGRESS", "RUNNING")
    assert Service().create(create_request(aws, _INPUTS)).id == _ARN
    assert len(aws.called("DescribeService")) == 3


def test_a_failed_creation_is_an_error_and_keeps_the_service() -> None:
    aws = _scripted("CREATE_FAILED", operation="FAILED")
    with pytest.raises(InitializationError, match="unexpected state 'CREATE_FAILED'") as error:
        Service().create(create_request(aws, _INPUTS))
    assert error.value.id == _ARN


def test_a_service_that_never_starts_is_kept_as_not_working() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS")
    with pytest.raises(InitializationError, match="timed out"):
        Service().create(create_request(aws, _INPUTS, timeout=0.01))


def test_a_failed_service_is_updated_in_place_only_if_it_changes() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN, "status": "CREATE_FAILED"}
    aws = _scripted("RUNNING")
    Service().update(update_request(aws, _ARN, olds, dict(_INPUTS)))
    assert aws.called("UpdateService") == []
    changed: Values = {**_INPUTS, "instanceConfiguration": {"cpu": "2048"}}
    Service().update(update_request(aws, _ARN, olds, changed))
    assert len(aws.called("UpdateService")) == 1


def test_an_update_that_is_rolled_back_is_a_success_as_with_pulumis_provider() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN, "status": "RUNNING"}
    news: Values = {**_INPUTS, "instanceConfiguration": {"cpu": "2048"}}
    aws = _scripted("RUNNING", operation="ROLLBACK_SUCCEEDED")
    Service().update(update_request(aws, _ARN, olds, news))
    assert len(aws.called("UpdateService")) == 1


def test_an_update_that_leaves_the_service_paused_is_a_failure() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN}
    news: Values = {**_INPUTS, "instanceConfiguration": {"cpu": "2048"}}
    with pytest.raises(ProviderError, match="unexpected state 'PAUSED'"):
        Service().update(update_request(_scripted("PAUSED"), _ARN, olds, news))


def test_the_operation_counts_while_the_status_lags_behind() -> None:
    aws = _scripted("RUNNING")
    states = ["PENDING", "IN_PROGRESS", "SUCCEEDED"]
    aws.script["ListOperations"] = [
        {"OperationSummaryList": [{"Id": "1", "Type": "T", "Status": state}]} for state in states
    ]
    Service().create(create_request(aws, _INPUTS))
    assert len(aws.called("ListOperations")) == 3


def test_an_update_switches_off_what_the_program_removed() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN, "tags": {"a": "1", "b": "2"}}
    news: Values = {**_INPUTS, "tags": {"a": "3"}}
    del news["observabilityConfiguration"]
    aws = _scripted("RUNNING")
    Service().update(update_request(aws, _ARN, olds, news))
    assert aws.called("UpdateService")[0]["ObservabilityConfiguration"] == {
        "ObservabilityEnabled": False
    }
    assert aws.called("UntagResource") == [{"ResourceArn": _ARN, "TagKeys": ["b"]}]
    assert aws.called("TagResource") == [
        {"ResourceArn": _ARN, "Tags": [{"Key": "a", "Value": "3"}]}
    ]


def test_a_change_of_tags_alone_deploys_nothing() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN}
    # The last operation failed some time ago.
    aws = _scripted("RUNNING", operation="ROLLBACK_SUCCEEDED")
    Service().update(update_request(aws, _ARN, olds, {**_INPUTS, "tags": {"a": "3"}}))
    assert aws.called("UpdateService") == []
    assert len(aws.called("TagResource")) == 1


def test_a_deletion_waits_and_succeeds_if_the_service_is_gone() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS", "DELETED")
    Service().delete(resource_request(aws, _ARN, {}))
    assert len(aws.called("DeleteService")) == 1
    gone = _scripted("RUNNING")
    for operation in ("DeleteService", "ListOperations"):
        gone.script[operation] = [not_found(operation)]
    Service().delete(resource_request(gone, _ARN, {}))
    assert len(gone.called("DeleteService")) == 1


def test_an_interrupted_deletion_can_be_repeated() -> None:
    # App Runner describes it for a while, and refuses to delete it again.
    aws = _scripted("DELETED")
    aws.script["DeleteService"] = [AwsError("DeleteService", "InvalidStateException", "DELETED")]
    Service().delete(resource_request(aws, _ARN, {}))


def test_a_rejected_deletion_is_an_error() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS")
    aws.script["DeleteService"] = [AwsError("DeleteService", "InvalidStateException", "busy")]
    with pytest.raises(AwsError, match="busy"):
        Service().delete(resource_request(aws, _ARN, {}))


def test_a_failed_deletion_is_an_error() -> None:
    aws = _scripted("DELETE_FAILED", operation="FAILED")
    with pytest.raises(ProviderError, match="DELETE_FAILED"):
        Service().delete(resource_request(aws, _ARN, {}))


def test_a_deleted_service_is_gone_and_an_unobserved_one_has_no_observability() -> None:
    assert Service().read(resource_request(_scripted("DELETED"), _ARN, {})) is None
    aws = _scripted("RUNNING")
    aws.script["DescribeService"] = [
        _described("RUNNING", ObservabilityConfiguration={"ObservabilityEnabled": False})
    ]
    found = Service().read(resource_request(aws, _ARN, {}))
    assert found is not None
    assert "observabilityConfiguration" not in found
    assert found["tags"] == found["tagsAll"] == {"a": "1"}


@pytest.mark.parametrize("status", ["INACTIVE", "inactive"])
def test_an_inactive_revision_is_gone(status: str) -> None:
    aws = fake(
        DescribeAutoScalingConfiguration=[
            {"AutoScalingConfiguration": {"AutoScalingConfigurationArn": "a", "Status": status}}
        ]
    )
    assert AutoScalingConfigurationVersion().read(resource_request(aws, "a", {})) is None
