"""Every drill passes on a healthy stack, and each fails on its own faults."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import docker
import httpx2
import pytest

from automation import controls
from automation.checks import lookups
from automation.checks.probe import Probe
from automation.checks.results import Outcome
from automation.controls import Controls
from automation.deployment import Deployment
from automation.drills import DRILLS, database, rotation, service, tokens
from automation.drills.client_secrets import ClientSecrets, has_leftovers
from automation.drills.exercise import Exercise, Limits, Options
from automation.drills.function_process import FunctionProcess
from automation.drills.results import DrillResult
from automation.drills.runner import run
from automation.hosting.apprunner import APP_RUNNER_OPERATIONS
from automation.hosting.containers import containers, kill
from automation.hosting.host import Operation
from automation.hosting.instances import Instances
from automation.rotation.results import Outcome as Rotated
from localcloud.workspace import STACK
from neo4j_mcp_client import retries, token_endpoint
from neo4j_mcp_client.secrets_manager import SecretsManagerSource
from tests.end_to_end.breakage import World, altered, rotation_function, with_outputs
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

# The stand-in takes fewer seconds than Cognito's 300.
_LIFETIME = 8
_TIMEOUT = 120
# A command that does nothing, and says that all went well.
_NOTHING = "true"


_SLOW_DRILLS = {"database-away", "rotation-interrupted"}


def exercise(
    world: World, name: str, limits: Limits | None = None, **commands: str | None
) -> DrillResult:
    (result,) = run(
        [DRILLS[name]],
        world.context,
        replace(Controls.from_environment(), **commands),
        Options(callers=3, token_lifetime=_LIFETIME, limits=limits or Limits()),
    )
    return result


def figures(result: DrillResult, who: str = "callers") -> dict[str, Any]:
    found: dict[str, Any] = next(
        json.loads(each.response)
        for each in result.evidence
        if each.request == f"Figures of the {who}"
    )
    return found


def timeline(result: DrillResult) -> str:
    return next(each.response for each in result.evidence if each.request == "Timeline")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=pytest.mark.slow) if each in _SLOW_DRILLS else each
        for each in DRILLS
    ],
)
def test_every_drill_passes_on_a_good_stack_and_leaves_it_as_it_was(
    world: World, deployed: Deployment, name: str
) -> None:
    before = _app_client(world), _retirement(world)
    result = exercise(world, name)
    assert (result.outcome, result.reason) == (Outcome.PASSED, ""), timeline(result)
    assert (_app_client(world), _retirement(world)) == before
    assert deployed.preview(refresh=True).none


def _app_client(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.aws("cognito-idp").describe_user_pool_client(
        UserPoolId=world.context.user_pool_id, ClientId=world.client_id("reader")
    )["UserPoolClient"]
    found.pop("LastModifiedDate", None)
    return found


def _retirement(world: World) -> str:
    rule = world.aws("events").describe_rule(Name=world.context.names.retirement_rule)
    return str(rule["State"])


def test_figures_have_the_calls_that_failed_after_a_kill(world: World) -> None:
    result = exercise(world, "container-killed")
    found = figures(result)
    assert found["failed"] == sum(found["failures"].values()) > 0
    assert "kill apprunner-" in timeline(result)
    assert "calls succeed again" in timeline(result)


def test_a_container_that_is_not_replaced_fails_the_drill(world: World) -> None:
    # Containers are killed until the drill has ended.
    limits = Limits(replacement=4.0, healthy=1.0)
    with _killing_whatever_comes(world):
        result = exercise(world, "container-killed", limits)
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("not every caller's calls succeed within 4 s")


@contextmanager
def _killing_whatever_comes(world: World) -> Iterator[None]:
    """Kill every container of the service that starts after the first kill."""
    engine = docker.from_env()
    image = _image(world)
    events = engine.events(decode=True, filters={"type": "container", "event": "start"})

    def kill() -> None:
        for event in events:
            if event["from"] == image:
                engine.api.kill(event["id"])

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        events.close()
        killer.join(10)
        engine.close()


def _image(world: World) -> str:
    apprunner = world.aws("apprunner")
    (found,) = apprunner.list_services()["ServiceSummaryList"]
    described = apprunner.describe_service(ServiceArn=found["ServiceArn"])["Service"]
    return str(described["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"])


def test_without_a_docker_engine_killing_is_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    result = exercise(world, "container-killed")
    assert result.outcome is Outcome.SKIPPED
    assert "no Docker Engine answers" in result.reason


def test_without_a_container_of_the_service_killing_is_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Instances(running=list, are_kept=True)
    host = replace(APP_RUNNER_OPERATIONS, instances=lambda *_: nullcontext(none))
    monkeypatch.setattr(lookups, "HOSTS", {host.hosting: host})
    result = exercise(world, "container-killed")
    assert result.outcome is Outcome.SKIPPED
    assert "runs no instance of the service: App Runner's own are out of reach" in result.reason


def test_killing_a_stopped_container_does_nothing(world: World) -> None:
    with closing(docker.from_env()) as engine:
        container = engine.containers.create(_image(world))
        kill(container)
        container.remove()
        kill(container)


def test_a_failed_deployment_fails_the_drill(world: World) -> None:
    ecr, name = world.aws("ecr"), world.context.names.repository
    digest = {"imageDigest": world.outputs["imageDigest"]}
    (image,) = ecr.batch_get_image(repositoryName=name, imageIds=[digest])["images"]
    ecr.batch_delete_image(repositoryName=name, imageIds=[digest])
    try:
        result = exercise(world, "redeploy-under-traffic")
    finally:
        ecr.put_image(
            repositoryName=name,
            imageManifest=image["imageManifest"],
            imageTag=image["imageId"]["imageTag"],
        )
    assert result.outcome is Outcome.FAILED
    assert "the deployment's status is 'ROLLBACK_SUCCEEDED'" in result.reason


def test_a_failed_call_during_a_deployment_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, image = service.wait_for_operation, _image(world)

    def disturbed(*arguments: Any) -> Operation:  # noqa: ANN401 - the real one's
        operation = wait(*arguments)
        with containers(image) as instances:
            for container in instances.running():
                container.kill()
        return operation

    monkeypatch.setattr(service, "wait_for_operation", disturbed)
    result = exercise(world, "redeploy-under-traffic")
    assert result.outcome is Outcome.FAILED
    assert "calls failed while the service was deployed again" in result.reason


@pytest.mark.slow
def test_a_database_that_does_not_stop_fails_the_drill(world: World) -> None:
    result = exercise(world, "database-away", Limits(outage=2.0), pause_database=_NOTHING)
    assert result.outcome is Outcome.FAILED
    assert "not every caller's calls fail within 2 s" in result.reason


@pytest.mark.slow
def test_a_restarted_service_fails_the_drill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    apprunner, run_command = world.aws("apprunner"), controls.run
    (found,) = apprunner.list_services()["ServiceSummaryList"]
    restarted = threading.Event()

    def restart_too(command: str) -> None:
        run_command(command)
        if not restarted.is_set():
            restarted.set()
            apprunner.start_deployment(ServiceArn=found["ServiceArn"])

    # The database stays, so that this takes seconds; what is looked for is the restart.
    monkeypatch.setattr(database, "run", restart_too)
    monkeypatch.setattr(Exercise, "expect_failure", lambda *_, **__: None)
    monkeypatch.setattr(database, "expect_unavailable", lambda *_: None)
    result = exercise(world, "database-away", pause_database=_NOTHING)
    assert result.outcome is Outcome.FAILED
    assert "the service's operations" in result.reason


@pytest.mark.parametrize("name", ["database-away", "keys-unreachable"])
def test_a_drill_without_its_commands_is_skipped(world: World, name: str) -> None:
    commands = dict.fromkeys(("pause_database", "resume_database", "connect_database"))
    result = exercise(world, name, **commands)
    assert result.outcome is Outcome.SKIPPED
    assert "AUTOMATION_" in result.reason


def test_a_database_that_fetches_no_keys_fails_the_drill(world: World) -> None:
    result = exercise(world, "keys-unreachable", connect_database=_NOTHING)
    assert result.outcome is Outcome.FAILED
    assert "has fetched no keys" in result.reason


def test_a_database_that_accepts_tokens_without_keys_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.PoolKeys, "refuse", lambda _: None)
    result = exercise(world, "keys-unreachable")
    assert result.outcome is Outcome.FAILED
    assert "must answer Neo.TransientError.Security.AuthProviderFailed" in result.reason


@pytest.mark.slow
def test_a_database_that_caches_no_keys_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = database.PoolKeys.refuse

    def refuse_and_make_forget(keys: database.PoolKeys) -> None:
        refuse(keys)
        control = Controls.from_environment().connect_database
        assert control
        detour = {
            **world.outputs["auraSso"],
            "discoveryUri": f"{keys.url}{database.DISCOVERY_PATH}",
        }
        controls.run(control, detour)

    monkeypatch.setattr(database.PoolKeys, "refuse", refuse_and_make_forget)
    result = exercise(world, "keys-unreachable", Limits(recovery=3.0))
    assert result.outcome is Outcome.FAILED
    assert "not every caller's calls succeed within 3 s" in result.reason


@pytest.mark.slow
def test_an_expired_token_that_is_accepted_fails_the_drill(world: World) -> None:
    lasting = world.context.token("writer")

    def alter(request: httpx2.Request) -> None:
        if "/mcp" in str(request.url):
            request.headers["Authorization"] = f"Bearer {lasting}"

    broken = replace(world, context=altered(world, request=alter))
    result = exercise(broken, "token-expiry", Limits(late_refusal=1.0))
    assert result.outcome is Outcome.FAILED
    assert "not every caller's calls fail" in result.reason


def test_a_token_with_another_lifetime_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "shorten_token_lifetime", lambda *_: None)
    result = exercise(world, "token-expiry")
    assert result.outcome is Outcome.FAILED
    assert re.search(r"the token's lifetime in seconds is \d{3,}, and must be 8", result.reason)


def test_a_throttled_caller_that_does_not_retry_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries.BackOff, "pause", lambda *_, **__: None)
    result = exercise(world, "token-endpoint-throttled")
    assert result.outcome is Outcome.FAILED
    assert "calls failed while the token endpoint throttled" in result.reason
    assert "TokenEndpointUnavailableError" in figures(result, "callers without a token")["failures"]


@pytest.mark.slow
def test_a_caller_that_ignores_retry_after_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_endpoint, "parse_retry_after", lambda _: None)
    result = exercise(world, "token-endpoint-throttled")
    assert result.outcome is Outcome.FAILED
    assert "Retry-After: 2, but the request was repeated after" in result.reason


@pytest.fixture
def secrets(world: World) -> Iterator[ClientSecrets]:
    """The reader's secrets, which are replaced at the end whatever a broken rotation left."""
    with Probe(world.context) as probe, world.context.http_client() as http:
        running = Exercise(probe=probe, http=http, controls=Controls(), options=Options())
        found = ClientSecrets.of(running, world.client("reader"))
        yield found
        assert found.rotator.revoke(found.client).outcome is Rotated.REVOKED


