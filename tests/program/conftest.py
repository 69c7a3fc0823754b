"""The whole program, run under mocks with the repository's own configuration files."""

import functools
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import tests.components.aws_sdk  # noqa: F401  before the program loads the SDK
from components.hosting.lambda_.package import ServerPackage
from components.settings import Hosting
from server.context import BuildContext
from tests.components.mocks import ACCOUNT, REGION, Result, run_program

ROOT = Path(__file__).resolve().parents[2]
# The one value that a person must add to a stack's file.
DATABASE = "neo4j+s://0123abcd.databases.neo4j.io"

Deploy = Callable[..., Result]

# A stack's file sets keys of App Runner, which other hosts refuse.
ON_LAMBDA = {
    "neo4j-mcp:hosting": "lambda",
    "neo4j-mcp:cpu": "",
    "neo4j-mcp:minInstances": "",
    "neo4j-mcp:healthCheck": "{}",
}


SERVICE_DOMAIN = {
    "name": "mcp.example.com",
    "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0-1",
    "hostedZoneId": "Z0ABC",
}
ON_FARGATE = {
    "neo4j-mcp:hosting": "fargate",
    "neo4j-mcp:healthCheck": "{}",
    "neo4j-mcp:serviceDomain": json.dumps(SERVICE_DOMAIN),
}

_VPC = json.dumps({"subnetIds": ["subnet-0000000a"], "securityGroupIds": ["sg-0000000a"]})
_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
# Everything that adds resources, as far as a host has it.
_EVERYWHERE = {
    "neo4j-mcp:accessLogs": "true",
    "neo4j-mcp:customDomain": json.dumps(
        {
            "name": "auth.example.com",
            "certificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0-1",
        }
    ),
    "neo4j-mcp:edge": "true",
    "neo4j-mcp:edgeRequestsPerIp": "1000",
    "neo4j-mcp:logKeyArn": _KEY,
    "neo4j-mcp:monitoring": json.dumps(
        {
            "enabled": True,
            "subscriptions": {"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}},
        }
    ),
}
_ON_HOST: Mapping[Hosting, Mapping[str, str]] = {
    # More than AWS's defaults, so that the configuration of scaling counts.
    Hosting.APP_RUNNER: {
        "neo4j-mcp:minInstances": "2",
        "neo4j-mcp:maxInstances": "3",
        "neo4j-mcp:tracing": "true",
        "neo4j-mcp:vpcConnector": _VPC,
    },
    Hosting.FARGATE: {
        **ON_FARGATE,
        "neo4j-mcp:minInstances": "2",
        "neo4j-mcp:maxInstances": "3",
    },
    Hosting.LAMBDA: {**ON_LAMBDA, "neo4j-mcp:tracing": "true", "neo4j-mcp:vpcConnector": _VPC},
}
EVERYTHING: Mapping[Hosting, Mapping[str, str]] = {
    hosting: {**_EVERYWHERE, **own} for hosting, own in _ON_HOST.items()
}
"""For each host, changes that add every type of resource that a stack on it can have."""


def read_yaml(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return read


def stack_configuration(stack: str) -> dict[str, str]:
    """Return a stack's file merged with the project's defaults, as the engine does it."""
    project = read_yaml("Pulumi.yaml")
    merged: dict[str, Any] = {
        f"{project['name']}:{key}": declared["default"]
        for key, declared in project["config"].items()
        if "default" in declared
    }
    merged[f"{project['name']}:neo4jUri"] = DATABASE
    merged |= read_yaml(f"Pulumi.{stack}.yaml")["config"]
    return {key: _as_passed(value) for key, value in merged.items()}


def _as_passed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


@pytest.fixture(scope="session")
def deploy() -> Iterator[Deploy]:
    context = BuildContext(
        directory=ROOT / "server" / "build" / "contexts" / "1.6.1-0123",
        tag="1.6.1-0123",
        arguments={"VERSION": "1.6.1"},
    )

    # Cached: the same configuration has the same result, and no test changes it.
    @functools.cache
    def run(stack: str, changes: tuple[tuple[str, str], ...]) -> Result:
        def program() -> None:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

        config = {**stack_configuration(stack), **dict(changes)}
        return run_program(program, stack=stack, config=config)

    def deployed(stack: str, changes: Mapping[str, str] | None = None) -> Result:
        return run(stack, tuple((changes or {}).items()))

    package = ServerPackage(
        path=ROOT / "functions" / "build" / "server-0123.zip", code_sha256="hash"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.image.prepare_context", lambda *_args, **_kwargs: context)
        patch.setattr(
            "components.hosting.lambda_.component.prepare_package",
            lambda *_args, **_kwargs: package,
        )
        yield deployed
