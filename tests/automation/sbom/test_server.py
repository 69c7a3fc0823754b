import hashlib
from pathlib import Path

import pytest
from cyclonedx.model.component import Component, ComponentType

from automation.sbom.deployed import Image
from automation.sbom.descriptions import describe
from automation.sbom.functions import runtime
from automation.sbom.server import Artifact, image_component, server_document
from automation.sbom.subjects import Subject
from server.build_information import read_build_information
from server.errors import ServerImageError
from server.releases import find_release
from server.wheel import fetch_binary
from tests.automation.sbom.documents import components, properties, requirements, validated
from tests.server.conftest import release_of
from tests.server.go_binaries import blob, build_lines, elf, go_binary

ROOT = Path(__file__).resolve().parents[3]
LABELS = {"org.opencontainers.image.licenses": "GPL-3.0-only"}
MODULES = (
    "dep\tgolang.org/x/text\tv0.37.0\th1:Cq=\n"
    "dep\texample.com/old\tv1.0.0\n=>\texample.com/fork/v2\tv2.0.1\th1:ff=\n"
)
BINARY = elf(blob(build_lines() + MODULES))
FILES = {"ca-certificates.crt": b"PEM", "neo4j-mcp-server": BINARY, "zoneinfo.zip": b"zones"}


def image(deployed: Image | None = None) -> Component:
    return image_component("1.6.1-0123456789abcdef", release_of(b"wheel"), LABELS, deployed)


def artifact(binary: bytes = BINARY, subject: Component | None = None) -> Artifact:
    return Artifact(
        subject=subject or image(),
        release=release_of(b"wheel", binary),
        files={**FILES, "neo4j-mcp-server": binary},
        license="GPL-3.0-only",
    )


def test_the_image_is_the_program_and_its_files_with_their_hashes() -> None:
    content = validated(server_document(artifact()))

    found = components(content)
    assert requirements(content, "image") == {
        "server",
        "file:ca-certificates.crt",
        "file:zoneinfo.zip",
    }
    for name, of in (("github.com/neo4j/mcp", BINARY), ("ca-certificates.crt", b"PEM")):
        digest = hashlib.sha256(of).hexdigest()
        assert found[name]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert requirements(content, "file:zoneinfo.zip") == {found["tzdata"]["bom-ref"]}
    assert requirements(content, "file:ca-certificates.crt") == {found["certifi"]["bom-ref"]}


def test_the_program_has_its_license_its_wheel_and_how_it_was_built() -> None:
    program = components(validated(server_document(artifact())))["github.com/neo4j/mcp"]

    assert program["purl"] == "pkg:golang/github.com/neo4j/mcp@v1.6.1%2Bdirty"
    assert program["licenses"] == [{"license": {"id": "GPL-3.0-only"}}]
    found = properties(program)
    assert found["cdx:gomod:build:env:GOARCH"] == "amd64"
    assert found["neo4j-mcp:go:build:-compiler"] == "gc"
    assert found["neo4j-mcp:distributed-as"] == "pkg:pypi/neo4j-mcp-server@1.6.1"
    (wheel,) = (each for each in program["externalReferences"] if each["type"] == "distribution")
    assert wheel["hashes"][0]["content"] == hashlib.sha256(b"wheel").hexdigest()


def test_every_module_and_the_standard_library_are_in_the_program() -> None:
    content = validated(server_document(artifact()))

    assert requirements(content, "server") == {
        "pkg:golang/stdlib@1.27.3",
        "pkg:golang/golang.org/x/text@v0.37.0",
        "pkg:golang/example.com/fork/v2@v2.0.1",
    }
    found = components(content)
    assert properties(found["golang.org/x/text"]) == {"neo4j-mcp:go:checksum": "h1:Cq="}
    assert properties(found["example.com/fork/v2"])["neo4j-mcp:go:replaces"] == "example.com/old"
    assert found["stdlib"]["cpe"] == "cpe:2.3:a:golang:go:1.27.3:-:*:*:*:*:*:*"


def test_a_modified_toolchain_is_the_version_that_scanners_know() -> None:
    modified = elf(blob(build_lines(), go_version="go1.27.3 X:nodwarf5"))
    found = components(validated(server_document(artifact(modified))))

    assert found["stdlib"]["version"] == "1.27.3"
    toolchain = properties(found["github.com/neo4j/mcp"])["cdx:gomod:build:env:GOVERSION"]
    assert toolchain == "go1.27.3 X:nodwarf5"


def test_an_image_that_isnt_deployed_has_its_tag_base_and_labels() -> None:
    subject = validated(server_document(artifact()))["metadata"]["component"]

    assert subject["version"] == "1.6.1-0123456789abcdef"
    assert properties(subject) == {
        "neo4j-mcp:image:base": "scratch",
        "neo4j-mcp:image:label:org.opencontainers.image.licenses": "GPL-3.0-only",
    }
    assert "purl" not in subject
    assert "hashes" not in subject


def test_a_deployed_image_has_its_digest_and_repository() -> None:
    deployed = Image(
        repository="111111111111.dkr.ecr.eu-west-1.amazonaws.com/neo4j-mcp-dev-server",
        tag="1.6.1-0123-20261127T101112Z",
        digest="sha256:" + "d" * 64,
    )
    subject = validated(server_document(artifact(subject=image(deployed))))["metadata"]["component"]

    assert subject["version"] == deployed.tag
    assert "arch=amd64" in subject["purl"]
    assert subject["purl"].startswith("pkg:oci/neo4j-mcp-dev-server@sha256:dddd")
    assert "repository_url=111111111111.dkr.ecr.eu-west-1.amazonaws.com" in subject["purl"]
    assert "tag=1.6.1-0123-20261127T101112Z" in subject["purl"]
    assert subject["hashes"] == [{"alg": "SHA-256", "content": "d" * 64}]


def test_a_function_has_its_modules_and_what_lambda_provides() -> None:
    files = {**FILES, "functions/server/handler.py": b"import json\n"}
    function = Component(type=ComponentType.APPLICATION, name="dev-function", bom_ref="function")
    content = validated(
        server_document(
            Artifact(
                subject=function,
                release=release_of(b"", BINARY),
                files=files,
                license="GPL-3.0-only",
                runtime=runtime(files),
            )
        )
    )

    assert {"file:functions/server/handler.py", "runtime:python3.13"} < requirements(
        content, "function"
    )


def test_a_binary_of_another_version_is_described_as_no_release() -> None:
    with pytest.raises(ServerImageError, match=r"built from github\.com/neo4j/mcp v1\.6\.0"):
        server_document(artifact(go_binary(version="v1.6.0")))


@pytest.mark.program
def test_the_image_of_this_checkout_has_every_module_of_the_official_binary() -> None:
    content = validated(describe(Subject.SERVER, ROOT, None))

    release = find_release("1.6.1")
    information = read_build_information(
        fetch_binary(release, ROOT / "server" / "build" / "wheels")
    )
    modules = {each["name"]: each.get("version") for each in content["components"]}
    for module in information.dependencies:
        assert modules[module.path] == module.version
    assert len(information.dependencies) > 1
    assert modules["stdlib"] == information.go_version.removeprefix("go")
    program = components(content)["github.com/neo4j/mcp"]
    assert program["hashes"][0]["content"] == release.binary_sha256
