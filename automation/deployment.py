"""One stack of the program, driven through Pulumi's Automation API.

The program runs as an inline program: the very `__main__.py` that `pulumi up` runs, in this
process. So no language plug-in is needed, and the same code drives every stack; what differs
is the target's workspace and environment.
"""

import json
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
from automation.sessions import Clients, clients

PROGRAM = Path(__file__).resolve().parent.parent / "__main__.py"

_COLOUR = re.compile(r"<\{%.*?%\}>")
_REPEATED = "an unhandled error occurred: "
# The engine's own stack, providers and the program's components: nothing a cloud makes.
_INTERNAL = ("pulumi:", "neo4j-mcp:")
_OWN_PREFIX = re.compile(r"^error: ", re.MULTILINE)
# What the CLI says, and what it doesn't say about it.
_REMEDIES = {
    "No such file or directory: 'pulumi'": (
        "The Pulumi CLI isn't on PATH. Install it (https://www.pulumi.com/docs/install), or for"
        ' the stand-in cloud run: eval "$(make -s env)"'
    ),
    "incorrect passphrase": (
        "Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to the one that the stack"
        " was made with."
    ),
    "PULUMI_ACCESS_TOKEN must be set": (
        "Run `pulumi login`, or set PULUMI_BACKEND_URL to the backend with the stack's state."
    ),
    "no Pulumi.yaml project file found": "Name the folder that holds it with --workspace.",
}
# While one waits for a holder, the next may take the lock.
_LOCK_ATTEMPTS = 5
_LOCK_SECONDS = 1800.0

Report = Callable[[str], None]
Result = TypeVar("Result")
Operation = Callable[[Callable[[automation.EngineEvent], None]], Result]


class DeploymentError(AutomationError):
    """The engine refused or failed; the message holds what it said about it."""


class NoStackError(DeploymentError):
    """There is no such stack in the backend."""


