from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.apprunner.models import ServiceConfiguration
from localcloud.aws.apprunner.rules import auto_scaling_problems, service_problems

if TYPE_CHECKING:
    from localcloud.aws.apprunner.requests import ServiceSettings

_SOURCE: dict[str, Any] = {
    "ImageRepository": {"ImageIdentifier": "x/y:1", "ImageRepositoryType": "ECR"},
    "AuthenticationConfiguration": {"AccessRoleArn": "role"},
}


def problems(**settings: Any) -> list[str]:  # noqa: ANN401 - members of the API
    request = cast("ServiceSettings", {"SourceConfiguration": _SOURCE, **settings})
    return service_problems(request, ServiceConfiguration.merged(request, "scaling", None))


def image(**configuration: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
    return {
        **_SOURCE,
        "ImageRepository": {**_SOURCE["ImageRepository"], "ImageConfiguration": configuration},
    }


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        ("0.25 vCPU", "0.5 GB"),
        ("256", "1024"),
        ("512", "1 GB"),
        ("1 vCPU", "4 GB"),
        ("2048", "6144"),
        ("4 vCPU", "12 GB"),
    ],
)
def test_sizes_of_app_runner_are_accepted(cpu: str, memory: str) -> None:
    assert problems(InstanceConfiguration={"Cpu": cpu, "Memory": memory}) == []


@pytest.mark.parametrize(
    ("cpu", "memory"), [("256", "2048"), ("1 vCPU", "1 GB"), ("4096", "4096"), ("512", "0.5 GB")]
)
def test_other_sizes_are_refused(cpu: str, memory: str) -> None:
    [problem] = problems(InstanceConfiguration={"Cpu": cpu, "Memory": memory})
    assert "of memory can't be combined with" in problem


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"SourceConfiguration": image(Port="0")}, "Port 0 is not a port number."),
        ({"SourceConfiguration": image(Port="65536")}, "Port 65536 is not a port number."),
        ({"SourceConfiguration": image(Port="http")}, "Port http is not a port number."),
        (
            {
                "SourceConfiguration": image(
                    RuntimeEnvironmentVariables={"A": "1"},
                    RuntimeEnvironmentSecrets={"A": "arn:aws:secretsmanager:x"},
                ),
                "InstanceConfiguration": {"InstanceRoleArn": "role"},
            },
            "Defined both as a variable and as a secret: A.",
        ),
        (
            {
                "SourceConfiguration": image(
                    RuntimeEnvironmentSecrets={"A": "arn:aws:ssm:x:1:parameter/a"}
                ),
                "InstanceConfiguration": {"InstanceRoleArn": "role"},
            },
            "RuntimeEnvironmentSecrets.A: only ARNs of Secrets Manager are supported.",
        ),
        (
            {
                "SourceConfiguration": image(
                    RuntimeEnvironmentSecrets={"A": "arn:aws:secretsmanager:x"}
                )
            },
            "RuntimeEnvironmentSecrets need an InstanceRoleArn that may read them.",
        ),
        (
            {"SourceConfiguration": {"ImageRepository": _SOURCE["ImageRepository"]}},
            "An image in ECR needs AuthenticationConfiguration.AccessRoleArn.",
        ),
        (
            {"SourceConfiguration": {**_SOURCE, "AutoDeploymentsEnabled": True}},
            "SourceConfiguration.AutoDeploymentsEnabled is not supported by the stand-in.",
        ),
        (
            {"SourceConfiguration": {"AuthenticationConfiguration": {"AccessRoleArn": "role"}}},
            "SourceConfiguration needs an ImageRepository.",
        ),
    ],
)
def test_invalid_settings_are_refused(parameters: dict[str, Any], problem: str) -> None:
    assert problems(**parameters) == [problem]


@given(st.integers(1, 25), st.integers(1, 40))
def test_the_minimum_size_must_not_exceed_the_maximum(min_size: int, max_size: int) -> None:
    found = auto_scaling_problems({"MinSize": min_size, "MaxSize": max_size})
    assert (found == []) is (min_size <= max_size <= 25)
