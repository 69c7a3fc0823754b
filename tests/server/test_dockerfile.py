from pathlib import Path

import pytest

from components.hosting.environment import PORT
from server import context


@pytest.fixture
def instructions() -> list[str]:
    dockerfile = Path(context.__file__).with_name("Dockerfile").read_text(encoding="utf-8")
    joined = dockerfile.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def test_the_image_is_built_from_scratch_without_running_anything(instructions: list[str]) -> None:
    verbs = [line.split()[0] for line in instructions]

    assert instructions[0] == "FROM scratch"
    assert verbs.count("FROM") == 1
    assert not {"RUN", "ADD", "CMD", "VOLUME"} & set(verbs)


def test_the_server_is_not_root(instructions: list[str]) -> None:
    (user,) = (line for line in instructions if line.startswith("USER"))
    assert user == "USER 65532:65532"


def test_the_server_is_the_entry_point_and_reads_the_bundle_and_the_time_zones(
    instructions: list[str],
) -> None:
    assert 'ENTRYPOINT ["/neo4j-mcp-server"]' in instructions
    assert "ENV SSL_CERT_FILE=/ca-certificates.crt ZONEINFO=/zoneinfo.zip" in instructions
    assert f"EXPOSE {PORT}" in instructions


def test_no_copy_creates_a_directory_with_the_time_of_the_build(
    instructions: list[str],
) -> None:
    copies = [line.split()[1:] for line in instructions if line.startswith("COPY")]

    assert copies == [["ca-certificates.crt", "neo4j-mcp-server", "zoneinfo.zip", "/"]]


def test_the_image_has_labels(instructions: list[str]) -> None:
    (label,) = (line for line in instructions if line.startswith("LABEL"))
    for key in ("title", "description", "version", "source", "vendor", "licenses"):
        assert f"org.opencontainers.image.{key}=" in label
