import hashlib
from pathlib import Path

from automation.sbom.descriptions import describe
from automation.sbom.functions import Function, functions_document
from automation.sbom.subjects import Subject
from components.function_code import package
from tests.automation.sbom.documents import components, requirements, validated

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = package({"functions/canary/handler.py": b"import boto3\nfrom json import dumps\n"})
OTHER = package({"handler.py": b"import json\n"})


def test_a_function_has_the_hash_of_its_package_and_of_each_file() -> None:
    function = Function(name="dev-canary", package=PACKAGE)
    found = components(validated(functions_document([function], stack="dev")))["dev-canary"]

    assert found["hashes"][0]["content"] == hashlib.sha256(PACKAGE).hexdigest()
    (file,) = found["components"]
    assert file["name"] == "functions/canary/handler.py"
    content = b"import boto3\nfrom json import dumps\n"
    assert file["hashes"][0]["content"] == hashlib.sha256(content).hexdigest()


def test_only_functions_that_import_the_sdk_require_it() -> None:
    functions = [Function(name="canary", package=PACKAGE), Function(name="claims", package=OTHER)]
    content = validated(functions_document(functions, stack=None))

    assert requirements(content, "function:canary") == {"runtime:python3.13", "runtime:boto3"}
    assert requirements(content, "function:claims") == {"runtime:python3.13"}
    # AWS chooses it.
    assert "version" not in components(content)["boto3"]


def test_every_function_of_this_checkout_is_described() -> None:
    content = validated(describe(Subject.FUNCTIONS, ROOT, None))

    packed = [each for each in content["components"] if each["type"] == "application"]
    handlers = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    # The server's function is a host, and described as the server.
    assert len(packed) == len(handlers - {"server"})
