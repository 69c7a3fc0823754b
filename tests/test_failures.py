"""What a person can cause ends in one message that says what to do, never in a traceback."""

import errno
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import botocore.exceptions as aws
import docker.errors
import filelock
import httpx2
import pytest
import requests
import yaml

from automation import commands as automation_commands
from automation.deployment import DeploymentError
from automation.report.files import ReportError
from demo import __main__ as demo
from localcloud import cli as localcloud_commands
from localcloud import commands, locks
from localcloud.aura.distribution import DistributionError
from localcloud.errors import LocalCloudError
from neo4j_mcp_client import NetworkError

ROOT = Path(__file__).resolve().parent.parent


def _aws(code: str, message: str = "no") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "ListServices")


def _full(path: str = "/var/x") -> OSError:
    return OSError(errno.ENOSPC, "No space left on device", path)


def _denied(path: str = "/var/x") -> OSError:
    return PermissionError(errno.EACCES, "Permission denied", path)


AUTOMATION: dict[str, tuple[Exception, str]] = {
    "the engine's refusal": (DeploymentError("refused"), "refused"),
    "no report": (ReportError("There is no report"), "There is no report"),
    "no credentials": (aws.NoCredentialsError(), "aws sso login"),
    "a profile that isn't there": (aws.ProfileNotFound(profile="work"), "work"),
    "an expired single sign-on session": (aws.UnauthorizedSSOTokenError(), "aws sso login"),
    "a session that was never begun": (
        aws.SSOTokenLoadError(error_msg="Token for work does not exist"),
        "aws sso login",
    ),
    "expired credentials": (_aws("ExpiredTokenException"), "aws sso login"),
    "throttling": (_aws("ThrottlingException"), "Run this again in a minute"),
    "missing rights": (_aws("AccessDeniedException"), "aws sts get-caller-identity"),
    "another refusal of AWS": (_aws("InvalidRequestException"), "InvalidRequestException"),
    "no region": (aws.NoRegionError(), "pulumi config set aws:region"),
    "what is no region": (
        aws.InvalidRegionError(region_name="x y"),
        "pulumi config set aws:region",
    ),
    "a region that doesn't exist": (
        aws.EndpointConnectionError(endpoint_url="https://sts.eu-west-9.amazonaws.com"),
        "pulumi config set aws:region",
    ),
    "another region than the endpoint's": (
        _aws("InvalidSignatureException", "Credential should be scoped to a valid region."),
        "pulumi config set aws:region",
    ),
    "a region that isn't enabled": (
        _aws("UnrecognizedClientException"),
        "aws account list-regions",
    ),
    "no network": (aws.EndpointConnectionError(endpoint_url="https://x"), "is online"),
    "a slow network": (aws.ConnectTimeoutError(endpoint_url="https://x"), "is online"),
    "a proxy that is away": (aws.ProxyConnectionError(proxy_url="http://p"), "is online"),
    "a server that is away": (httpx2.ConnectError("refused"), "refused"),
    "a full disk": (_full(), "df -h"),
    "a folder of someone else": (_denied(), "/var/x"),
    "a lock that isn't free": (filelock.Timeout("/x/lock"), "/x/lock"),
    "a broken YAML file": (yaml.YAMLError("line 3"), "line 3"),
}
LOCALCLOUD: dict[str, tuple[Exception, str]] = {
    "a jar that can't be fetched": (DistributionError("No jars."), "No jars."),
    "a lock that isn't free": (filelock.Timeout("/x/lock"), "/x/lock"),
    "a program that hangs": (subprocess.TimeoutExpired(["ip", "link"], 5), "ip"),
    "a program that fails": (subprocess.CalledProcessError(3, ["ip"]), "status 3"),
    "Docker's refusal": (docker.errors.APIError("no such image"), "docker info"),
    "a Docker Engine that is away": (requests.ConnectionError("aborted"), "docker info"),
    "a full disk": (_full(), "df -h"),
    "a folder of someone else": (_denied(), "LOCALCLOUD_HOME"),
    "a broken YAML file": (yaml.YAMLError("line 3"), "line 3"),
    "several at once": (
        ExceptionGroup("two", [LocalCloudError("One."), ExceptionGroup("", [_full()])]),
        "One.\nNo space left",
    ),
}
DEMO = {
    "a call that fails": (NetworkError("no answer", may_have_run=False), "no answer"),
    "the engine's refusal": AUTOMATION["the engine's refusal"],
    "a jar that can't be fetched": LOCALCLOUD["a jar that can't be fetched"],
    "a session's failure": (ExceptionGroup("x", [httpx2.ConnectError("refused")]), "refused"),
}
CASES = [
    pytest.param(module, status, error, says, id=f"{module.__name__}: {name}")
    for module, status, cases in (
        (automation_commands, 3, AUTOMATION),
        (localcloud_commands, 1, LOCALCLOUD),
        (demo, 1, DEMO),
    )
    for name, (error, says) in cases.items()
]


