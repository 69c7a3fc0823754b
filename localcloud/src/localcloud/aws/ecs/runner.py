"""Runs one task: from the pull of its image to the end of its container."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aws.account import Account
from localcloud.aws.containers import (
    ContainerEngine,
    ContainerSettings,
    EngineError,
    RunningContainer,
)
from localcloud.aws.ecr.models import Registry, repository_and_reference
from localcloud.aws.ecs import network
from localcloud.aws.ecs.events import task_event
from localcloud.aws.ecs.models import LoadBalancing, StopCode, Task, TaskStatus
from localcloud.aws.elbv2.targets import Target, TargetRegistry
from localcloud.aws.log_sender import LogSender
from localcloud.aws.service_events import SendEvent

_LOG = logging.getLogger(__name__)
PRINCIPAL = "ecs-tasks.amazonaws.com"
_EXIT_TIMEOUT = 10.0
_INITIALIZATION = "ResourceInitializationError"


class StartError(Exception):
    """A task can't start; the message is its stopped reason."""


@dataclass(frozen=True, kw_only=True)
class TaskPlatform:
    """What tasks run on.

    Attributes:
        engine: runs the containers.
        account: the account's other services.
        registry: the addresses of the account's images.
        targets: the account's target groups.
        logs: sends the tasks' output to CloudWatch Logs.
        clock: returns the time, in seconds since the epoch.
        send_event: hands events to EventBridge.
    """

    engine: ContainerEngine
    account: Account
    registry: Registry
    targets: TargetRegistry
    logs: LogSender
    clock: Callable[[], float]
    send_event: SendEvent


@dataclass(frozen=True, kw_only=True)
class TaskListener:
    """Callbacks of a task.

    Attributes:
        on_change: called when its status changes.
        on_event: called with an event of its service.
    """

    on_change: Callable[[], None]
    on_event: Callable[[str], None]


