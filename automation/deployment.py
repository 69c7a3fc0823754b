"""Deploys one stack of the program through Pulumi's Automation API.

The program is inline: the `__main__.py` that `pulumi up` runs, run in this process. So no language
plug-in is needed, and the same code deploys every stack; only the target's workspace and
environment differ.
"""

import json
import os
import re
import runpy
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pulumi import automation

from automation import takeover
from automation.engine import EngineCommand
from automation.errors import AutomationError
from automation.locks import lock_holders
from automation.program_errors import readable
from automation.regions import (
    RegionSetting,
    region_in_outputs,
    region_in_state,
    region_problem,
)
from automation.remedies import find_remedies
from automation.sessions import Clients, clients
from automation.update_plan import for_another_run

PROGRAM = Path(__file__).resolve().parent.parent / "__main__.py"

_COLOUR = re.compile(r"<\{%.*?%\}>")
_REPEATED = "an unhandled error occurred: "
# The engine's own stack, providers and the program's components, which no cloud has.
_INTERNAL = ("pulumi:", "neo4j-mcp:")
_OWN_PREFIX = re.compile(r"^error: ", re.MULTILINE)
# Parts of the CLI's messages, and what fixes their cause.
_REMEDIES = {
    "No such file or directory: 'pulumi'": (
        "The Pulumi CLI isn't on PATH. Install it (https://www.pulumi.com/docs/install), or for"
        ' the stand-in cloud run: eval "$(make -s env)"'
    ),
    "incorrect passphrase": (
        "Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the passphrase that the"
        " stack was created with."
    ),
    "PULUMI_ACCESS_TOKEN must be set": (
        "Run `pulumi login`, or set PULUMI_BACKEND_URL to the backend that has the stack's state."
    ),
    "no Pulumi.yaml project file found": "Name the folder that has it with --workspace.",
}
# How the engine reports a step that its plan doesn't allow. Source: step_generator.go, plan.go and
# deployment_executor.go in pkg/resource/deploy of pulumi/pulumi.
_PLAN_VIOLATIONS = (
    " violates plan: ",
    " is not allowed by the plan: ",
    "expected resource operations",
)
# While this process waits for the lock's holder, another may take the lock.
_LOCK_ATTEMPTS = 5
_LOCK_SECONDS = 1800.0

Report = Callable[[str], None]
Result = TypeVar("Result")
Operation = Callable[[Callable[[automation.EngineEvent], None]], Result]


class DeploymentError(AutomationError):
    """The engine refused or failed; the message has what it said about it."""


class NoStackError(DeploymentError):
    """There is no such stack in the backend."""


class InterruptedDeploymentError(DeploymentError):
    """The operation was interrupted, and the engine has ended in order."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A stack, and where it is deployed from.

    Attributes:
        stack: the stack's name.
        workspace: the folder with Pulumi.yaml and the stack's settings files.
        engine: the folder of the Pulumi CLI, with bin/pulumi in it; PATH is searched if None.
        environment: variables that are added to this process's environment for the CLI.
    """

    stack: str
    workspace: Path
    engine: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens, or would happen, to one resource.

    Attributes:
        type: the resource's type, as in ``aws:ecr/repository:Repository``.
        operation: what is done, as the engine names it; "same" if nothing is.
        protected: whether the resource was protected before.
        stays_protected: whether it is protected afterwards.
        inputs: its inputs afterwards; secrets and unknown values are masked.
        properties: the names of the properties that change.
    """

    urn: str
    type: str
    operation: str
    protected: bool = False
    stays_protected: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    properties: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def in_the_cloud(self) -> bool:
        """Whether a cloud has the resource: it is neither the engine's own nor a component."""
        return not self.type.startswith(_INTERNAL)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an operation did, or a preview would do.

    Attributes:
        counts: the number of resources by operation: "create", "update", "replace", "delete",
            "same", as the engine names them.
        resources: the operation of each resource that changes, by URN.
        steps: every resource, including those that stay the same.
    """

    counts: Mapping[str, int]
    resources: Mapping[str, str]
    steps: tuple[Step, ...] = ()

    @property
    def none(self) -> bool:
        """Whether every resource stays as it is."""
        return not self.resources


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack that is up.

    Attributes:
        changes: what the deployment changed.
        outputs: the stack's outputs by name, without secret ones.
    """

    changes: Changes
    outputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Update:
    """Something that was done to a stack.

    Attributes:
        version: its number, from 1; None if the backend counts none.
        kind: what was done, as the engine names it, such as "update", "refresh" or "destroy".
        result: how it ended, such as "succeeded" or "failed".
        began: when it began.
        ended: when it ended; empty while it lasts.
        changes: the number of resources by operation.
    """

    version: int | None
    kind: str
    result: str
    began: str
    ended: str
    changes: Mapping[str, int]