@pytest.fixture
def no_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The MCP SDK isn't installed."""
    monkeypatch.setitem(sys.modules, "automation.drills.bridge_caller", None)


@pytest.mark.usefixtures("secrets", "no_bridge")
@pytest.mark.slow
def test_a_function_that_deletes_the_replaced_secret_at_once_fails_the_drill(world: World) -> None:
    with rotation_function(
        world,
        "lifecycle.py",
        "        return self._finish(version_id, PENDING)\n",
        "        finished = self._finish(version_id, PENDING)\n"
        "        self.retire(timedelta(0))\n"
        "        return finished\n",
    ):
        result = exercise(world, "rotation")
    assert result.outcome is Outcome.FAILED
    assert "Cognito has the client secrets" in result.reason
    assert "the bridge is left out" in timeline(result)
    assert "pip install './client[bridge]'" in timeline(result)


@pytest.mark.slow
@pytest.mark.usefixtures("secrets", "no_bridge")
def test_a_replaced_secret_that_is_refused_fails_the_drill(world: World) -> None:
    def refuse_the_replaced(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if "grant_type" not in request.content.decode("utf-8", "replace"):
            return response
        encoded = request.headers["Authorization"].partition(" ")[2]
        current = world.context.credentials("reader").client_secret
        if base64.b64decode(encoded).decode().endswith(f":{current}"):
            return response
        return httpx2.Response(400, json={"error": "invalid_client"})

    broken = replace(world, context=altered(world, response=refuse_the_replaced))
    result = exercise(broken, "rotation")
    assert result.outcome is Outcome.FAILED
    assert re.search(r"calls failed .* \(callers that keep their secret\)", result.reason)
    assert set(figures(result, "callers that keep their secret")["failures"]) == {
        "TokenRefusedError"
    }
    assert figures(result, "callers of the library")["failed"] == 0


@pytest.mark.usefixtures("secrets", "no_bridge")
@pytest.mark.slow
def test_a_library_that_does_not_reread_the_secret_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SecretsManagerSource, "refresh", lambda _: False)
    result = exercise(world, "rotation")
    assert result.outcome is Outcome.FAILED
    assert re.search(r"calls failed .* \(callers of the library\).*InvalidClientE", result.reason)
    assert figures(result, "callers that keep their secret")["failed"] == 0


