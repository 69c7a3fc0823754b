"""A service at work: its operations, one at a time, and what they do to its instances."""

import asyncio
import contextlib
import logging
import ssl
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from localcloud.aws.account import Account
from localcloud.aws.apprunner import metrics
from localcloud.aws.apprunner.containers import (
    Application,
    ContainerEngine,
    EngineError,
    Instance,
)
from localcloud.aws.apprunner.fleet import Fleet, FleetReports, FleetSettings, InstanceError
from localcloud.aws.apprunner.front import Front
from localcloud.aws.apprunner.logs import ServiceLog
from localcloud.aws.apprunner.model import (
    HealthCheck,
    Operation,
    OperationStatus,
    OperationType,
    Service,
    ServiceConfiguration,
    ServiceStatus,
    now,
)
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.registry import Registry

_LOG = logging.getLogger(__name__)
_STARTED = {
    OperationType.CREATE_SERVICE: "Service creation started.",
    OperationType.UPDATE_SERVICE: "Service update started.",
    OperationType.DELETE_SERVICE: "Service deletion started.",
    OperationType.PAUSE_SERVICE: "Service pause started.",
    OperationType.RESUME_SERVICE: "Service resume started.",
    OperationType.START_DEPLOYMENT: "Deployment started.",
}
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
    """Times that App Runner fixes, and tests shorten.

    Attributes:
        request_timeout: seconds until a request ends.
        idle_period: seconds without demand before instances are taken away.
        stop_grace: seconds from SIGTERM to SIGKILL.
        metrics_period: seconds from one report of metrics to the next.
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
        session: speaks to the instances.
        timing: the times.
    """

    engine: ContainerEngine
    account: Account
    registry: Registry
    session: aiohttp.ClientSession
    timing: Timing


