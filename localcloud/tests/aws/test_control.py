import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from aws.conftest import AwsEndpoint
from localcloud.aws.control import ControlApp, ControlError, flag, number
from localcloud.aws.protocol import ApiError
from tests.repository import ROOT


async def _echo(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Given": number(parameters, "Seconds")}


def _post(target: str, body: str) -> tuple[int, dict[str, Any]]:
    client = TestClient(ControlApp({"Echo": _echo}))
    response = client.post("/", content=body, headers={"x-amz-target": target})
    return response.status_code, response.json()


def test_an_operation_runs_with_its_parameters() -> None:
    assert _post("LocalCloud.Echo", '{"Seconds": 2}') == (200, {"Given": 2.0})


def test_an_unknown_operation_is_refused_with_the_known_ones() -> None:
    status, content = _post("LocalCloud.Other", "{}")
    assert (status, content["__type"]) == (400, "UnknownOperationException")
    assert content["message"] == "No operation is named 'Other', only: Echo."


@pytest.mark.parametrize("body", ["[]", "nonsense"])
def test_a_body_that_is_no_json_object_is_refused(body: str) -> None:
    status, content = _post("LocalCloud.Echo", body)
    assert (status, content["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize("value", [-1, True, "1", None, float("nan")])
def test_a_number_must_be_zero_or_more(value: object) -> None:
    with pytest.raises(ApiError, match="Seconds must be a number, zero or more"):
        number(json.loads(json.dumps({"Seconds": value})), "Seconds")


def test_zero_is_a_number() -> None:
    assert number({"Seconds": 0}, "Seconds") == 0


@pytest.mark.parametrize("value", [0, "true", None])
def test_a_flag_must_be_true_or_false(value: object) -> None:
    with pytest.raises(ApiError, match="Open must be true or false"):
        flag({"Open": value}, "Open")


def test_false_is_a_flag() -> None:
    assert flag({"Open": False}, "Open") is False


@pytest.mark.stand_in
def test_the_operations_are_those_that_the_readme_lists(endpoint: AwsEndpoint) -> None:
    readme = (ROOT / "localcloud" / "README.md").read_text(encoding="utf-8")
    section = readme.partition("### What tests can change")[2].partition("\n## ")[0]
    listed = ", ".join(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
    assert listed
    with pytest.raises(ControlError, match=f"No operation is named 'Other', only: {listed}\\."):
        endpoint.control().call("Other")
