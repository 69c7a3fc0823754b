from typing import Any

import pytest

from automation.sbom.deployed import Image, find_functions, find_image, require_package
from automation.sbom.errors import SbomError
from automation.sbom.functions import Function
from components.function_code import code_sha256

REPOSITORY = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/neo4j-mcp-dev-server"
DIGEST, OTHER = "sha256:" + "d" * 64, "sha256:" + "e" * 64
TAG = "1.6.1-0123456789abcdef"
PACKED = b"a package"
REMEDY = r"automation deploy --stack dev"


def resource(kind: str, outputs: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"type": kind, "outputs": outputs, **more}


def an_image(tag: str, digest: str, **more: object) -> dict[str, Any]:
    name = f"{REPOSITORY}:{tag}"
    outputs = {"imageName": name, "repoDigest": f"{REPOSITORY}@{digest}"}
    return resource("docker:index/image:Image", outputs, **more)


def a_function(name: str, packed: bytes) -> dict[str, Any]:
    outputs = {"name": name, "codeSha256": code_sha256(packed)}
    return resource("aws:lambda/function:Function", outputs)


def test_the_image_with_the_digest_of_the_outputs_is_found() -> None:
    deployed = f"{TAG}-20261127T101112Z"
    state = {
        "resources": [
            an_image(f"{TAG}-20260101T000000Z", OTHER, delete=True),
            resource("pulumi:pulumi:Stack", {}),
            an_image(deployed, DIGEST),
        ]
    }

    assert find_image(state, DIGEST, stack="dev", build_tag=TAG) == Image(
        repository=REPOSITORY, tag=deployed, digest=DIGEST
    )


def test_an_image_of_another_context_is_refused() -> None:
    state = {"resources": [an_image("1.6.1-fedcba9876543210-20261127T101112Z", DIGEST)]}

    with pytest.raises(SbomError, match=f"1.6.1-fedcba.* would deploy {TAG}, .*{REMEDY}"):
        find_image(state, DIGEST, stack="dev", build_tag=TAG)


def test_a_tag_that_only_begins_the_same_is_of_another_context() -> None:
    state = {"resources": [an_image(f"{TAG}0-20261127T101112Z", DIGEST)]}

    with pytest.raises(SbomError, match="would describe something else"):
        find_image(state, DIGEST, stack="dev", build_tag=TAG)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"resources": [an_image(f"{TAG}-1", OTHER)]},
        {"resources": [an_image(f"{TAG}-1", DIGEST, delete=True)]},
        {"resources": [{"type": "docker:index/image:Image"}]},
    ],
)
def test_a_state_without_the_image_is_reported(state: dict[str, Any]) -> None:
    with pytest.raises(SbomError, match=f"no image with the digest .*{REMEDY}"):
        find_image(state, DIGEST, stack="dev", build_tag=TAG)


def test_a_stack_whose_host_isnt_deployed_yet_is_reported() -> None:
    with pytest.raises(SbomError, match=f"has no image, .*{REMEDY}"):
        find_image({}, None, stack="dev", build_tag=TAG)
    with pytest.raises(SbomError, match=f"has no function dev-function, .*{REMEDY}"):
        require_package(None, PACKED, stack="dev", name="dev-function")


def test_the_functions_of_the_state_are_found_and_others_left_out() -> None:
    state = {"resources": [a_function("dev-claims", PACKED), a_function("dev-function", b"")]}
    packages = {"dev-claims": lambda: PACKED, "dev-canary": lambda: PACKED}

    assert list(find_functions(state, packages, stack="dev")) == [
        Function(name="dev-claims", package=PACKED)
    ]


def test_a_function_with_other_code_is_refused() -> None:
    state = {"resources": [a_function("dev-claims", b"another package")]}

    with pytest.raises(SbomError, match=f"the function dev-claims .*{REMEDY}"):
        list(find_functions(state, {"dev-claims": lambda: PACKED}, stack="dev"))


def test_a_package_with_another_hash_is_refused() -> None:
    require_package(code_sha256(PACKED), PACKED, stack="dev", name="dev-function")

    with pytest.raises(SbomError, match=f"the function dev-function .*{REMEDY}"):
        require_package(code_sha256(b"another"), PACKED, stack="dev", name="dev-function")
