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
        if _hosts(client, name).intersection(hosts):
            reserved = client.get_function_concurrency(FunctionName=name)
            return _service(function, reserved.get("ReservedConcurrentExecutions"))
    return None


def _servers(client: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's own client
    """Find the functions that may run the server, by their variables."""
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if any(name.startswith(_SETTING) for name in _variables(function)):
                yield function


def _hosts(client: Any, name: str) -> set[str]:  # noqa: ANN401 - boto3's own client
    configs = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    return {urlsplit(config["FunctionUrl"]).netloc for config in configs}


def _service(function: dict[str, Any], reserved: int | None) -> Service:
    parts = (
        function.get("State", "Active"),
        function.get("StateReason"),
        f"its log is {function['LoggingConfig']['LogGroup']}",
        "its reserved concurrency is 0" if reserved == 0 else None,
    )
    return Service(
        host=HostKind.LAMBDA,
        arn=function["FunctionArn"],
        status=", ".join(part for part in parts if part),
        is_paused=reserved == 0,
        environment=_variables(function),
    )


def _variables(function: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return variables
