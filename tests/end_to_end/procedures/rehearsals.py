"""How each procedure is rehearsed."""

import json
import zipfile
from typing import Any, Final

import pytest

from components.settings import Hosting
from localcloud.console import connect_aura, disconnect_aura
from tests.end_to_end.alarms.calls import read
from tests.end_to_end.procedures.checkout import Checkout
from tests.end_to_end.procedures.rehearsal import Procedure, Rehearsal
from tests.waiting import wait_until

_NO_CHANGES: Final = "Nothing drifted"
# A real release, which the repository no longer offers. Source: PyPI.
_EARLIER_SERVER: Final = "1.6.0"
_EARLIER_RELEASE: Final = f"""\
            Release(
                version="{_EARLIER_SERVER}",
                wheel_sha256="f6aeac50e04ed93b7e22c634426aca27f5e91f371ea67caad028afe424704cb0",
                binary_sha256="00d4882f412427db064df39492b882781ba1040db82f94ea8cdeedd16db0dfff",
            ),
            Release(
                version="1.6.1",
                wheel_sha256="3dec8bb"""
_CLAIMS: Final = '    trigger = event.get("triggerSource")\n'
_FIRST, _SECOND = "moving", "moved"
_REGION: Final = "us-east-1"
"""The only one of the stand-in."""


def _deploy(rehearsal: Rehearsal) -> None:
    commands, stack = rehearsal.commands, rehearsal.monitored.stack
    stack.configure(logLevel="notice")
    with rehearsal.no_call_fails():
        assert "server-service" in commands.run("Before")
        assert rehearsal.outputs["mcpUrl"] in commands.run("Steps")
    assert _NO_CHANGES in commands.run("Verify")
    environment = stack.service().environment
    assert environment["NEO4J_MCP_LOG_LEVEL"] == "notice"


def _upgrade(rehearsal: Rehearsal) -> None:
    now = _EARLIER_RELEASE[_EARLIER_RELEASE.rindex("            Release(") :]
    checkout = Checkout.of_repository(
        rehearsal.folder / "checkout", {"server/releases.py": (now, _EARLIER_RELEASE)}
    )
    checkout.use("HEAD~1")
    commands = rehearsal.commands.in_checkout(checkout.folder)
    with rehearsal.no_call_fails():
        assert "1.6.1" in commands.run("Before")
        printed = commands.run("Steps", version=checkout.changed, server=_EARLIER_SERVER)
        assert "server-service" in printed
        commands.run("Verify")


def _roll_back(rehearsal: Rehearsal) -> None:
    world = rehearsal.monitored.world
    checkout = Checkout.of_repository(
        rehearsal.folder / "checkout",
        {"functions/claims/handler.py": (_CLAIMS, "    raise RuntimeError\n" + _CLAIMS)},
    )
    commands = rehearsal.commands.in_checkout(checkout.folder)
    book = commands.book
    activate = ". .venv/bin/activate"
    # Callers that have a token keep it.
    with rehearsal.no_call_fails():
        book.run_commands(f"{activate}; python -m automation deploy --stack {book.stack}")
        with pytest.raises(AssertionError, match="1 failed"):
            book.run_commands(
                f"{activate}; python -m automation check --stack {book.stack} --only P2-token"
            )
        assert "update" in commands.run("Before")
        assert "identity-claims" in commands.run("Steps", version="HEAD~1")
        commands.run("Verify")
    assert not read(world).refused


def _rotate(rehearsal: Rehearsal) -> None:
    commands = rehearsal.commands
    before = rehearsal.client_secret("reader")
    with rehearsal.no_call_fails("reader"):
        commands.run("Before")
        assert "rotated" in commands.run("Steps", client="reader")
        commands.run("Verify")
    assert rehearsal.client_secret("reader") != before


def _revoke(rehearsal: Rehearsal) -> None:
    commands, world = rehearsal.commands, rehearsal.monitored.world
    before = rehearsal.client_secret("writer")
    token = world.context.token("writer")
    with rehearsal.no_call_fails("writer"):
        assert "CloudTrail" in commands.run("Before")
        assert "revoked" in commands.run("Steps", client="writer")
        commands.run("Verify")
    after = rehearsal.client_secret("writer")
    assert after != before
    client = rehearsal.outputs["clients"]["writer"]["clientId"]
    pool = world.context.user_pool_id
    listed = rehearsal.monitored.aws("cognito-idp").list_user_pool_client_secrets(
        UserPoolId=pool, ClientId=client
    )["ClientSecrets"]
    assert len(listed) == 1
    # The limit that the page names: an earlier token is valid until it expires.
    assert world.context.token("writer") == token
    assert not read(world).refused


