"""Runs one service: its operations, one at a time, and the deployments they make."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from localcloud.aws.account import Account
from localcloud.aws.apprunner.containers import Application, InstanceEngine
from localcloud.aws.apprunner.events import Outcome, operation_event, status_event
from localcloud.aws.apprunner.instance_group import (
    InstanceError,
    InstanceGroup,
    InstanceGroupListener,
    InstanceGroupSettings,
)
from localcloud.aws.apprunner.logs import ServiceLog
from localcloud.aws.apprunner.metrics_reporter import MetricsReporter
from localcloud.aws.apprunner.models import (
    HealthCheck,
    Operation,
    OperationStatus,
    OperationType,
    Service,
    ServiceConfiguration,
    ServiceStatus,
)
from localcloud.aws.apprunner.proxy import ServiceProxy
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.containers import EngineError
from localcloud.aws.ecr.models import Registry, repository_and_reference
from localcloud.aws.service_events import SendEvent

_LOG = logging.getLogger(__name__)
_NOUN = {
    OperationType.CREATE_SERVICE: "Service creation",
    OperationType.UPDATE_SERVICE: "Service update",
    OperationType.DELETE_SERVICE: "Service deletion",
    OperationType.PAUSE_SERVICE: "Service pause",
    OperationType.RESUME_SERVICE: "Service resume",
    OperationType.START_DEPLOYMENT: "Deployment",
}


class DeploymentError(Exception):
    """A deployment failed; the message is the reason that App Runner logs."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times that are fixed on App Runner, and that tests shorten.

    Attributes:
        request_timeout: seconds until a request ends.
        idle_period: seconds without demand before instances are removed.
        stop_grace: seconds from SIGTERM to SIGKILL.
        metrics_period: seconds between two reports of metrics.
    """

    request_timeout: float = 120.0
    idle_period: float = 60.0
    stop_grace: float = 30.0
    metrics_period: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What services run on.

    Attributes:
        engine: runs the containers.
        account: the account's other services.
        registry: the addresses of the account's images.
        session: sends requests to the instances.
        timing: the times.
        send_event: hands events to EventBridge.
    """

    engine: InstanceEngine
    account: Account
    registry: Registry
    session: aiohttp.ClientSession
    timing: Timing
    send_event: SendEvent


