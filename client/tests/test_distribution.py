"""The distribution, installed into a fresh environment."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.program

CLIENT = Path(__file__).resolve().parents[1]
TIMEOUT = 300


def uv(*arguments: str) -> str:
    return run(sys.executable, "-m", "uv", *arguments)


def run(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def install(directory: Path, extras: str = "") -> Path:
    """Create an environment with the distribution, and return its Python."""
    environment = directory / "environment"
    python = environment / "bin" / "python"
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    uv("pip", "install", "--quiet", "--python", str(python), f"neo4j-mcp-client{extras} @ {CLIENT}")
    return python


def installed(python: Path) -> set[str]:
    listed = uv("pip", "list", "--quiet", "--python", str(python), "--format", "freeze")
    return {line.partition("==")[0].partition(" @")[0] for line in listed.splitlines()}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("bare"))


def test_without_extras_it_needs_requests_alone(bare: Path) -> None:
    assert installed(bare) == {
        "neo4j-mcp-client",
        "requests",
        # requests' own
        "certifi",
        "charset-normalizer",
        "idna",
        "urllib3",
    }


def test_it_is_typed_and_says_its_version(bare: Path) -> None:
    printed = run(
        str(bare),
        "-c",
        "import neo4j_mcp_client as c, importlib.metadata as m, importlib.resources as r;"
        "print(c.__version__ == m.version('neo4j-mcp-client'));"
        "print((r.files(c) / 'py.typed').is_file())",
    )
    assert printed.split() == ["True", "True"]


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("async_client", "async"),
        ("httpx2", "async"),
        ("httpx", "httpx"),
        ("file_cache", "cache"),
        ("secrets_manager", "aws"),
        ("bridge", "bridge"),
        ("doctor.bolt", "doctor"),
    ],
)
def test_a_missing_extra_is_named(bare: Path, module: str, extra: str) -> None:
    program = (
        "import importlib, neo4j_mcp_client\n"
        f"try: importlib.import_module('neo4j_mcp_client.{module}')\n"
        "except neo4j_mcp_client.ConfigurationError as error: print(error)"
    )
    assert f"pip install 'neo4j-mcp-client[{extra}]'" in run(str(bare), "-c", program)


def test_every_extra_installs_and_imports(tmp_path: Path) -> None:
    python = install(tmp_path, "[async,httpx,aws,cache,cli,mcp,bridge,doctor]")
    program = (
        "import neo4j_mcp_client.async_client, neo4j_mcp_client.httpx2, neo4j_mcp_client.httpx;"
        "import neo4j_mcp_client.file_cache, neo4j_mcp_client.secrets_manager"
    )
    run(str(python), "-c", program)
    version = run(str(python.with_name("neo4j-mcp")), "--version")
    assert (
        version.split()[-1]
        == run(
            str(python), "-c", "import neo4j_mcp_client; print(neo4j_mcp_client.__version__)"
        ).strip()
    )


def test_the_command_names_the_extra_that_it_needs(bare: Path) -> None:
    ran = subprocess.run(
        [str(bare.with_name("neo4j-mcp")), "--version"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        "error: neo4j-mcp needs typer. Run: pip install 'neo4j-mcp-client[cli]'\n"
    )
