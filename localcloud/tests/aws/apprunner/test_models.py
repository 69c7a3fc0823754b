from localcloud.aws.apprunner.models import (
    Operation,
    OperationStatus,
    OperationType,
    ServiceConfiguration,
)
from localcloud.aws.apprunner.requests import ServiceSettings

_REQUEST: ServiceSettings = {
    "SourceConfiguration": {
        "ImageRepository": {
            "ImageIdentifier": "x/y:1",
            "ImageRepositoryType": "ECR",
            "ImageConfiguration": {"RuntimeEnvironmentVariables": {"PASSWORD": "hush"}},
        }
    },
    "HealthCheckConfiguration": {"Interval": 7},
    "InstanceConfiguration": {"Cpu": "0.25 vCPU", "Memory": "0.5 GB"},
}


def test_defaults_are_those_of_app_runner() -> None:
    configuration = ServiceConfiguration.merged(
        {
            "SourceConfiguration": {
                "ImageRepository": {"ImageIdentifier": "x", "ImageRepositoryType": "ECR"}
            }
        },
        "scaling",
        None,
    )
    assert configuration.port == 8080
    assert (configuration.nano_cpus, configuration.memory_bytes) == (10**9, 2 * 1024**3)
    assert configuration.health_check["Protocol"] == "TCP"
    assert configuration.health_check["Interval"] == 5


def test_sizes_are_normalized() -> None:
    configuration = ServiceConfiguration.merged(_REQUEST, "scaling", None)
    assert configuration.instance == {"Cpu": "256", "Memory": "512"}
    assert (configuration.nano_cpus, configuration.memory_bytes) == (250_000_000, 512 * 1024**2)


def test_an_update_keeps_omitted_settings() -> None:
    before = ServiceConfiguration.merged(_REQUEST, "scaling", None)
    after = ServiceConfiguration.merged(
        {"HealthCheckConfiguration": {"Protocol": "HTTP"}}, "scaling", before
    )
    assert after.source == before.source
    assert after.instance == before.instance
    assert after.health_check == {**before.health_check, "Protocol": "HTTP"}
    assert after.health_check["Interval"] == 7
    assert not after.same_application(before)


def test_a_scaling_change_keeps_the_application() -> None:
    before = ServiceConfiguration.merged(_REQUEST, "scaling", None)
    assert ServiceConfiguration.merged({}, "other", before).same_application(before)


def test_values_of_variables_are_not_in_the_repr() -> None:
    assert "hush" not in repr(ServiceConfiguration.merged(_REQUEST, "scaling", None))


def test_an_operation_ends_in_a_final_status() -> None:
    operation = Operation(kind=OperationType.CREATE_SERVICE, target_arn="arn")
    assert operation.summary()["Status"] == "PENDING"
    for status in (OperationStatus.IN_PROGRESS, OperationStatus.ROLLBACK_IN_PROGRESS):
        operation.move_to(status)
        assert operation.ended_at is None
    operation.move_to(OperationStatus.ROLLBACK_SUCCEEDED)
    assert operation.summary()["EndedAt"] == operation.updated_at
