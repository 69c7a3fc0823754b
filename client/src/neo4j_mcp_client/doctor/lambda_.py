"""Reads the state of the server's function from Lambda."""

from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from neo4j_mcp_client.doctor.evidence import HostKind, Service

_SETTING: Final = "NEO4J_MCP_"
"""What the names of the server's settings begin with."""


def service_at(client: Any, hosts: Collection[str]) -> Service | None:  # noqa: ANN401 - boto3's own client
    """Find the function with a URL at one of the host names; None if there is none."""
    for function in _servers(client):
        name = function["FunctionName"]
        targets = _targets(client, name)
        if found := targets.keys() & set(hosts):
            # Of what the URL leads to, an alias's version.
            live = client.get_function_configuration(FunctionName=targets[found.pop()])
            reserved = client.get_function_concurrency(FunctionName=name)
            return _service(
                function["FunctionArn"], live, reserved.get("ReservedConcurrentExecutions")
            )
    return None


def _servers(client: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's own client
    """Find the functions that may run the server, by their variables."""
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if any(name.startswith(_SETTING) for name in _variables(function)):
                yield function


def _targets(client: Any, name: str) -> dict[str, str]:  # noqa: ANN401 - boto3's own client
    """Return what each URL of a function leads to, the function or an alias, by host name."""
    configs = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    return {urlsplit(config["FunctionUrl"]).netloc: config["FunctionArn"] for config in configs}


def _service(arn: str, function: dict[str, Any], reserved: int | None) -> Service:
    parts = (
        function.get("State", "Active"),
        function.get("StateReason"),
        f"its log is {function['LoggingConfig']['LogGroup']}",
        "its reserved concurrency is 0" if reserved == 0 else None,
    )
    return Service(
        host=HostKind.LAMBDA,
        arn=arn,
        status=", ".join(part for part in parts if part),
        is_paused=reserved == 0,
        environment=_variables(function),
    )


def _variables(function: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return variables