def _disable_client(rehearsal: Rehearsal) -> None:
    commands = rehearsal.commands
    with rehearsal.no_call_fails("reader"):
        assert "writer" in commands.run("Before")
        commands.run("Steps", client="writer")
        assert "1 passed" in commands.run("Verify")
        commands.run("Undo", client="writer")


def _scale(rehearsal: Rehearsal) -> None:
    commands = rehearsal.commands
    with rehearsal.no_call_fails():
        commands.run("Before")
        commands.run("Steps", instances="4", cpu="512", memory="1024")
        assert "3 passed" in commands.run("Verify")
    found = rehearsal.monitored.stack.service().described["InstanceConfiguration"]
    assert (found["Cpu"], found["Memory"]) == ("512", "1024")


def _require_silence(rehearsal: Rehearsal) -> None:
    """Let the canary fail, and require that no alarm sends a message."""
    monitored = rehearsal.monitored
    monitored.messages()
    monitored.pass_minutes(20)
    wait_until(monitored.raised, "an alarm is raised")
    assert monitored.messages() == []


def _require_alarms_report(rehearsal: Rehearsal) -> None:
    monitored = rehearsal.monitored
    found = monitored.aws("cloudwatch").describe_alarms(AlarmNamePrefix=f"{monitored.name}-")
    assert all(each["ActionsEnabled"] for each in found["MetricAlarms"])
    monitored.let_alarms_end(5)


def _pause(rehearsal: Rehearsal, before: list[str], paused: list[str]) -> None:
    """Pause the service, and resume it.

    Args:
        before: the first words that the procedure must print before it changes anything.
        paused: the words that it must print once the service is paused.
    """
    commands, world = rehearsal.commands, rehearsal.monitored.world
    assert commands.run("Before").split()[: len(before)] == before
    commands.run("Steps")
    wait_until(lambda: read(world).refused, "calls fail")
    wait_until(lambda: commands.run("Verify").split() == paused, "the service is paused")
    _require_silence(rehearsal)
    commands.run("Undo")
    assert not read(world).refused
    _require_alarms_report(rehearsal)
    drifted = rehearsal.monitored.stack.deployment.preview(refresh=True)
    assert dict(drifted.resources) == {}


def _pause_app_runner(rehearsal: Rehearsal) -> None:
    _pause(rehearsal, ["RUNNING"], ["PAUSED"])


def _pause_fargate(rehearsal: Rehearsal) -> None:
    _pause(rehearsal, ["1", "1"], ["0", "0"])


def _pause_lambda(rehearsal: Rehearsal) -> None:
    _pause(rehearsal, ["50"], ["0"])


def _restore_secret(rehearsal: Rehearsal) -> None:
    commands = rehearsal.commands
    arn = rehearsal.secret_arn("reader")
    with rehearsal.no_call_fails("reader"):
        rehearsal.monitored.aws("secretsmanager").delete_secret(
            SecretId=arn, RecoveryWindowInDays=7
        )
        assert "reader-credentials" in commands.run("Before")
        commands.run("Steps")
        assert _NO_CHANGES in commands.run("Verify")
    assert rehearsal.secret_arn("reader") == arn


def _replace_secret(rehearsal: Rehearsal) -> None:
    commands, world = rehearsal.commands, rehearsal.monitored.world
    arn = rehearsal.secret_arn("reader")
    # The worst case: refreshed, and restored only then.
    secrets = rehearsal.monitored.aws("secretsmanager")
    secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    rehearsal.monitored.stack.deployment.refresh()
    secrets.restore_secret(SecretId=arn)
    with rehearsal.no_call_fails("writer"):
        assert arn in commands.run("Before")
        new = commands.run("Steps", client="reader")
        commands.run("Verify")
    assert rehearsal.secret_arn("reader") != arn
    assert rehearsal.secret_arn("reader") in new
    assert not read(world).refused


