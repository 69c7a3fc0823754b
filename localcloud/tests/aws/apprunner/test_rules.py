from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.apprunner.model import ServiceConfiguration
from localcloud.aws.apprunner.rules import auto_scaling_problems, service_problems

_SOURCE: dict[str, Any] = {
    "ImageRepository": {"ImageIdentifier": "x/y:1", "ImageRepositoryType": "ECR"},
    "AuthenticationConfiguration": {"AccessRoleArn": "role"},
}


def problems(**parameters: Any) -> list[str]:  # noqa: ANN401 - members of the API
    request = {"SourceConfiguration": _SOURCE, **parameters}
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
def test_sizes_that_exist(cpu: str, memory: str) -> None:
    assert problems(InstanceConfiguration={"Cpu": cpu, "Memory": memory}) == []


@pytest.mark.parametrize(
    ("cpu", "memory"), [("256", "2048"), ("1 vCPU", "1 GB"), ("4096", "4096"), ("512", "0.5 GB")]
)
def test_sizes_that_do_not_exist(cpu: str, memory: str) -> None:
    [problem] = problems(InstanceConfiguration={"Cpu": cpu, "Memory": memory})
    assert "of memory don't go with" in problem


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"SourceConfiguration": image(Port="0")}, "Port 0 is no port number."),
        ({"SourceConfiguration": image(Port="65536")}, "Port 65536 is no port number."),
        ({"SourceConfiguration": image(Port="http")}, "Port http is no port number."),
        (
            {
                "SourceConfiguration": image(
                    RuntimeEnvironmentVariables={"A": "1"},
                    RuntimeEnvironmentSecrets={"A": "arn:aws:secretsmanager:x"},
                ),
                "InstanceConfiguration": {"InstanceRoleArn": "role"},
            },
            "Defined as variable and as secret: A.",
        ),
        (
            {
                "SourceConfiguration": image(
                    RuntimeEnvironmentSecrets={"A": "arn:aws:ssm:x:1:parameter/a"}
                ),
                "InstanceConfiguration": {"InstanceRoleArn": "role"},
            },
            "RuntimeEnvironmentSecrets.A: only ARNs of Secrets Manager are offered.",
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
            "SourceConfiguration.AutoDeploymentsEnabled is not offered by the stand-in.",
        ),
        (
            {"SourceConfiguration": {"AuthenticationConfiguration": {"AccessRoleArn": "role"}}},
            "SourceConfiguration needs an ImageRepository.",
        ),
    ],
)
def test_what_is_refused(parameters: dict[str, Any], problem: str) -> None:
    assert problems(**parameters) == [problem]


@given(st.integers(1, 25), st.integers(1, 40))
def test_minimum_and_maximum(min_size: int, max_size: int) -> None:
    found = auto_scaling_problems({"MinSize": min_size, "MaxSize": max_size})
    assert (found == []) is (min_size <= max_size <= 25)