class InterruptedDeploymentError(DeploymentError):
    """The operation was told to stop, and the engine has ended in order."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A stack and what its deployment needs.

    Attributes:
        stack: the stack's name.
        workspace: the folder with Pulumi.yaml and the stack's settings.
        engine: the installation of the Pulumi CLI (its command is bin/pulumi); PATH's where None.
        environment: what the CLI gets beside this process's environment.
    """

    stack: str
    workspace: Path
    engine: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens, or would happen, to one resource.

    Attributes:
        urn: the resource.
        type: its type, as in ``aws:ecr/repository:Repository``.
        operation: what is done, as the engine names it; "same" where nothing is.
        protected: whether the resource was protected before.
        inputs: its properties afterwards; secrets and what is not yet known are masked.
        properties: the names of the properties that differ.
    """

    urn: str
    type: str
    operation: str
    protected: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    properties: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def in_the_cloud(self) -> bool:
        """Whether the resource is one of a cloud, not the engine's own and no component."""
        return not self.type.startswith(_INTERNAL)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an operation did, or a preview would do.

    Attributes:
        counts: the number of resources by operation: "create", "update", "replace", "delete",
            "same", as the engine names them.
        resources: the operation of each resource that doesn't stay the same, by URN.
        steps: every resource that was looked at, those that stay the same too.
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
        outputs: the stack's outputs by name; secret ones are left out.
    """

    changes: Changes
    outputs: Mapping[str, Any]


class Deployment:
    """A stack that can be previewed, deployed, refreshed and destroyed."""

    def __init__(self, target: Target, *, create: bool = True, reads_only: bool = False) -> None:
        """Select the target's stack.

        Args:
            target: the stack.
            create: whether the stack is made where it is missing.
            reads_only: whether nothing may be changed: the stack isn't made, and a lock that a
                dead process left isn't freed.

        Raises:
            NoStackError: there is no such stack, and none is to be made.
            DeploymentError: the CLI can't be run, or it refuses the stack.
        """
        self._target = target
        self._reads_only = reads_only
        engine = str(target.engine) if target.engine else None
        try:
            self._command = EngineCommand(root=engine)
            workspace = automation.LocalWorkspace(
                work_dir=str(target.workspace),
                program=_run_program,
                env_vars=dict(target.environment),
                pulumi_command=self._command,
            )
            makes = create and not reads_only
            self._stack = self._holding_the_lock(
                lambda: _select(target.stack, workspace, create=makes), report=None
            )
        except automation.StackNotFoundError as error:
            raise NoStackError(
                f"There is no stack {target.stack} here. `pulumi stack ls` lists those of this"
                f" backend; to make it, run: python -m automation deploy --stack {target.stack}"
            ) from error
        except (automation.CommandError, OSError) as error:
            raise DeploymentError(_said(str(error))) from error

    def preview(self, *, refresh: bool = False) -> Changes:
        """Tell what a deployment would change.

        Args:
            refresh: whether the cloud is asked what is there, so that what was changed behind the
                engine's back shows; the state stays as it is.

        Returns:
            The changes.

        Raises:
            DeploymentError: the configuration or the program is wrong.
        """
        changes, _ = self._run(
            lambda on_event: self._stack.preview(on_event=on_event, refresh=refresh or None)
        )
        return changes

    def up(self, report: Report | None = None) -> Deployed:
        """Deploy the stack.

        Args:
            report: called with a line for every resource that is changed.

        Returns:
            What was changed, and the outputs.

        Raises:
            DeploymentError: a resource failed; the others are as the engine left them.
        """
        changes, result = self._run(lambda on_event: self._stack.up(on_event=on_event), report)
        return Deployed(changes=changes, outputs=_public(result.outputs))

    def refresh(self) -> Changes:
        """Take over into the state what was changed behind the engine's back.

        Returns:
            What had been changed.

        Raises:
            DeploymentError: a resource can't be read.
        """
        changes, _ = self._run(lambda on_event: self._stack.refresh(on_event=on_event))
        return changes

    def pending_operations(self) -> tuple[str, ...]:
        """Read what an earlier operation had begun when it was cut off; nothing is changed.

        Returns:
            A line for each: the resource's name, and what was being done.

        Raises:
            DeploymentError: the state can't be read.
        """
        return tuple(map(str, takeover.begun(self.state())))

    def take_over(self, report: Report) -> None:
        """Resume from where the last operation was cut off or failed, if it was.

        What it had begun to create and the state doesn't know is looked up in the cloud and put
        into the state. Then all of the state is refreshed, since the cloud continues what it
        was asked: a deletion, say, that the engine no longer waited for.

        Args:
            report: called with a line where there is something to take over.

        Raises:
            DeploymentError: the cloud can't be asked.
        """
        state = self.state()
        operations = takeover.begun(state)
        if operations:
            cut_off = ", ".join(map(str, operations))
            report(f"An earlier run was cut off at {cut_off}: asking the cloud what came of it")
        elif takeover.unread(state) or self._last_failed():
            report("The last run didn't end well: asking the cloud what came of it")
        else:
            return
        aws = self.aws_clients()
        try:
            taken_over = takeover.adopt(state, takeover.find_ids(operations, state, aws))
            takeover.wait_until_settled(taken_over, aws)
        except (BotoCoreError, ClientError, TimeoutError) as error:
            raise DeploymentError(f"The cloud can't be asked what came of it: {error}") from error
        if operations:
            self._import(taken_over, report)
        self.refresh()

    def aws_clients(self) -> Clients:
        """Make AWS clients with the engine's credentials, in the stack's region.

        Raises:
            DeploymentError: the stack's configuration can't be read.
        """
        configuration = self.configuration()
        return clients(
            self._target.environment,
            profile=configuration.get("aws:profile"),
            region=configuration.get("aws:region"),
        )

    def protected(self) -> tuple[str, ...]:
        """Tell what a destroy would be refused for.

        Returns:
            The names of the protected resources.

        Raises:
            DeploymentError: the state can't be read.
        """
        return tuple(
            resource["urn"].rpartition("::")[2]
            for resource in self.state().get("resources") or []
            if resource.get("protect")
        )

    def destroy(self, report: Report | None = None) -> Changes:
        """Delete every resource of the stack.

        Args:
            report: called with a line for every resource that is deleted.

        Returns:
            What was deleted.

        Raises:
            DeploymentError: a resource is protected or can't be deleted.
        """
        changes, _ = self._run(lambda on_event: self._stack.destroy(on_event=on_event), report)
        return changes

    def outputs(self) -> dict[str, Any]:
        """Read the stack's outputs.

        Returns:
            The outputs by name; secret ones are left out.

        Raises:
            DeploymentError: they can't be read.
        """
        try:
            return _public(self._stack.outputs())
        except automation.CommandError as error:
            raise DeploymentError(_said(str(error))) from error

    def configuration(self) -> dict[str, str]:
        """Read the stack's configuration, the project's defaults included.

        Returns:
            The values by key, ``namespace:name``; objects and lists as JSON.

        Raises:
            DeploymentError: it can't be read.
        """
        try:
            return {key: value.value for key, value in self._stack.get_all_config().items()}
        except automation.CommandError as error:
            raise DeploymentError(_said(str(error))) from error

    def state(self) -> Mapping[str, Any]:
        """Read the stack's state as the backend keeps it: its secrets are encrypted.

        Returns:
            The state; its ``resources`` and ``pending_operations`` are lists.

        Raises:
            DeploymentError: it can't be read.
        """
        state: Mapping[str, Any] = self._export().get("deployment") or {}
        return state

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self._target.stack

    @property
    def project(self) -> str:
        """The project's name, which is the configuration's namespace."""
        return str(self._stack.workspace.project_settings().name)

    @property
    def engine_version(self) -> str:
        """The Pulumi engine's version."""
        return str(self._stack.workspace.pulumi_version)

    def _last_failed(self) -> bool:
        try:
            history = self._stack.history(page_size=1, show_secrets=False)
        except automation.CommandError as error:
            raise DeploymentError(_said(str(error))) from error
        return any(update.result == "failed" for update in history)

    def _export(self) -> dict[str, Any]:
        try:
            # Not the Automation API's own export, which decrypts the secrets.
            exported = self._command.run(
                ["stack", "export", "--stack", self._target.stack],
                str(self._target.workspace),
                dict(self._target.environment),
            )
        except automation.CommandError as error:
            raise DeploymentError(_said(str(error))) from error
        document: dict[str, Any] = json.loads(exported.stdout)
        return document

    def _import(self, state: Mapping[str, Any], report: Report) -> None:
        document = self._export() | {"deployment": state}
        with tempfile.TemporaryDirectory() as directory:
            # For its owner's eyes alone, and the secrets in it are encrypted.
            path = Path(directory, "state.json")
            path.write_text(json.dumps(document), encoding="utf-8")
            command = ["stack", "import", "--stack", self._target.stack, "--file", str(path)]
            workspace, environment = str(self._target.workspace), dict(self._target.environment)
            try:
                self._holding_the_lock(
                    lambda: self._command.run([*command], workspace, environment), report
                )
            except automation.CommandError as error:
                raise DeploymentError(_said(str(error))) from error

    def _run(
        self, operation: Operation[Result], report: Report | None = None
    ) -> tuple[Changes, Result]:
        return self._holding_the_lock(lambda: self._attempt(operation, report), report)

    def _holding_the_lock(self, operation: Callable[[], Result], report: Report | None) -> Result:
        """Run what takes the stack's lock, once its holder has ended if that is on this machine.

        A killed process still holds it: the lock is then freed. The engine of a killed command
        lives on for a moment, and of another command for as long as it works.
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
        if not holders or not all(holder.here for holder in holders):
            who = ", ".join(map(str, holders)) or "another process"
            raise DeploymentError(
                f"The stack {stack} is being changed by {who}. Wait for it to end. If its machine"
                f" is gone, run: pulumi cancel --stack {stack}"
            )
        for holder in holders:
            if holder.runs():
                if report:
                    report(f"Waiting for {holder}, which is changing the stack {stack}")
                if not holder.wait(_LOCK_SECONDS):
                    raise DeploymentError(f"The stack {stack} is still being changed by {holder}.")
            elif self._reads_only:
                raise DeploymentError(
                    f"A deployment of the stack {stack} was cut off and still holds its lock. The"
                    f" next deployment takes over: python -m automation deploy --stack {stack}"
                )
            elif not holder.remove_lock():
                # Frees the locks of all, which have died.
                self._command.run(
                    ["cancel", "--yes", "--stack", stack],
                    str(self._target.workspace),
                    dict(self._target.environment),
                )

    def _attempt(
        self, operation: Operation[Result], report: Report | None
    ) -> tuple[Changes, Result]:
        events = _Events(report)
        try:
            result = operation(events.take)
        except automation.ConcurrentUpdateError:
            raise
        except KeyboardInterrupt as interrupt:
            raise InterruptedDeploymentError(
                f"The operation on the stack {self._target.stack} was stopped, and its state is"
                " written. The next command resumes from there, whichever it is."
            ) from interrupt
        except automation.CommandError as error:
            raise DeploymentError("\n".join(events.errors) or _said(str(error))) from error
        changes = Changes(
            counts=events.counts, resources=events.resources, steps=tuple(events.steps.values())
        )
        return changes, result


def _select(name: str, workspace: automation.Workspace, *, create: bool) -> automation.Stack:
    try:
        return automation.Stack.select(name, workspace)
    except automation.StackNotFoundError:
        if not create:
            raise
    try:
        return automation.Stack.create(name, workspace)
    except automation.StackAlreadyExistsError:
        # Another command made it just now.
        return automation.Stack.select(name, workspace)


class _Events:
    """Gathers from the engine's events what its caller wants to know."""

    def __init__(self, report: Report | None) -> None:
        self.counts: dict[str, int] = {}
        self.resources: dict[str, str] = {}
        self.errors: list[str] = []
        self.steps: dict[str, Step] = {}
        self._report = report

    def take(self, event: automation.EngineEvent) -> None:
        if event.diagnostic_event and event.diagnostic_event.severity == "error":
            diagnostic = event.diagnostic_event
            name = f"{diagnostic.urn.rpartition('::')[2]}: " if diagnostic.urn else ""
            error = name + _COLOUR.sub("", diagnostic.message).strip()
            # What a program ends with, the engine repeats in its own words.
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
            self._take_step(metadata, operation)
            if operation not in {"same", "refresh", "read"}:
                self.resources[metadata.urn] = operation
                if self._report and not metadata.type.startswith(_INTERNAL):
                    self._report(f"  {operation} {metadata.urn.rpartition('::')[2]}")
        elif event.res_outputs_event:
            # A refresh tells only here whether a resource had changed.
            metadata = event.res_outputs_event.metadata
            operation = str(getattr(metadata.op, "value", metadata.op))
            if operation in {"update", "delete"}:
                self.resources.setdefault(metadata.urn, operation)

    def _take_step(self, metadata: automation.StepEventMetadata, operation: str) -> None:
        known = self.steps.get(metadata.urn)
        # A replacement is several steps; the one that names it says most.
        if known is not None and known.operation == "replace":
            return
        self.steps[metadata.urn] = Step(
            urn=metadata.urn,
            type=metadata.type,
            operation=operation,
            protected=bool(metadata.old and metadata.old.protect),
            inputs=(metadata.new and metadata.new.inputs) or {},
            properties=tuple(sorted(metadata.detailed_diff or metadata.diffs or ())),
        )


def _public(outputs: Mapping[str, automation.OutputValue]) -> dict[str, Any]:
    return {name: output.value for name, output in outputs.items() if not output.secret}


def _run_program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


def _said(error: str) -> str:
    """Take the CLI's own words out of the Automation API's account of a failed command."""
    _, found, stderr = error.partition("stderr:")
    words = _OWN_PREFIX.sub("", (stderr if found else error).strip())
    return "\n".join([words, *(remedy for cause, remedy in _REMEDIES.items() if cause in words)])