def test_a_rotation_within_the_overlap_is_skipped(world: World, secrets: ClientSecrets) -> None:
    secrets.retire()
    secrets.rotate()
    clients = {"reader": {**world.outputs["clients"]["reader"], "overlapHours": 1}}
    broken = replace(world, context=with_outputs(world, clients=clients))
    for name in ("rotation", "rotation-interrupted"):
        result = exercise(broken, name)
        assert result.outcome is Outcome.SKIPPED
        assert "reader's last replaced client secret is valid until" in result.reason


@pytest.mark.usefixtures("secrets")
@pytest.mark.slow
def test_with_an_overlap_one_rotation_is_interrupted(world: World) -> None:
    clients = {"reader": {**world.outputs["clients"]["reader"], "overlapHours": 1}}
    overlapping = replace(world, context=with_outputs(world, clients=clients))
    result = exercise(overlapping, "rotation-interrupted")
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert timeline(result).count("the function died after") == 1
    assert ", AddUserPoolClientSecret" in timeline(result)


@pytest.mark.slow
def test_a_function_that_does_not_continue_fails_the_drill(
    world: World, secrets: ClientSecrets
) -> None:
    with rotation_function(
        world,
        "lifecycle.py",
        "        if pending is not None and not self._can_continue(pending, current):\n",
        "        if pending is not None:\n"
        '            raise RotationError("broken on purpose")\n'
        "        if pending is not None and not self._can_continue(pending, current):\n",
    ):
        result = exercise(world, "rotation-interrupted")
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("the next run doesn't complete the rotation: broken on purpose")
    # It is broken when the drill ends, too.
    assert "the rotation could not be restored" in result.reason
    assert has_leftovers(secrets.inventory())