class PlanViolatedError(DeploymentError):
    """The engine stopped, because the next step isn't in the plan that it was to follow.

    Attributes:
        changes: what it had changed before.
    """

    def __init__(self, message: str, changes: Changes) -> None:
        """Keep what had changed."""
        super().__init__(message)
        self.changes = changes


OnStep = Callable[[Step], None]


def _run_program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


class Deployment:
    """A stack that can be previewed, deployed, refreshed and destroyed."""

    def __init__(
        self,
        target: Target,
        *,
        create: bool = False,
        reads_only: bool = False,
        program: automation.PulumiFn = _run_program,
    ) -> None:
        """Select the target's stack.

        Args:
            create: whether to create the stack if it is missing.
            reads_only: whether to keep the lock of a dead process, which is freed otherwise.
            program: the program; by default, this repository's.

        Raises:
            NoStackError: the stack is missing.
            DeploymentError: the CLI can't be run, or it refuses the stack.
        """
        self._target = target
        self._reads_only = reads_only
        self._deployed_in: str | None = None
        engine = str(target.engine) if target.engine else None
        try:
            self._command = EngineCommand(root=engine)
            workspace = automation.LocalWorkspace(
                work_dir=str(target.workspace),
                program=program,
                env_vars=dict(target.environment),
                pulumi_command=self._command,
            )
            self._stack = self._with_lock(
                lambda: _select(target.stack, workspace, create=create), report=None
            )
        except automation.StackNotFoundError as error:
            raise NoStackError(
                f"There is no stack {target.stack} in this backend. `pulumi stack ls` lists its"
                f" stacks. To create it, run: python -m automation deploy --stack {target.stack}"
            ) from error
        except (automation.CommandError, OSError) as error:
            raise DeploymentError(_cli_message(str(error))) from error

    def preview(self, *, refresh: bool = False, plan: Path | None = None) -> Changes:
        """Show what a deployment would change.

        Args:
            refresh: whether to read every resource from the cloud first, so that drift shows; the
                state isn't changed.
            plan: a file to write, with which `up` does only what this shows. Secrets in it are
                encrypted; everything else is readable. It doesn't exist after an error.

        Raises:
            DeploymentError: the configuration or the program is wrong.
        """
        changes, _ = self._run(
            lambda on_event: self._stack.preview(
                on_event=on_event, refresh=refresh or None, plan=str(plan) if plan else None
            )
        )
        if plan is not None:
            saved = json.loads(plan.read_text(encoding="utf-8"))
            plan.write_text(json.dumps(for_another_run(saved)), encoding="utf-8")
        return changes

    def up(
        self,
        report: Report | None = None,
        on_lock: Callable[[], None] | None = None,
        *,
        plan: Path | None = None,
        on_step: OnStep | None = None,
    ) -> Deployed:
        """Deploy the stack.

        Args:
            report: called with a line for each resource that changes.
            on_lock: called, in another thread, once this holds the stack's lock.
            plan: a file that `preview` wrote; nothing that isn't in it is done.
            on_step: called, in another thread, when the engine begins a step.

        Raises:
            PlanViolatedError: the next step isn't in the plan; what was begun before is done.
            DeploymentError: a resource failed; the others are as the engine left them.
        """
        changes, result = self._run(
            lambda on_event: self._stack.up(on_event=on_event, plan=str(plan) if plan else None),
            report,
            on_lock,
            on_step,
        )
        return Deployed(changes=changes, outputs=_public(result.outputs))

    def stop(self) -> None:
        """Have the engine end in order, from another thread than the one that waits for it.

        It starts nothing new, and saves its state. Does nothing if it has ended.
        """
        self._command.interrupt()

    def refresh(self) -> Changes:
        """Update the state from the cloud, and return what had drifted.

        Raises:
            DeploymentError: a resource can't be read.
        """
        changes, _ = self._run(lambda on_event: self._stack.refresh(on_event=on_event))
        return changes

    def pending_operations(self) -> tuple[str, ...]:
        """List the resources of operations that were cut off, with what was being done to each.

        Raises:
            DeploymentError: the state can't be read.
        """
        return tuple(map(str, takeover.pending_operations(self.state())))

    def take_over(self, report: Report) -> None:
        """Prepare the state for the next operation if the last one was cut off or failed.

        Resources that it had begun to create are looked up in the cloud and added to the state.
        Then the state is refreshed, since the cloud finishes what it has begun, such as a deletion
        that the engine no longer waited for.

        Args:
            report: called with a line if there is something to do.

        Raises:
            DeploymentError: a lookup failed.
        """
        state = self.state()
        operations = takeover.pending_operations(state)
        if operations:
            cut_off = ", ".join(map(str, operations))
            report(f"The last run was cut off at {cut_off}: looking up what it had done")
        elif takeover.has_unread(state) or self._last_failed():
            report("The last run failed: looking up what it had done")
        else:
            return
        aws = self.aws_clients()
        try:
            taken_over = takeover.adopt(state, takeover.find_ids(operations, state, aws))
            takeover.wait_for_resources(taken_over, aws)
        except (BotoCoreError, ClientError, TimeoutError) as error:
            raise DeploymentError(f"Looking up what it had done failed: {error}") from error
        if operations:
            self._import(taken_over, report)
        self.refresh()

    def aws_clients(self, region: str | None = None) -> Clients:
        """Make AWS clients with the engine's credentials.

        Args:
            region: the clients' region; the stack's if None.

        Raises:
            DeploymentError: the stack's configuration can't be read, or see `region`.
        """
        configuration = self.configuration()
        return clients(
            self._target.environment,
            profile=configuration.get("aws:profile"),
            region=region or self.region(configuration),
        )

    def region(self, configuration: Mapping[str, str]) -> str | None:
        """Return the stack's region; None if at most an AWS profile sets one.

        Args:
            configuration: what `configuration` returns.

        Raises:
            DeploymentError: the stack is deployed in another one, or can't be read.
        """
        environment = {**os.environ, **self._target.environment}
        setting = RegionSetting.find(configuration, environment)
        if self._deployed_in is None:
            self.state()
        if problem := region_problem(setting, self._deployed_in, self.stack):
            raise DeploymentError(problem)
        return setting.region if setting else None

    def protected(self) -> tuple[str, ...]:
        """List the names of the protected resources, which can't be destroyed.

        Raises:
            DeploymentError: the state can't be read.
        """
        return tuple(
            resource["urn"].rpartition("::")[2]
            for resource in self.state().get("resources") or []
            if resource.get("protect")
        )

    def destroy(
        self, report: Report | None = None, on_lock: Callable[[], None] | None = None
    ) -> Changes:
        """Delete every resource of the stack.

        Args:
            report: called with a line for each resource that is deleted.
            on_lock: see `up`.

        Raises:
            DeploymentError: a resource is protected or can't be deleted.
        """
        changes, _ = self._run(
            lambda on_event: self._stack.destroy(on_event=on_event), report, on_lock
        )
        return changes

    def outputs(self) -> dict[str, Any]:
        """Read the stack's outputs by name, without secret ones.

        Raises:
            DeploymentError: they can't be read.
        """
        try:
            outputs = _public(self._stack.outputs())
        except automation.CommandError as error:
            raise DeploymentError(_cli_message(str(error))) from error
        self._deployed_in = region_in_outputs(outputs)
        return outputs

    def configuration(self, *, secrets_as: str | None = None) -> dict[str, str]:
        """Read the stack's configuration, the project's defaults included.

        Args:
            secrets_as: what stands for a secret value; None for the value.

        Returns:
            The values by key, as in ``neo4j-mcp:neo4jUri``; objects and lists as JSON.

        Raises:
            DeploymentError: it can't be read.
        """
        try:
            found = self._stack.get_all_config()
        except automation.CommandError as error:
            raise DeploymentError(_cli_message(str(error))) from error
        return {
            key: secrets_as if value.secret and secrets_as is not None else value.value
            for key, value in found.items()
        }

    def last_updates(self, number: int) -> tuple[Update, ...]:
        """Return what was last done to the stack, the newest first.

        Raises:
            DeploymentError: the history can't be read.
        """
        try:
            history = self._stack.history(page_size=number, show_secrets=False)
        except automation.CommandError as error:
            raise DeploymentError(_cli_message(str(error))) from error
        return tuple(
            Update(
                version=each.version,
                kind=each.kind,
                result=each.result,
                began=str(each.start_time),
                ended=str(each.end_time or ""),
                changes={str(key): count for key, count in (each.resource_changes or {}).items()},
            )
            for each in history
        )

    def state(self) -> Mapping[str, Any]:
        """Read the stack's state, in which secrets are encrypted.

        Raises:
            DeploymentError: it can't be read.
        """
        state: Mapping[str, Any] = self._export().get("deployment") or {}
        self._deployed_in = region_in_state(state)
        return state

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self._target.stack

    @property
    def project(self) -> str:
        """The project's name, which is also the namespace of its configuration."""
        return str(self._stack.workspace.project_settings().name)

    @property
    def engine_version(self) -> str:
        """The Pulumi engine's version."""
        return str(self._stack.workspace.pulumi_version)

    def _last_failed(self) -> bool:
        return any(update.result == "failed" for update in self.last_updates(1))

    def _export(self) -> dict[str, Any]:
        try:
            # Not the Automation API's own export, which decrypts the secrets.
            exported = self._cli("stack", "export")
        except automation.CommandError as error:
            raise DeploymentError(_cli_message(str(error))) from error
        document: dict[str, Any] = json.loads(exported.stdout)
        return document

    def _import(self, state: Mapping[str, Any], report: Report) -> None:
        document = self._export() | {"deployment": state}
        with tempfile.TemporaryDirectory() as directory:
            # Only its owner can read the folder, and the secrets in the file are encrypted.
            path = Path(directory, "state.json")
            path.write_text(json.dumps(document), encoding="utf-8")
            command = ["stack", "import", "--file", str(path)]
            try:
                self._with_lock(lambda: self._cli(*command), report)
            except automation.CommandError as error:
                raise DeploymentError(_cli_message(str(error))) from error

    def _cli(self, *arguments: str) -> automation.CommandResult:
        return self._command.run(
            [*arguments, "--stack", self._target.stack],
            str(self._target.workspace),
            dict(self._target.environment),
        )

    def _run(
        self,
        operation: Operation[Result],
        report: Report | None = None,
        on_lock: Callable[[], None] | None = None,
        on_step: OnStep | None = None,
    ) -> tuple[Changes, Result]:
        return self._with_lock(lambda: self._attempt(operation, report, on_lock, on_step), report)

    def _with_lock(self, operation: Callable[[], Result], report: Report | None) -> Result:
        """Run what takes the stack's lock, after waiting for a holder on this machine to end.

        The lock of a killed process is freed. Its engine may still run for a moment, and another
        command's engine runs until that command is done.
        """
        for _ in range(_LOCK_ATTEMPTS):
            try:
                return operation()
            except automation.ConcurrentUpdateError as error:
                self._wait_for_lock(str(error), report)
        return operation()

    def _wait_for_lock(self, message: str, report: Report | None) -> None:
        stack = self._target.stack
        holders = lock_holders(message)
        if not holders or not all(holder.is_here for holder in holders):
            who = ", ".join(map(str, holders)) or "another process"
            raise DeploymentError(
                f"The stack {stack} is being changed by {who}. Wait for it to end. If its machine"
                f" is gone, run: pulumi cancel --stack {stack}"
            )
        for holder in holders:
            if holder.is_running():
                if report:
                    report(f"Waiting for {holder}, which is changing the stack {stack}")
                if not holder.wait(_LOCK_SECONDS):
                    raise DeploymentError(f"The stack {stack} is still being changed by {holder}.")
            elif self._reads_only:
                raise DeploymentError(
                    f"A deployment of the stack {stack} was cut off and still holds its lock. To"
                    f" free the lock and resume, run: python -m automation deploy --stack {stack}"
                )
            elif not holder.remove_lock():
                # Frees the locks of all holders, and all of them are dead.
                self._cli("cancel", "--yes")

    def _attempt(
        self,
        operation: Operation[Result],
        report: Report | None,
        on_lock: Callable[[], None] | None,
        on_step: OnStep | None,
    ) -> tuple[Changes, Result]:
        events = _Events(report, on_lock, on_step)
        try:
            result = operation(events.add)
        except automation.ConcurrentUpdateError:
            raise
        except KeyboardInterrupt as interrupt:
            raise InterruptedDeploymentError(
                f"The operation on the stack {self._target.stack} was interrupted, and its state is"
                " saved. The next command resumes from there, whichever it is."
            ) from interrupt
        except automation.CommandError as error:
            message = "\n".join(events.errors) or _cli_message(str(error))
            if any(part in message for part in _PLAN_VIOLATIONS):
                raise PlanViolatedError(message, events.changes) from error
            remedies = find_remedies(message, self._target.stack)
            raise DeploymentError("\n".join([message, *remedies])) from error
        return events.changes, result


def _select(name: str, workspace: automation.Workspace, *, create: bool) -> automation.Stack:
    try:
        return automation.Stack.select(name, workspace)
    except automation.StackNotFoundError:
        if not create:
            raise
    try:
        return automation.Stack.create(name, workspace)
    except automation.StackAlreadyExistsError:
        # Another command has just created it.
        return automation.Stack.select(name, workspace)


class _Events:
    """Collects changes and errors from the engine's events."""

    def __init__(
        self,
        report: Report | None,
        on_lock: Callable[[], None] | None,
        on_step: OnStep | None,
    ) -> None:
        self._on_lock = on_lock
        self._on_step = on_step
        self.counts: dict[str, int] = {}
        self.resources: dict[str, str] = {}
        self.errors: list[str] = []
        self.steps: dict[str, Step] = {}
        self._report = report

    @property
    def changes(self) -> Changes:
        return Changes(
            counts=self.counts, resources=self.resources, steps=tuple(self.steps.values())
        )

    def add(self, event: automation.EngineEvent) -> None:
        # The engine takes the stack's lock before it reports anything.
        on_lock, self._on_lock = self._on_lock, None
        if on_lock is not None:
            on_lock()
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            diagnostic = event.diagnostic_event
            name = f"{diagnostic.urn.rpartition('::')[2]}: " if diagnostic.urn else ""
            error = name + readable(_COLOUR.sub("", diagnostic.message).strip())
            # The engine repeats a program's last error with a prefix.
            if error.removeprefix(_REPEATED) not in self.errors:
                self.errors.append(error)
        elif event.summary_event:
            self.counts = {
                str(getattr(operation, "value", operation)): count
                for operation, count in event.summary_event.resource_changes.items()
            }
        elif event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            operation = str(getattr(metadata.op, "value", metadata.op))
            self._add_step(metadata, operation)
            if operation not in {"same", "refresh", "read"}:
                self.resources[metadata.urn] = operation
                if self._report and not metadata.type.startswith(_INTERNAL):
                    self._report(f"  {operation} {metadata.urn.rpartition('::')[2]}")
        elif event.res_outputs_event:
            # A refresh reports only here whether a resource had changed.
            metadata = event.res_outputs_event.metadata
            operation = str(getattr(metadata.op, "value", metadata.op))
            if operation in {"update", "delete"}:
                self.resources.setdefault(metadata.urn, operation)

    def _add_step(self, metadata: automation.StepEventMetadata, operation: str) -> None:
        step = Step(
            urn=metadata.urn,
            type=metadata.type,
            operation=operation,
            protected=bool(metadata.old and metadata.old.protect),
            stays_protected=bool(metadata.new and metadata.new.protect),
            inputs=(metadata.new and metadata.new.inputs) or {},
            properties=tuple(sorted(metadata.detailed_diff or metadata.diffs or ())),
        )
        if self._on_step is not None:
            self._on_step(step)
        known = self.steps.get(metadata.urn)
        # A replacement is several steps; "replace" is the one with the details.
        if known is None or known.operation != "replace":
            self.steps[metadata.urn] = step


def _public(outputs: Mapping[str, automation.OutputValue]) -> dict[str, Any]:
    return {name: output.value for name, output in outputs.items() if not output.secret}


def _cli_message(error: str) -> str:
    """Extract the CLI's own message from the Automation API's, and add what fixes the cause."""
    _, found, stderr = error.partition("stderr:")
    message = _OWN_PREFIX.sub("", (stderr if found else error).strip())
    remedies = [remedy for cause, remedy in _REMEDIES.items() if cause in message]
    return "\n".join([message, *remedies])
