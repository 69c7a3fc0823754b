"""One stack of the program, driven through Pulumi's Automation API.

The program runs as an inline program: the very `__main__.py` that `pulumi up` runs, in this
process. So no language plug-in is needed, and the same code drives every stack; what differs
is the target's workspace and environment.
"""

import json
import re
import runpy
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
from pulumi import automation

from automation.interruption import passed_on

PROGRAM = Path(__file__).resolve().parent.parent / "__main__.py"

_COLOUR = re.compile(r"<\{%.*?%\}>")
_REPEATED = "an unhandled error occurred: "
# The engine's own stack, providers and the program's components: nothing a cloud makes.
_INTERNAL = ("pulumi:", "neo4j-mcp:")
_LOCK_HOLDER = re.compile(r"created by \S+?@(?P<host>\S+) \(pid (?P<pid>\d+)\)")

Report = Callable[[str], None]
Result = TypeVar("Result")
Operation = Callable[[Callable[[automation.EngineEvent], None]], Result]


class DeploymentError(Exception):
    """The engine refused or failed; the message holds what it said about it."""


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

    def __init__(self, target: Target, *, create: bool = True) -> None:
        """Select the target's stack.

        Args:
            target: the stack.
            create: whether the stack is made where it is missing.

        Raises:
            DeploymentError: the CLI can't be run, it refuses the stack, or there is none.
        """
        self._target = target
        engine = str(target.engine) if target.engine else None
        try:
            self._command = automation.PulumiCommand(root=engine)
            workspace = automation.LocalWorkspace(
                work_dir=str(target.workspace),
                program=_run_program,
                env_vars=dict(target.environment),
                pulumi_command=self._command,
            )
            select = automation.Stack.create_or_select if create else automation.Stack.select
            self._stack = select(target.stack, workspace)
        except automation.StackNotFoundError as error:
            raise DeploymentError(
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
        """Tell what an earlier operation had begun when it was cut off.

        Returns:
            A line for each: the resource's name, and what was being done.

        Raises:
            DeploymentError: the state can't be read.
        """
        return tuple(
            f"{operation['resource']['urn'].rpartition('::')[2]} ({operation['type']})"
            for operation in self.state().get("pending_operations") or []
        )

    def forget_pending_operations(self) -> Changes:
        """Ask the cloud what became of what was cut off, and take the answer over.

        Returns:
            What turned out to have changed.

        Raises:
            DeploymentError: a resource can't be read.
        """
        changes, _ = self._run(
            lambda on_event: self._stack.refresh(on_event=on_event, clear_pending_creates=True)
        )
        return changes

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
        try:
            # Not the Automation API's own export, which decrypts the secrets.
            exported = self._command.run(
                ["stack", "export", "--stack", self._target.stack],
                str(self._target.workspace),
                dict(self._target.environment),
            )
        except automation.CommandError as error:
            raise DeploymentError(_said(str(error))) from error
        state: Mapping[str, Any] = json.loads(exported.stdout).get("deployment") or {}
        return state

    @property
    def project(self) -> str:
        """The project's name, which is the configuration's namespace."""
        return str(self._stack.workspace.project_settings().name)

    @property
    def engine_version(self) -> str:
        """The Pulumi engine's version."""
        return str(self._stack.workspace.pulumi_version)

    def _run(
        self, operation: Operation[Result], report: Report | None = None
    ) -> tuple[Changes, Result]:
        """Run an operation; where a dead process still holds the stack's lock, free it first."""
        try:
            return self._attempt(operation, report)
        except automation.ConcurrentUpdateError as error:
            if not lock_is_stale(str(error)):
                raise DeploymentError(
                    f"Another deployment of the stack {self._target.stack} is running."
                    " Wait for it to end. If its machine is gone, run:"
                    f" pulumi cancel --stack {self._target.stack}"
                ) from error
        self._stack.cancel()
        try:
            return self._attempt(operation, report)
        except automation.ConcurrentUpdateError as error:
            raise DeploymentError(_said(str(error))) from error

    def _attempt(
        self, operation: Operation[Result], report: Report | None
    ) -> tuple[Changes, Result]:
        events = _Events(report)
        with passed_on() as interruption:
            try:
                result = operation(events.take)
            except automation.ConcurrentUpdateError:
                raise
            except automation.CommandError as error:
                if interruption.requested:
                    raise InterruptedDeploymentError(
                        f"The operation on the stack {self._target.stack} was stopped; what it"
                        " had begun was finished. The same command goes on from there."
                    ) from error
                raise DeploymentError("\n".join(events.errors) or _said(str(error))) from error
        changes = Changes(
            counts=events.counts, resources=events.resources, steps=tuple(events.steps.values())
        )
        return changes, result


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


def lock_is_stale(message: str) -> bool:
    """Decide whether the holder of a stack's lock has died on this machine.

    Args:
        message: what the engine says of the lock; a file backend names host and process.

    Returns:
        True where every holder was a process of this machine that runs no more.
    """
    holders = list(_LOCK_HOLDER.finditer(message))
    return bool(holders) and all(
        holder["host"] == socket.gethostname() and not _runs(int(holder["pid"]))
        for holder in holders
    )


def _runs(pid: int) -> bool:
    try:
        # A killed process stays listed until its parent takes notice.
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


def _public(outputs: Mapping[str, automation.OutputValue]) -> dict[str, Any]:
    return {name: output.value for name, output in outputs.items() if not output.secret}


def _run_program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


def _said(error: str) -> str:
    """Take the CLI's own words out of the Automation API's account of a failed command."""
    _, found, stderr = error.partition("stderr:")
    return (stderr if found else error).strip()