@pytest.mark.parametrize(("module", "status", "error", "says"), CASES)
def test_an_expected_failure_is_one_message(
    module: object,
    status: int,
    error: Exception,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "app", partial(_raise, error))
    assert _status(module.main) == status  # type: ignore[attr-defined]
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert printed.err.count("error: ") == 1
    assert printed.out == ""


@pytest.mark.parametrize("module", [automation_commands, localcloud_commands, demo])
def test_a_bug_is_reported_with_its_traceback(
    module: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "app", partial(_raise, ZeroDivisionError("division by zero")))
    assert _status(module.main) != 0  # type: ignore[attr-defined]
    said = capsys.readouterr().err
    assert "in _raise" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "Please report it" in said


def test_a_failure_shows_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
    for error in (DeploymentError(f"refused {token}"), ValueError(token)):
        monkeypatch.setattr(automation_commands, "app", partial(_raise, error))
        _status(automation_commands.main)
        assert token not in capsys.readouterr().err


def _raise(error: Exception) -> None:
    raise error


def _status(main: Callable[[], None]) -> int:
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_CACHE", str(tmp_path))


@pytest.mark.parametrize(
    ("code", "timeout", "says"),
    [
        ("import sys; print('no such module'); sys.exit(7)", 30, "failed with status 7"),
        ("import time; print('no such module', flush=True); time.sleep(60)", 3, "longer than 3 s"),
    ],
    ids=["it fails", "it hangs"],
)
def test_a_program_that_fails_or_hangs_is_reported_with_its_log_and_remedy(
    code: str, timeout: float, says: str, tmp_path: Path
) -> None:
    with pytest.raises(LocalCloudError) as raised:
        commands.run(
            [sys.executable, "-c", code], purpose="Building it", timeout=timeout, remedy="Get one."
        )
    (log,) = (tmp_path / "logs").iterdir()
    for part in (says, "Building it", "Get one.", sys.executable, str(log), "no such module"):
        assert part in str(raised.value)


def test_a_missing_program_is_reported() -> None:
    with pytest.raises(LocalCloudError, match=r"no-such-program.*No such file.*Get one\."):
        commands.run(["no-such-program"], purpose="Building it", timeout=5, remedy="Get one.")
    assert commands.probe(["no-such-program"]) == ""


def test_a_hanging_programs_children_are_killed_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 300 & echo $! > {pid}; wait"
    with pytest.raises(LocalCloudError):
        commands.run(["sh", "-c", script], purpose="Waiting", timeout=2, remedy="Don't.")
    commands.run(
        ["sh", "-c", f"while kill -0 $(cat {pid}); do sleep 0.1; done"],
        purpose="Waiting for its end",
        timeout=30,
        remedy="It still runs.",
    )


def test_the_error_for_a_taken_lock_says_what_its_holder_does(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.lock"
    with (
        locks.locked(path, timeout=1, work="building it"),
        pytest.raises(LocalCloudError, match=r"has been building it for 0\.1 s"),
        locks.locked(path, timeout=0.1, work="building it"),
    ):
        pass
    with locks.locked(path, timeout=0.1, work="building it"):
        pass


@pytest.mark.program
@pytest.mark.parametrize(
    "command",
    [
        "automation check --stack dev",
        "automation deploy --stack dev --preview",
        "automation destroy --stack dev",
        "automation drill --stack dev",
        "automation report --stack dev --reports /dev/null",
        (
            "automation role deploy --document permissions --stack dev --account 123456789012"
            " --workspace /"
        ),
        "localcloud env",
        "localcloud resume-database --home /dev/null",
        "demo outputs",
    ],
)
def test_a_command_on_a_bare_machine_reports_what_is_missing(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "LOCALCLOUD_HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in {1, 3}
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert done.stdout == ""