def _restore_state(rehearsal: Rehearsal) -> None:
    commands, book = rehearsal.commands, rehearsal.commands.book
    saved, lost, backup = (rehearsal.folder / f"{each}.json" for each in ("saved", "lost", "kept"))
    book.run_commands(f"pulumi stack export --stack {book.stack} --file {saved}")
    document = json.loads(saved.read_text(encoding="utf-8"))
    document["deployment"]["resources"] = []
    lost.write_text(json.dumps(document), encoding="utf-8")
    with rehearsal.no_call_fails():
        book.run_commands(f"pulumi stack import --stack {book.stack} --file {lost}")
        assert commands.run("Before", backup=str(backup)).split()[-1] == "0"
        assert "Nothing would change" in commands.run("Steps", saved=str(saved))
        assert _NO_CHANGES in commands.run("Verify")


def _move_region(rehearsal: Rehearsal) -> None:
    """Move a separate stack, since other tests need the shared one.

    The stand-in has one region, so the second stack is in the same one.
    """
    running, shared = rehearsal.monitored.running, rehearsal.commands.book
    commands = rehearsal.commands.for_stack(_FIRST)
    values = {"next": _SECOND, "region": _REGION}
    try:
        shared.run_commands(
            f"pulumi stack init {_FIRST} --no-select --copy-config-from {shared.stack}\n"
            f"pulumi config set --path neo4j-mcp:monitoring.enabled false --stack {_FIRST}\n"
            f"python -m automation deploy --stack {_FIRST}"
        )
        printed = shared.run_commands(f"pulumi stack output auraSso --json --stack {_FIRST}")
        connect_aura(running, json.loads(printed), _FIRST)
        assert "neo4jUri" in commands.run("Before")
        commands.run_block("Steps", 0, **values)
        printed = commands.run_block("Steps", 1, next=_SECOND)
        connect_aura(running, _last_object(printed), _SECOND)
        commands.run_block("Steps", 2, next=_SECOND)
        commands.run_block("Steps", 3)
        commands.run_block("Steps", 4)
        disconnect_aura(running, _FIRST)
        commands.run("Verify", next=_SECOND)
    finally:
        for stack in (_FIRST, _SECOND):
            disconnect_aura(running, stack)
            shared.run_commands(
                f"python -m automation destroy --yes --stack {stack} || true\n"
                f"pulumi stack rm --yes --stack {stack} || true"
            )


def _last_object(printed: str) -> dict[str, Any]:
    """Return the JSON object at the end of what commands have printed."""
    found: dict[str, Any] = json.loads(printed[printed.rindex("\n{") :])
    return found


def _collect(rehearsal: Rehearsal) -> None:
    commands = rehearsal.commands
    commands.run("Steps")
    assert "problems.txt" in commands.run("Verify")
    path = commands.book.checkout / "support.zip"
    try:
        with zipfile.ZipFile(path) as archive:
            text = "".join(archive.read(each).decode() for each in archive.namelist())
    finally:
        path.unlink()
    for client in rehearsal.outputs["clients"]:
        assert rehearsal.client_secret(client) not in text


PROCEDURES: Final = (
    Procedure(key="deploy", rehearse=_deploy),
    Procedure(key="upgrade", rehearse=_upgrade),
    Procedure(key="roll-back", rehearse=_roll_back),
    Procedure(key="rotate", rehearse=_rotate),
    Procedure(key="revoke", rehearse=_revoke),
    Procedure(key="disable-client", rehearse=_disable_client),
    Procedure(key="scale", rehearse=_scale),
    Procedure(key="pause-app-runner", rehearse=_pause_app_runner),
    Procedure(key="pause-fargate", rehearse=_pause_fargate, hosting=Hosting.FARGATE),
    Procedure(key="pause-lambda", rehearse=_pause_lambda, hosting=Hosting.LAMBDA),
    Procedure(key="restore-secret", rehearse=_restore_secret),
    Procedure(key="replace-secret", rehearse=_replace_secret),
    Procedure(key="restore-state", rehearse=_restore_state),
    Procedure(key="move-region", rehearse=_move_region),
    Procedure(key="collect", rehearse=_collect),
)