class TaskRunner:
    """One task."""

    def __init__(
        self,
        task: Task,
        platform: TaskPlatform,
        load_balancing: LoadBalancing | None,
        listener: TaskListener,
    ) -> None:
        """Prepare a task.

        Args:
            task: its record, which is kept up to date here.
            platform: what it runs on.
            load_balancing: the target group that it is registered with, if any.
            listener: learns what happens to it.
        """
        self.task = task
        self._platform = platform
        self._balancing = load_balancing
        self._listener = listener
        self._stop_requested = asyncio.Event()
        self._container: RunningContainer | None = None
        self._registered: Target | None = None
        self._image: str | None = None

    @property
    def image(self) -> str | None:
        """The image, as Docker on this machine names it; None before it is pulled."""
        return self._image

    @property
    def container(self) -> RunningContainer | None:
        """The running container, if there is one."""
        return self._container if self.task.status is TaskStatus.RUNNING else None

    @property
    def target(self) -> Target | None:
        """The target that the task is registered as, if it is."""
        return self._registered

    def stop(self, code: StopCode, reason: str) -> None:
        """Ask the task to stop; a later call changes nothing."""
        task = self.task
        if task.stopping or task.status is TaskStatus.STOPPED:
            return
        task.stopping = True
        task.stop_code, task.stopped_reason = code, reason
        task.stopping_at = self._platform.clock()
        task.version += 1
        self._stop_requested.set()
        self._changed()

    async def run(self) -> None:
        """Run the task until it has stopped."""
        task = self.task
        try:
            await self._start()
        except StartError as error:
            self._ended(StopCode.FAILED_TO_START, str(error))
        except Exception:  # such as a call that ran into its time limit  # noqa: BLE001
            _LOG.exception("the task %s could not be started", task.arn)
            self._ended(StopCode.FAILED_TO_START, "See the stand-in's output.")
        else:
            await self._wait_for_end()
        await self._stop()
        task.healthy = False
        task.stopped_at = self._platform.clock()
        self._move_to(TaskStatus.STOPPED)

    async def _start(self) -> None:
        task = self.task
        self._move_to(TaskStatus.PENDING)
        environment, image = await self._prepare()
        if self._stop_requested.is_set():
            return
        settings = self._settings(image, environment)
        try:
            self._container = await self._platform.engine.start(settings, self._on_output())
        except EngineError as error:
            raise StartError(f"CannotStartContainerError: {error}") from error
        task.runtime_id = f"{task.id}-{str(self._container.container.id)[:10]}"
        if self._stop_requested.is_set():
            return
        if self._balancing is not None:
            self._move_to(TaskStatus.ACTIVATING)
            await self._register(self._balancing)
        task.started_at = self._platform.clock()
        self._move_to(TaskStatus.RUNNING)

    async def _prepare(self) -> tuple[dict[str, str], str]:
        """Return the environment and the image on this machine, as Fargate's agent gets them."""
        task, account = self.task, self._platform.account
        role = task.definition.execution_role_arn
        context = {"aws:SourceAccount": account.account_id, "aws:SourceArn": task.arn}
        if not await account.trusts(role, PRINCIPAL, context):
            raise StartError(
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role."
            )
        await self._require_way_out()
        environment = await self._environment(role)
        image = await self._pull(role)
        await self._open_log(role)
        return environment, image

    async def _require_way_out(self) -> None:
        task, account = self.task, self._platform.account
        subnet = task.placement.subnet
        [described] = await account.subnets([subnet])
        tables = await account.route_tables(described["VpcId"])
        if not network.has_way_out(tables, subnet, public_ip=task.network.public_ip):
            raise StartError(
                f"{_INITIALIZATION}: unable to pull secrets or registry auth: The task cannot pull "
                "registry auth from Amazon ECR: There is a connection issue between the task and "
                "Amazon ECR. Check your task network configuration. : dial tcp: i/o timeout"
            )

    async def _environment(self, role: str) -> dict[str, str]:
        container = self.task.definition.container
        values = {each["name"]: each["value"] for each in container["environment"]}
        for secret in container.get("secrets", ()):
            reference = secret["valueFrom"]
            value = await self._platform.account.secret(reference, role, {})
            if value is None:
                raise StartError(
                    f"{_INITIALIZATION}: unable to pull secrets or registry auth: execution "
                    "resource retrieval failed: unable to retrieve secret from asm: service call "
                    f"has been retried 1 time(s): {role} may not read {reference}, or it does not "
                    "exist"
                )
            values[secret["name"]] = value
        return values

    async def _pull(self, role: str) -> str:
        platform, task = self._platform, self.task
        name = platform.registry.to_aws(task.definition.container["image"])
        repository, reference = repository_and_reference(name)
        denied = await platform.account.denied_pull_actions(role, repository, {})
        if denied:
            raise StartError(
                f"{_INITIALIZATION}: unable to pull secrets or registry auth: execution resource "
                "retrieval failed: unable to retrieve ecr registry auth: service call has been "
                f"retried 1 time(s): AccessDeniedException: {role} is not authorized to perform: "
                f"{', '.join(denied)}"
            )
        digest = await platform.account.image_digest(repository, reference)
        if digest is None:
            raise StartError(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed "
                f"to resolve ref {name}: {name}: not found"
            )
        image = f"{platform.registry.local_host}/{repository}@{digest}"
        self._image = image
        task.pull_started_at = platform.clock()
        try:
            await platform.engine.pull(image, platform.registry.issue_login())
        except EngineError as error:
            raise StartError(f"CannotPullContainerError: {error}") from error
        task.pull_stopped_at = platform.clock()
        task.image_digest = digest
        return image

    async def _open_log(self, role: str) -> None:
        log = self._log()
        if log is None:
            return
        account = self._platform.account
        group, stream = log
        arn = f"arn:aws:logs:{account.region}:{account.account_id}:log-group:{group}"
        needed = {
            "logs:CreateLogStream": f"{arn}:log-stream:{stream}",
            "logs:PutLogEvents": f"{arn}:log-stream:{stream}",
        }
        denied = await account.denied_actions(role, list(needed.items()), {})
        failure = f"{_INITIALIZATION}: failed to validate logger args: create stream has been "
        failure += "retried 1 times: failed to create Cloudwatch log stream: "
        if denied:
            raise StartError(
                f"{failure}AccessDeniedException: {role} is not authorized to perform: "
                f"{', '.join(denied)} : exit status 1"
            )
        if not await account.create_log_stream(group, stream):
            raise StartError(
                f"{failure}ResourceNotFoundException: The specified log group does not exist. : "
                "exit status 1"
            )

    def _log(self) -> tuple[str, str] | None:
        container = self.task.definition.container
        configuration = container.get("logConfiguration")
        if configuration is None:
            return None
        options = configuration["options"]
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{self.task.id}"
        return options["awslogs-group"], stream

    def _on_output(self) -> Callable[[str], None]:
        log = self._log()
        if log is None:
            return lambda _: None
        group, stream = log
        return lambda line: self._platform.logs.add_from_thread(group, stream, line)

    def _settings(self, image: str, environment: Mapping[str, str]) -> ContainerSettings:
        task = self.task
        definition, container = task.definition, task.definition.container
        parameters = container.get("linuxParameters", {})
        return ContainerSettings(
            name=f"ecs-{task.service}-{task.id[:12]}",
            labels={"service": task.service, "task": task.id},
            image=image,
            port=definition.port,
            environment=environment,
            nano_cpus=definition.nano_cpus,
            memory_bytes=definition.memory_bytes,
            command=container.get("command") or None,
            entrypoint=container.get("entryPoint") or None,
            user=container.get("user"),
            working_directory=container.get("workingDirectory"),
            read_only=container.get("readonlyRootFilesystem", False),
            init=parameters.get("initProcessEnabled", False),
            dropped_capabilities=parameters.get("capabilities", {}).get("drop", ()),
        )

    async def _register(self, balancing: LoadBalancing) -> None:
        container = self._container
        if container is None or container.exited.done() or not container.port:
            return
        target = Target(id=self.task.placement.address, port=balancing.port)
        try:
            await self._platform.targets.register(
                balancing.target_group_arn, target, address=(container.host, container.port)
            )
        except LookupError as error:
            raise StartError(
                f"Target group {balancing.target_group_arn} does not exist."
            ) from error
        self._registered = target
        self._listener.on_event(
            f"registered 1 targets in (target-group {balancing.target_group_arn})"
        )

    async def _wait_for_end(self) -> None:
        """Wait until the container ends or is to be stopped."""
        if self._container is not None:
            await self._either_ends(self._stop_requested.wait())
            if self._container.exited.done() and not self.task.stopping:
                self._ended(StopCode.CONTAINER_EXITED, "Essential container in task exited")

    async def _stop(self) -> None:
        task, container = self.task, self._container
        task.healthy = False
        if self._registered is not None and self._balancing is not None:
            self._move_to(TaskStatus.DEACTIVATING)
            arn, targets = self._balancing.target_group_arn, self._platform.targets
            await targets.deregister(arn, self._registered)
            self._listener.on_event(f"deregistered 1 targets in (target-group {arn})")
            await self._either_ends(targets.drained(arn, self._registered))
        self._move_to(TaskStatus.STOPPING)
        if container is not None:
            await asyncio.to_thread(container.terminate, task.definition.stop_timeout)
            await asyncio.wait([container.exited], timeout=_EXIT_TIMEOUT)
            if container.exited.done():
                task.exit_code = container.exited.result()
        self._move_to(TaskStatus.DEPROVISIONING)

    async def _either_ends(self, work: Coroutine[Any, Any, Any]) -> None:
        """Wait until the container or the work ends."""
        container = self._container
        waiting: asyncio.Future[Any] = asyncio.ensure_future(work)
        try:
            pending = [waiting] if container is None else [waiting, container.exited]
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    def _ended(self, code: StopCode, reason: str) -> None:
        task = self.task
        if not task.stopping:
            task.stop_code, task.stopped_reason = code, reason
            task.stopping_at = self._platform.clock()
            task.stopping = True

    def _move_to(self, status: TaskStatus) -> None:
        self.task.move_to(status)
        self._changed()

    def _changed(self) -> None:
        self._platform.send_event(task_event(self.task, self._platform.clock()))
        self._listener.on_change()