class ServiceController:
    """One service with its HTTPS proxy, its instances, its log and its metrics."""

    def __init__(
        self,
        service: Service,
        platform: Platform,
        limits: Callable[[str], ScalingLimits],
        remove_unused_images: Callable[[], Awaitable[None]],
    ) -> None:
        """Start without instances.

        Args:
            service: the service's record, which is kept up to date here.
            platform: what it runs on.
            limits: returns an auto scaling configuration's limits by its ARN.
            remove_unused_images: removes the images that no service needs.
        """
        self.service = service
        self._image: str | None = None
        self._image_in_deployment: str | None = None
        self._remove_unused_images = remove_unused_images
        self._platform = platform
        self._limits = limits
        self._proxy = ServiceProxy(
            request_timeout=platform.timing.request_timeout, session=platform.session
        )
        self._log = ServiceLog(platform.account, service)
        self._metrics = MetricsReporter(
            service, self._proxy, platform.account, platform.timing.metrics_period
        )
        self._work: asyncio.Task[None] | None = None
        self._retirements: set[asyncio.Task[None]] = set()

    @property
    def images(self) -> set[str]:
        """The images in use: that of the instances, and that of a deployment in progress."""
        return {image for image in (self._image, self._image_in_deployment) if image is not None}

    async def listen(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Open the HTTPS proxy.

        Raises:
            OSError: the port is in use.
        """
        await self._proxy.open(host, port, context)

    async def stop(self) -> None:
        """Stop everything at once, except the containers."""
        await self._metrics.stop()
        if self._work is not None:
            self._work.cancel()
            # A cancelled deployment ends its own instances.
            await asyncio.gather(self._work, return_exceptions=True)
        if self._proxy.group is not None:
            await self._proxy.group.stop_scaling()
        await self._log.close()
        await self._proxy.close()

    def begin(
        self, kind: OperationType, configuration: ServiceConfiguration | None = None
    ) -> Operation:
        """Start an operation in the background.

        Args:
            kind: the operation.
            configuration: the new settings of an update.
        """
        operation = Operation(kind=kind, target_arn=self.service.arn)
        self.service.operations.append(operation)
        status_before = self.service.status
        self._move_to(ServiceStatus.OPERATION_IN_PROGRESS)
        work: dict[OperationType, Callable[[], Awaitable[None]]] = {
            OperationType.CREATE_SERVICE: lambda: self._create(operation),
            OperationType.UPDATE_SERVICE: lambda: self._update(
                operation, configuration or self.service.configuration, status_before
            ),
            OperationType.START_DEPLOYMENT: lambda: self._redeploy(operation),
            OperationType.PAUSE_SERVICE: self._pause,
            OperationType.RESUME_SERVICE: lambda: self._resume(operation),
            OperationType.DELETE_SERVICE: self._delete,
        }
        self._work = asyncio.ensure_future(self._run(operation, work[kind], status_before))
        return operation

    async def _run(
        self,
        operation: Operation,
        work: Callable[[], Awaitable[None]],
        status_before: ServiceStatus,
    ) -> None:
        noun = _NOUN[operation.kind]
        self._log.event("Service status is set to OPERATION_IN_PROGRESS.")
        self._log.event(f"{noun} started.")
        operation.move_to(OperationStatus.IN_PROGRESS)
        self._send_event_of(operation, Outcome.STARTED)
        try:
            await work()
        except DeploymentError as error:
            self._log.deployment(
                operation,
                f"Deployment with ID : {operation.id} failed. Failure reason : {error}",
            )
            self._log.event(f"{noun} failed. {error} For details, see service logs.")
            self._settle_failure(operation, status_before)
        except Exception:  # an error in the stand-in must end the operation  # noqa: BLE001
            _LOG.exception("%s of %s failed", noun, self.service.name)
            self._log.event(f"{noun} failed. Internal error of the stand-in; see its output.")
            self._settle_failure(operation, status_before)
        else:
            operation.move_to(OperationStatus.SUCCEEDED)
            self._log.event(f"{noun} completed successfully.")
            self._send_event_of(operation, Outcome.SUCCEEDED)
        self._log.event(f"Service status is set to {self.service.status}.")
        self._image_in_deployment = None
        await self._remove_unused_images()
        if self.service.status is ServiceStatus.DELETED:
            await self._log.close()

    def _settle_failure(self, operation: Operation, status_before: ServiceStatus) -> None:
        rolls_back = (
            operation.kind in {OperationType.UPDATE_SERVICE, OperationType.START_DEPLOYMENT}
            and status_before is ServiceStatus.RUNNING
        )
        operation.move_to(
            OperationStatus.ROLLBACK_SUCCEEDED if rolls_back else OperationStatus.FAILED
        )
        self._send_event_of(operation, Outcome.FAILED)
        failed_status = {
            OperationType.CREATE_SERVICE: ServiceStatus.CREATE_FAILED,
            OperationType.DELETE_SERVICE: ServiceStatus.DELETE_FAILED,
        }
        self._move_to(failed_status.get(operation.kind, status_before))

    def _move_to(self, status: ServiceStatus) -> None:
        previous = self.service.status
        self.service.move_to(status)
        if status is not previous:
            self._platform.send_event(status_event(self.service, previous))

    def _send_event_of(self, operation: Operation, outcome: Outcome) -> None:
        at = operation.updated_at.timestamp()
        self._platform.send_event(operation_event(self.service, operation.kind, outcome, at))

    async def _create(self, operation: Operation) -> None:
        await self._deploy(operation, self.service.configuration)
        self._move_to(ServiceStatus.RUNNING)

    async def _update(
        self,
        operation: Operation,
        configuration: ServiceConfiguration,
        status_before: ServiceStatus,
    ) -> None:
        group = self._proxy.group
        if status_before is ServiceStatus.PAUSED:
            self.service.configuration = configuration
            self._image = None
            self._move_to(ServiceStatus.PAUSED)
            return
        if group is not None and configuration.same_application(self.service.configuration):
            group.rescale(self._limits(configuration.auto_scaling_arn))
        else:
            await self._deploy_or_roll_back(operation, configuration)
        self.service.configuration = configuration
        self._move_to(ServiceStatus.RUNNING)

    async def _redeploy(self, operation: Operation) -> None:
        await self._deploy_or_roll_back(operation, self.service.configuration)
        self._move_to(ServiceStatus.RUNNING)

    async def _deploy_or_roll_back(
        self, operation: Operation, configuration: ServiceConfiguration
    ) -> None:
        try:
            await self._deploy(operation, configuration)
        except DeploymentError:
            if self._proxy.group is not None:
                # The previous instances never stopped serving, so nothing has to be undone.
                operation.move_to(OperationStatus.ROLLBACK_IN_PROGRESS)
                self._log.event("Rolling back to the last successful deployment.")
            raise

    async def _pause(self) -> None:
        await self._close_group()
        self._move_to(ServiceStatus.PAUSED)

    async def _resume(self, operation: Operation) -> None:
        await self._deploy(operation, self.service.configuration, image=self._image)
        self._move_to(ServiceStatus.RUNNING)

    async def _delete(self) -> None:
        await self._metrics.stop()
        await self._close_group()
        await asyncio.gather(*self._retirements)
        await self._metrics.report()
        await self._proxy.close()
        self._image = None
        self._move_to(ServiceStatus.DELETED)

    async def _close_group(self) -> None:
        group, self._proxy.group = self._proxy.group, None
        if group is not None:
            await group.close()

    async def _retire(self, group: InstanceGroup) -> None:
        await group.close()
        await self._remove_unused_images()

    async def _deploy(
        self,
        operation: Operation,
        configuration: ServiceConfiguration,
        image: str | None = None,
    ) -> None:
        """Start instances with the settings, and route requests to them once they are healthy.

        Args:
            operation: the operation to log the steps of.
            configuration: the settings.
            image: the image by digest; by default the one that the settings name now.

        Raises:
            DeploymentError: the deployment failed; requests still go to the previous instances.
        """
        self._log.deployment(operation, "Starting to pull your application image.")
        image = await self._pull(configuration, image)
        self._log.deployment(operation, "Successfully pulled your application image from ECR.")
        group = await self._new_group(configuration, image)
        self._log.deployment(
            operation,
            "Provisioning instances and deploying image for publicly accessible service.",
        )
        self._log.deployment(
            operation, f"Performing health check on {_health_check_text(configuration)}."
        )
        try:
            await group.start()
        except InstanceError as error:
            self._log.deployment(
                operation,
                "Health check failed. Check your configuration and the application logs.",
            )
            raise DeploymentError(str(error)) from error
        self._log.deployment(
            operation, "Health check is successful. Routing traffic to application."
        )
        previous, self._proxy.group = self._proxy.group, group
        self._image = image
        self._log.deployment(operation, "Successfully deployed your application image.")
        if previous is not None:
            task = asyncio.ensure_future(self._retire(previous))
            self._retirements.add(task)
            task.add_done_callback(self._retirements.discard)

    async def _new_group(self, configuration: ServiceConfiguration, image: str) -> InstanceGroup:
        timing = self._platform.timing
        return InstanceGroup(
            InstanceGroupSettings(
                application=Application(
                    service=self.service.name,
                    image=image,
                    port=configuration.port,
                    command=configuration.start_command,
                    environment=await self._environment(configuration),
                    nano_cpus=configuration.nano_cpus,
                    memory_bytes=configuration.memory_bytes,
                ),
                health_check=HealthCheck.from_api(configuration.health_check),
                limits=self._limits(configuration.auto_scaling_arn),
                idle_period=timing.idle_period,
                drain_timeout=timing.request_timeout,
                stop_grace=timing.stop_grace,
            ),
            self._platform.engine,
            self._platform.session,
            InstanceGroupListener(on_event=self._log.event, on_output=self._log.output),
        )

    async def _pull(self, configuration: ServiceConfiguration, image: str | None) -> str:
        platform = self._platform
        aws_name = platform.registry.to_aws(configuration.image_identifier)
        repository, reference = repository_and_reference(aws_name)
        role = configuration.access_role_arn
        denied = await platform.account.denied_pull_actions(role, repository, self._context())
        if denied:
            raise DeploymentError(
                "Failed to pull your application image. Be sure you configure your service with "
                f"a valid access role to your ECR repository: {role} lacks {', '.join(denied)}."
            )
        if image is None:
            digest = await platform.account.image_digest(repository, reference)
            if digest is None:
                raise DeploymentError(
                    f"Failed to pull your application image. {aws_name} does not exist."
                )
            image = f"{platform.registry.local_host}/{repository}@{digest}"
        self._image_in_deployment = image
        try:
            await platform.engine.pull(image, platform.registry.issue_login())
        except EngineError as error:
            raise DeploymentError(f"Failed to copy the image from ECR: {error}") from error
        return image

    async def _environment(self, configuration: ServiceConfiguration) -> dict[str, str]:
        values = {"PORT": str(configuration.port), **configuration.environment}
        role = configuration.instance_role_arn
        for name, reference in configuration.secrets.items():
            value = (
                await self._platform.account.secret(reference, role, self._context())
                if role
                else None
            )
            if value is None:
                raise DeploymentError(
                    f"The secret of the environment variable {name} does not exist, or the "
                    f"instance role {role} may not read it."
                )
            values[name] = value
        return values

    def _context(self) -> dict[str, str]:
        return {
            "aws:SourceAccount": self._platform.account.account_id,
            "aws:SourceArn": self.service.arn,
        }


def _health_check_text(configuration: ServiceConfiguration) -> str:
    check = configuration.health_check
    path = f" [Path: '{check['Path']}']," if check["Protocol"] == "HTTP" else ""
    return f"protocol `{check['Protocol']}`{path} [Port: '{configuration.port}']"