@pytest.mark.usefixtures("secrets")
@pytest.mark.slow
def test_a_function_that_adds_before_it_writes_fails_the_drill(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("automation", "functions"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    lifecycle = tmp_path / "functions" / "rotation" / "lifecycle.py"
    source = lifecycle.read_text(encoding="utf-8")
    written = "        self._versions.write(\n            version_id, replace(value, client_secret"
    assert written in source
    added = "        AppClient(value.client_id, self._services).add(generate_client_secret())\n"
    lifecycle.write_text(source.replace(written, added + written), encoding="utf-8")
    monkeypatch.setattr(rotation, "FunctionProcess", partial(FunctionProcess, repository=tmp_path))
    result = exercise(world, "rotation-interrupted")
    assert result.outcome is Outcome.FAILED
    assert "the next run doesn't complete the rotation" in result.reason
    assert "was added by hand" in result.reason


@pytest.mark.slow
def test_an_interrupted_drill_starts_the_database_again(
    world: World, pipeline: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "automation", "drill", "database-away", "--stack", STACK]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=pipeline,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said: list[str] = []
        for line in process.stderr or ():
            # Once: a second signal ends a command at once, and a line that an interruption
            # cuts into may be printed again.
            if "the database is stopped" in line and line not in said:
                process.send_signal(signal.SIGINT)
            said.append(line)
        assert process.wait(_TIMEOUT) == 130, said
    assert any("restore: the database" in line for line in said)
    assert "what the drill had changed is restored" in said[-1]
    with world.context.driver(world.context.token("reader")) as driver:
        driver.verify_connectivity()


def test_the_command_lists_the_drills_without_a_stack() -> None:
    done = _command("drill", "--list", "--json")
    assert [each["name"] for each in json.loads(done.stdout)] == list(DRILLS)
    table = _command("drill", "--list").stdout
    assert all(name in table for name in DRILLS)


def test_the_command_refuses_an_unknown_drill() -> None:
    done = _command("drill", "no-such", "--stack", STACK)
    assert done.returncode == 2
    # The error is in a box, with a line break anywhere.
    assert "not no-such" in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.slow
def test_the_command_reports_as_the_checks_do(
    world: World, pipeline: dict[str, str], tmp_path: Path
) -> None:
    arguments = ("container-killed", "--stack", world.context.stack)
    done = _command("drill", *arguments, "--reports", str(tmp_path), "--json", environment=pipeline)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert (result["id"], result["outcome"]) == ("drill-container-killed", "passed")
    assert {path.name for path in (tmp_path / STACK).iterdir()} == {
        "report.json",
        "report.html",
        "junit.xml",
    }
    assert "container-killed" in done.stderr


def _command(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "automation", *arguments],
        cwd=ROOT,
        env={**(environment or os.environ), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )
