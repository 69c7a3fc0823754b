"""localcloud/README.md names every environment variable and module that there is."""

import ast
import re
from pathlib import Path

import localcloud
from localcloud import trust
from localcloud.access_key import AccessKey
from localcloud.certificates import CertificateAuthority
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.ports import PORT_VARIABLES, Ports

README = Path(__file__).resolve().parents[1] / "README.md"
SOURCES = README.parent / "src" / "localcloud"


def test_the_readme_names_the_variables_that_are_read() -> None:
    assert _documented("Read") == _read_by_the_code() | {*PORT_VARIABLES.values(), *trust.VARIABLES}


def test_the_readme_names_the_variables_that_env_exports(tmp_path: Path) -> None:
    home = Home(tmp_path)
    AccessKey.load_or_create(home.aws_credentials)
    CertificateAuthority.load_or_create(home.authority)
    trust.write_bundle({}, home)
    running = Cloud(
        ports=Ports(),
        aws_endpoint="http://localhost:4566",
        bolt_uri="neo4j+s://localhost:7687",
        console_url="http://127.0.0.1:7474",
        console_credentials=tmp_path / "credentials",
        database_uri="bolt://127.0.0.1:7999",
        docker_host="unix:///run/docker.sock",
        debug_providers="aws:1",
        home=tmp_path,
    )
    exported = running.environment().keys() | trust.prepare_shell({}, home).keys()
    assert _documented("Exported by `env`") == exported


def test_the_module_map_lists_every_module() -> None:
    assert localcloud.__doc__ is not None
    listed = re.findall(r"^    (\w+)  ", localcloud.__doc__, re.MULTILINE)
    modules = {path.stem for path in SOURCES.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in SOURCES.glob("*/__init__.py")}
    assert sorted(listed) == sorted(modules | packages)


def _documented(heading: str) -> set[str]:
    """Read the first column of the table under a heading."""
    section = README.read_text(encoding="utf-8").partition(f"\n### {heading}\n")[2]
    rows = [line for line in section.partition("\n#")[0].splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def _read_by_the_code() -> set[str]:
    """List what is looked up in `os.environ` by a name that stands there."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    looked_up = [
        node.args[0]
        for node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get"
    ] + [
        node.slice
        for node in nodes
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and ast.unparse(node.value) == "os.environ"
    ]
    return {
        name.value
        for name in looked_up
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    }
