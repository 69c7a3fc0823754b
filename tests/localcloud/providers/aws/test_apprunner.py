from typing import Any

import pytest

from localcloud.providers.aws import waiting
from localcloud.providers.aws.apprunner import AutoScalingConfigurationVersion, Service
from localcloud.providers.schema import InitializationError, ProviderError
from localcloud.providers.values import Values
from tests.localcloud.providers.aws.fake import FakeAws, fake, not_found, request

_ARN = "arn:aws:apprunner:us-east-1:000000000000:service/mcp/1"
_INPUTS: Values = {
    "serviceName": "mcp",
    "sourceConfiguration": {
        "imageRepository": {"imageIdentifier": "i", "imageRepositoryType": "ECR"}
    },
    "observabilityConfiguration": {"observabilityEnabled": True},
}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_INTERVALS", (0.0,))


def _described(status: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
    service = {"ServiceName": "mcp", "ServiceId": "1", "ServiceArn": _ARN, "Status": status}
    return {"Service": {**service, **more}}


def _scripted(
    *statuses: str, operation: str = "SUCCEEDED", log: list[str] | None = None, before: int = 0
) -> FakeAws:
    """A service's statuses one after the other, and the last operation after `before` looks."""
    first = {"Id": "1", "Type": "CREATE_SERVICE", "Status": "SUCCEEDED"}
    last = {"Id": "2", "Type": "SOME_SERVICE", "Status": operation}
    return fake(
        CreateService=[_described("OPERATION_IN_PROGRESS")],
        UpdateService=[_described("OPERATION_IN_PROGRESS")],
        DeleteService=[_described("OPERATION_IN_PROGRESS")],
        DescribeService=[_described(status) for status in statuses],
        ListOperations=[{"OperationSummaryList": [each]} for each in [*[first] * before, last]],
        FilterLogEvents=[{"events": [{"message": line} for line in log or []]}],
        ListTagsForResource=[{"Tags": [{"Key": "a", "Value": "1"}]}],
        TagResource=[{}],
        UntagResource=[{}],
    )


def test_a_service_is_there_when_it_runs() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS", "OPERATION_IN_PROGRESS", "RUNNING")
    assert Service().create(request(aws), _INPUTS).id == _ARN
    assert len(aws.called("DescribeService")) == 3


def test_a_failed_creation_is_told_with_the_services_log() -> None:
    aws = _scripted("CREATE_FAILED", operation="FAILED", log=["1", "2", "3", "4", "5", "no health"])
    with pytest.raises(InitializationError) as error:
        Service().create(request(aws), _INPUTS)
    assert error.value.id == _ARN
    reason = error.value.reasons[0]
    assert "ended FAILED; the service is CREATE_FAILED" in reason
    assert "/aws/apprunner/mcp/1/service" in reason
    assert reason.endswith("2 / 3 / 4 / 5 / no health")


def test_a_log_that_cannot_be_read_hides_no_failure() -> None:
    aws = _scripted("CREATE_FAILED", operation="FAILED")
    aws.script["FilterLogEvents"] = [not_found("FilterLogEvents")]
    with pytest.raises(InitializationError, match="not readable: FilterLogEvents"):
        Service().create(request(aws), _INPUTS)


def test_a_service_that_never_settles_is_kept_as_not_working() -> None:
    aws = _scripted("OPERATION_IN_PROGRESS")
    with pytest.raises(InitializationError, match="timed out"):
        Service().create(request(aws, timeout=0.01), _INPUTS)


def test_only_a_failed_service_must_be_replaced() -> None:
    assert Service().broken({"status": "CREATE_FAILED"}) == {"status"}
    assert Service().broken({"status": "RUNNING"}) == frozenset()


def test_an_update_that_is_rolled_back_is_a_failure() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN, "status": "RUNNING"}
    news: Values = {**_INPUTS, "instanceConfiguration": {"cpu": "2048"}}
    aws = _scripted("RUNNING", operation="ROLLBACK_SUCCEEDED", before=2)
    with pytest.raises(ProviderError, match=r"SOME_SERVICE .* ended ROLLBACK_SUCCEEDED"):
        Service().update(request(aws), _ARN, olds, news)


def test_an_operation_goes_on_where_the_status_lags_behind() -> None:
    aws = _scripted("RUNNING")
    states = ["PENDING", "IN_PROGRESS", "SUCCEEDED"]
    aws.script["ListOperations"] = [
        {"OperationSummaryList": [{"Id": "1", "Type": "T", "Status": state}]} for state in states
    ]
    Service().create(request(aws), _INPUTS)
    assert len(aws.called("ListOperations")) == 3


def test_an_update_switches_off_what_the_program_no_longer_has() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN, "tags": {"a": "1", "b": "2"}}
    news: Values = {**_INPUTS, "tags": {"a": "3"}}
    del news["observabilityConfiguration"]
    aws = _scripted("RUNNING", before=2)
    Service().update(request(aws), _ARN, olds, news)
    assert aws.called("UpdateService")[0]["ObservabilityConfiguration"] == {
        "ObservabilityEnabled": False
    }
    assert aws.called("UntagResource") == [{"ResourceArn": _ARN, "TagKeys": ["b"]}]
    assert aws.called("TagResource") == [
        {"ResourceArn": _ARN, "Tags": [{"Key": "a", "Value": "3"}]}
    ]


def test_a_change_of_tags_alone_deploys_nothing() -> None:
    olds: Values = {**_INPUTS, "arn": _ARN}
    # The last operation, long over, failed.
    aws = _scripted("RUNNING", operation="ROLLBACK_SUCCEEDED")
    Service().update(request(aws), _ARN, olds, {**_INPUTS, "tags": {"a": "3"}})
    assert aws.called("UpdateService") == []
    assert len(aws.called("TagResource")) == 1


def test_a_deletion_waits_for_its_end_and_takes_gone_for_done() -> None:
    aws = _scripted("RUNNING", "OPERATION_IN_PROGRESS", "DELETED")
    Service().delete(request(aws), _ARN, {})
    assert len(aws.called("DeleteService")) == 1
    gone = _scripted("RUNNING")
    gone.script["ListOperations"] = [not_found("ListOperations")]
    Service().delete(request(gone), _ARN, {})
    assert gone.called("DeleteService") == []


def test_a_failed_deletion_is_told() -> None:
    aws = _scripted("RUNNING", "DELETE_FAILED", operation="FAILED")
    with pytest.raises(ProviderError, match="DELETE_FAILED"):
        Service().delete(request(aws), _ARN, {})


def test_a_deleted_service_is_gone_and_an_unobserved_one_has_no_observability() -> None:
    assert Service().read(request(_scripted("DELETED")), _ARN, {}) is None
    aws = _scripted("RUNNING")
    aws.script["DescribeService"] = [
        _described("RUNNING", ObservabilityConfiguration={"ObservabilityEnabled": False})
    ]
    found = Service().read(request(aws), _ARN, {})
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
    assert AutoScalingConfigurationVersion().read(request(aws), "a", {}) is None
