"""The server of a stack on Lambda, which has a package instead of an image."""

from pathlib import Path
from typing import Any

import pytest

from automation.sbom.descriptions import DeployedStack, describe
from automation.sbom.errors import SbomError
from automation.sbom.subjects import Subject
from components.hosting.lambda_.package import prepare_package
from server.releases import Architecture
from tests.automation.sbom.documents import components, requirements, validated
from tests.components.parsing import parse

ROOT = Path(__file__).resolve().parents[3]
# pip fetches the server's wheel, unless it is there already.
pytestmark = pytest.mark.program


def stack_on_lambda(outputs: dict[str, Any]) -> DeployedStack:
    configuration = {
        "namePrefix": "neo4j-mcp",
        "hosting": "lambda",
        "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
        "clients": {"agent": {"scopes": ["reader"]}},
    }
    return DeployedStack(stack="dev", settings=parse(configuration), outputs=outputs, state={})


def test_a_function_that_runs_the_server_is_described_by_its_package() -> None:
    package = prepare_package("1.6.1", Architecture.X86_64, trusted_certificates="")
    deployed = stack_on_lambda({"codeSha256": package.code_sha256})
    content = validated(describe(Subject.SERVER, ROOT, deployed))

    subject = content["metadata"]["component"]
    assert subject["name"] == "neo4j-mcp-dev-function"
    assert {
        "server",
        "file:ca-certificates.crt",
        "file:zoneinfo.zip",
        "file:functions/server/handler.py",
        "runtime:python3.13",
    } <= requirements(content, subject["bom-ref"])
    assert components(content)["github.com/neo4j/mcp"]["version"].startswith("v1.6.1")


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"codeSha256": "of another package"}, "this checkout would deploy"),
        ({"imageDigest": "sha256:0"}, "has no function neo4j-mcp-dev-function"),
    ],
)
def test_another_package_or_none_is_not_described(outputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(SbomError, match=reason):
        describe(Subject.SERVER, ROOT, stack_on_lambda(outputs))