class HostedService:
    """A service with its HTTPS front, its instances and its log."""

    def __init__(
        self,
        service: Service,
        platform: Platform,
        limits: Callable[[str], ScalingLimits],
        forget_images: Callable[[], Awaitable[None]],
    ) -> None:
        """Begin without instances.

        Args:
            service: the service.
            platform: what it runs on.
            limits: finds an auto scaling configuration's numbers by its ARN.
            forget_images: removes images that no service needs any more.
        """
        self.service = service
        self._image: str | None = None
        self._pulling: str | None = None
        self._forget_images = forget_images
        self._platform = platform
        self._limits = limits
        self._front = Front(
            request_timeout=platform.timing.request_timeout, session=platform.session
        )
        self._log = ServiceLog(platform.account, service)
        self._usage: dict[Instance, tuple[int, float]] = {}
        self._work: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._reporter = asyncio.ensure_future(self._report_metrics())

    @property
    def images(self) -> set[str]:
        """The images it needs: that of its instances, and one on the way to become that."""
        return {image for image in (self._image, self._pulling) if image is not None}

    async def open(self, host: str, port: int, context: ssl.SSLContext) -> None:
        """Listen for requests.

        Args:
            host: the address.
            port: the port.
            context: the certificate.

        Raises:
            OSError: the port is taken.
        """
        await self._front.open(host, port, context)

    async def abandon(self) -> None:
        """Stop everything at once, but for containers."""
        self._reporter.cancel()
        if self._work is not None:
            self._work.cancel()
            # A deployment that is given up ends its own instances.
            await asyncio.gather(self._work, return_exceptions=True)
        if self._front.fleet is not None:
            await self._front.fleet.abandon()
        await self._log.close()
        await self._front.close()

    def begin(
        self, kind: OperationType, configuration: ServiceConfiguration | None = None
    ) -> Operation:
        """Start an operation; it goes on by itself.

        Args:
            kind: the operation.
            configuration: the settings to reach; None keeps the service's.

        Returns:
            The operation.
        """
        operation = Operation(kind=kind, target_arn=self.service.arn)
        self.service.operations.append(operation)
        status_before = self.service.status
        self.service.move_to(ServiceStatus.OPERATION_IN_PROGRESS)
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
        self._event("Service status is set to OPERATION_IN_PROGRESS.")
        self._event(_STARTED[operation.kind])
        operation.move_to(OperationStatus.IN_PROGRESS)
        noun = _NOUN[operation.kind]
        try:
            await work()
        except DeploymentError as error:
            self._log.deployment(
                operation,
                f"Deployment with ID : {operation.id} failed. Failure reason : {error}",
            )
            self._event(f"{noun} failed. {error} For details, see service logs.")
            self._settle_failure(operation, status_before)
        except Exception:  # an error of the stand-in's own must end the operation  # noqa: BLE001
            _LOG.exception("%s of %s failed", noun, self.service.name)
            self._event(f"{noun} failed. Internal error of the stand-in; see its output.")
            self._settle_failure(operation, status_before)
        else:
            operation.move_to(OperationStatus.SUCCEEDED)
            self._event(f"{noun} completed successfully.")
        self._event(f"Service status is set to {self.service.status}.")
        self._pulling = None
        await self._forget_images()
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
        failed_status = {
            OperationType.CREATE_SERVICE: ServiceStatus.CREATE_FAILED,
            OperationType.DELETE_SERVICE: ServiceStatus.DELETE_FAILED,
        }
        self.service.move_to(failed_status.get(operation.kind, status_before))

    async def _create(self, operation: Operation) -> None:
        await self._deploy(operation, self.service.configuration)
        self.service.move_to(ServiceStatus.RUNNING)

    async def _update(
        self,
        operation: Operation,
        configuration: ServiceConfiguration,
        status_before: ServiceStatus,
    ) -> None:
        fleet = self._front.fleet
        if status_before is ServiceStatus.PAUSED:
            self.service.configuration = configuration
            self._image = None
            self.service.move_to(ServiceStatus.PAUSED)
            return
        if fleet is not None and configuration.same_application(self.service.configuration):
            fleet.rescale(self._limits(configuration.auto_scaling_arn))
        else:
            await self._deploy_or_roll_back(operation, configuration)
        self.service.configuration = configuration
        self.service.move_to(ServiceStatus.RUNNING)

    async def _redeploy(self, operation: Operation) -> None:
        await self._deploy_or_roll_back(operation, self.service.configuration)
        self.service.move_to(ServiceStatus.RUNNING)

    async def _deploy_or_roll_back(
        self, operation: Operation, configuration: ServiceConfiguration
    ) -> None:
        try:
            await self._deploy(operation, configuration)
        except DeploymentError:
            if self._front.fleet is not None:
                # The instances of before never stopped serving: going back is staying.
                operation.move_to(OperationStatus.ROLLBACK_IN_PROGRESS)
                self._event("Rolling back to the last successful deployment.")
            raise

    async def _pause(self) -> None:
        await self._retire_fleet()
        self.service.move_to(ServiceStatus.PAUSED)

    async def _resume(self, operation: Operation) -> None:
        await self._deploy(operation, self.service.configuration, image=self._image)
        self.service.move_to(ServiceStatus.RUNNING)

    async def _delete(self) -> None:
        self._reporter.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reporter
        await self._retire_fleet()
        await asyncio.gather(*self._retiring)
        await self._put_metrics()
        await self._front.close()
        self._image = None
        self.service.move_to(ServiceStatus.DELETED)

    async def _retire(self, fleet: Fleet) -> None:
        await fleet.close()
        await self._forget_images()

    async def _retire_fleet(self) -> None:
        fleet, self._front.fleet = self._front.fleet, None
        if fleet is not None:
            await fleet.close()

    async def _deploy(
        self,
        operation: Operation,
        configuration: ServiceConfiguration,
        image: str | None = None,
    ) -> None:
        """Bring instances of the settings up, and move the traffic to them once healthy.

        Args:
            operation: whose work this is.
            configuration: the settings.
            image: the image by digest; looked up by the settings where None.

        Raises:
            DeploymentError: it failed; the traffic is where it was.
        """

        def say(text: str) -> None:
            self._log.deployment(operation, text)

        say("Starting to pull your application image.")
        image = await self._pull(configuration, image)
        say("Successfully pulled your application image from ECR.")
        application = Application(
            service=self.service.name,
            image=image,
            port=configuration.port,
            command=configuration.start_command,
            environment=await self._environment(configuration),
            nano_cpus=configuration.nano_cpus,
            memory_bytes=configuration.memory_bytes,
        )
        timing = self._platform.timing
        fleet = Fleet(
            FleetSettings(
                application=application,
                health_check=HealthCheck.from_api(configuration.health_check),
                limits=self._limits(configuration.auto_scaling_arn),
                idle_period=timing.idle_period,
                drain_timeout=timing.request_timeout,
                stop_grace=timing.stop_grace,
            ),
            self._platform.engine,
            self._platform.session,
            FleetReports(event=self._event, output=self._log.output),
        )
        say("Provisioning instances and deploying image for publicly accessible service.")
        say(f"Performing health check on {_described(configuration)}.")
        try:
            await fleet.start()
        except InstanceError as error:
            say("Health check failed. Check your configuration and the application logs.")
            raise DeploymentError(str(error)) from error
        say("Health check is successful. Routing traffic to application.")
        previous, self._front.fleet = self._front.fleet, fleet
        self._image = image
        say("Successfully deployed your application image.")
        if previous is not None:
            task = asyncio.ensure_future(self._retire(previous))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _pull(self, configuration: ServiceConfiguration, image: str | None) -> str:
        platform = self._platform
        aws_name = platform.registry.to_aws(configuration.image_identifier)
        repository, reference = _repository_and_reference(aws_name)
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
        self._pulling = image
        try:
            await platform.engine.pull(image, platform.registry.docker_login)
        except EngineError as error:
            raise DeploymentError(f"Failed to copy the image from ECR: {error}.") from error
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

    def _event(self, text: str) -> None:
        self._log.event(text)

    async def _report_metrics(self) -> None:
        period = self._platform.timing.metrics_period
        while True:
            await asyncio.sleep(period)
            await self._put_metrics()

    async def _put_metrics(self) -> None:
        fleet = self._front.fleet
        sample = self._front.traffic.sample()
        if fleet is None and not sample.requests:
            return
        instances = fleet.instances if fleet else ()
        at = now()
        active = sum(1 for instance in instances if instance.served)
        for instance in instances:
            instance.served = 0
        data = list(metrics.traffic_data(sample, active, at))
        dimensions = metrics.service_dimensions(self.service.name, self.service.id)
        if fleet is not None:
            usages = await self._instance_usages(fleet, instances)
            if usages:
                cpu = statistics.fmean(usage[0] for usage in usages.values())
                memory = statistics.fmean(usage[1] for usage in usages.values())
                data.extend(metrics.usage_data(cpu, memory, at))
            for instance, (instance_cpu, instance_memory) in usages.items():
                own = [*dimensions, {"Name": "Instance", "Value": instance.id}]
                data.extend(
                    {**datum, "Dimensions": own}
                    for datum in metrics.usage_data(instance_cpu, instance_memory, at)
                )
        try:
            await self._platform.account.put_metrics(
                metrics.NAMESPACE, [{"Dimensions": dimensions, **datum} for datum in data]
            )
        except Exception:  # metrics must never stop a service  # noqa: BLE001
            _LOG.warning("metrics of %s were lost", self.service.name, exc_info=True)

    async def _instance_usages(
        self, fleet: Fleet, instances: tuple[Instance, ...]
    ) -> dict[Instance, tuple[float, float]]:
        """Measure instances against their configuration, from the second look at each on."""
        application = fleet.settings.application
        before, self._usage = self._usage, {}
        usages = {}
        for instance in instances:
            try:
                cpu, memory = await asyncio.to_thread(instance.usage)
            except EngineError:
                continue
            at = asyncio.get_running_loop().time()
            self._usage[instance] = (cpu, at)
            if instance in before:
                cpu_before, at_before = before[instance]
                usages[instance] = metrics.utilization(
                    cpu - cpu_before,
                    at - at_before,
                    application.nano_cpus,
                    memory,
                    application.memory_bytes,
                )
        return usages


def _repository_and_reference(image: str) -> tuple[str, str]:
    """Split an ECR image's name."""
    path = image.partition("/")[2]
    repository, at, digest = path.partition("@")
    if at:
        return repository, digest
    repository, _, tag = path.partition(":")
    return repository, tag or "latest"


def _described(configuration: ServiceConfiguration) -> str:
    check = configuration.health_check
    path = f" [Path: '{check['Path']}']," if check["Protocol"] == "HTTP" else ""
    return f"protocol `{check['Protocol']}`{path} [Port: '{configuration.port}']"
