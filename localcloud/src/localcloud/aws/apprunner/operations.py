"""App Runner's API: one handler per operation, from its validated request to its response."""

import asyncio
import functools
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from localcloud.aws import paging
from localcloud.aws.apprunner import revision_kinds, rules
from localcloud.aws.apprunner.controller import Platform, ServiceController
from localcloud.aws.apprunner.models import (
    ALLOWED_IN,
    Operation,
    OperationType,
    Service,
    ServiceConfiguration,
    ServiceStatus,
    new_resource_id,
)
from localcloud.aws.apprunner.requests import (
    CreateServiceRequest,
    JsonObject,
    ListOperationsRequest,
    PageRequest,
    ResourceRequest,
    ServiceRequest,
    ServiceSettings,
    Tag,
    TagResourceRequest,
    UntagResourceRequest,
    UpdateServiceRequest,
)
from localcloud.aws.apprunner.revisions import Revision, Revisions
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.protocol import ApiError

_ACCESS_PRINCIPAL = "build.apprunner.amazonaws.com"
_INSTANCE_PRINCIPAL = "tasks.apprunner.amazonaws.com"
_DEFAULT_PAGE = 20
_MAX_TAGS = 50
_Handler = Callable[[Any], Awaitable[JsonObject]]
"""Called with the operation's request, which botocore's model has validated."""


class AppRunner:
    """The App Runner of one account in one region."""

    def __init__(
        self, platform: Platform, *, host: str, ports: Sequence[int], context: ssl.SSLContext
    ) -> None:
        """Start without services.

        Args:
            platform: what services run on.
            host: the address that their HTTPS proxies listen on.
            ports: the ports for them, one for each service.
            context: their certificate.
        """
        self._platform = platform
        self._host = host
        self._ports = ports
        self._context = context
        account = platform.account
        self._arn_base = f"arn:aws:apprunner:{account.region}:{account.account_id}"
        self._auto_scaling = Revisions(revision_kinds.AUTO_SCALING, self._arn_base)
        self._observability = Revisions(revision_kinds.OBSERVABILITY, self._arn_base)
        self._vpc_connectors = Revisions(revision_kinds.VPC_CONNECTOR, self._arn_base)
        self._shared = (self._auto_scaling, self._observability, self._vpc_connectors)
        self._default_auto_scaling_arn = self._auto_scaling.create(
            revision_kinds.DEFAULT_AUTO_SCALING,
            revision_kinds.DEFAULT_LIMITS,
            {},
            revision_kinds.DEFAULT_AUTO_SCALING_ID,
        ).arn
        self._controllers: dict[str, ServiceController] = {}
        self._names_in_creation: set[str] = set()
        self._handlers = self._make_handlers()

    def _make_handlers(self) -> dict[str, _Handler]:
        handlers: dict[str, _Handler] = {
            "CreateService": self._create_service,
            "DescribeService": self._describe_service,
            "UpdateService": self._update_service,
            "DeleteService": functools.partial(self._start, OperationType.DELETE_SERVICE),
            "PauseService": functools.partial(self._start, OperationType.PAUSE_SERVICE),
            "ResumeService": functools.partial(self._start, OperationType.RESUME_SERVICE),
            "ListServices": self._list_services,
            "StartDeployment": self._start_deployment,
            "ListOperations": self._list_operations,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
            "ListTagsForResource": self._list_tags,
        }
        for revisions in self._shared:
            resource = revisions.kind.prefix
            handlers |= {
                f"Create{resource}": functools.partial(self._create_revision, revisions),
                f"Describe{resource}": functools.partial(self._describe_revision, revisions),
                f"Delete{resource}": functools.partial(self._delete_revision, revisions),
                f"List{resource}s": functools.partial(self._list_revisions, revisions),
            }
        return handlers

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request, and return its response.

        Raises:
            ApiError: the operation fails, or the stand-in doesn't support it
                (UnknownOperationException).
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "UnknownOperationException",
                f"{operation} is not supported by the stand-in's App Runner.",
            )
        return await handler(parameters)

    async def stop(self) -> None:
        """Stop all services at once; their containers stay."""
        await asyncio.gather(*(controller.stop() for controller in self._controllers.values()))

    # Services

    async def _create_service(self, request: CreateServiceRequest) -> JsonObject:
        name = request["ServiceName"]
        names = {controller.service.name for controller in self._active()}
        names |= self._names_in_creation
        if name in names:
            raise _invalid(f"Service with the provided name already exists: {name}.")
        if len(names) >= rules.SERVICE_QUOTA:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"An account can have at most {rules.SERVICE_QUOTA} services.",
            )
        # The checks take a while, and a second request with the name may arrive meanwhile.
        self._names_in_creation.add(name)
        try:
            controller = await self._add_service(request)
        finally:
            self._names_in_creation.discard(name)
        return self._started(controller, controller.begin(OperationType.CREATE_SERVICE))

    async def _add_service(self, request: CreateServiceRequest) -> ServiceController:
        name, service_id = request["ServiceName"], new_resource_id()
        configuration = self._validated(request, None)
        service = Service(
            name=name,
            arn=f"{self._arn_base}:service/{name}/{service_id}",
            url="",
            id=service_id,
            configuration=configuration,
            tags=_tags(request.get("Tags", [])),
        )
        await self._check_roles(configuration, service.arn)
        controller = ServiceController(
            service, self._platform, self._limits, self._remove_unused_images
        )
        service.url = await self._listen(controller)
        self._controllers[service.arn] = controller
        return controller

    async def _describe_service(self, request: ServiceRequest) -> JsonObject:
        return {"Service": self._description(self._find(request["ServiceArn"]))}

    async def _update_service(self, request: UpdateServiceRequest) -> JsonObject:
        controller = self._find(request["ServiceArn"])
        if request.keys() == {"ServiceArn"}:
            raise _invalid("No configurations provided in the UpdateService request.")
        _require_state(controller, OperationType.UPDATE_SERVICE)
        configuration = self._validated(request, controller.service.configuration)
        await self._check_roles(configuration, controller.service.arn)
        # The checks take a while, and another operation may have started meanwhile.
        _require_state(controller, OperationType.UPDATE_SERVICE)
        operation = controller.begin(OperationType.UPDATE_SERVICE, configuration)
        return self._started(controller, operation)

    async def _start(self, kind: OperationType, request: ServiceRequest) -> JsonObject:
        controller = self._find(request["ServiceArn"])
        _require_state(controller, kind)
        return self._started(controller, controller.begin(kind))

    async def _start_deployment(self, request: ServiceRequest) -> JsonObject:
        controller = self._find(request["ServiceArn"])
        try:
            _require_state(controller, OperationType.START_DEPLOYMENT)
        except ApiError as error:
            # The model of this operation has no InvalidStateException.
            raise _invalid(error.message) from error
        return {"OperationId": controller.begin(OperationType.START_DEPLOYMENT).id}

    async def _list_services(self, request: PageRequest) -> JsonObject:
        summaries = [controller.service.summary() for controller in self._active()]
        return _page("ServiceSummaryList", summaries, request)

    async def _list_operations(self, request: ListOperationsRequest) -> JsonObject:
        operations = self._find(request["ServiceArn"]).service.operations
        newest_first = [operation.summary() for operation in reversed(operations)]
        return _page("OperationSummaryList", newest_first, request)

    # Resources that services share. The names of the members depend on the kind.

    async def _create_revision(self, revisions: Revisions, request: JsonObject) -> JsonObject:
        kind, name = revisions.kind, request[revisions.kind.name_member]
        settings = kind.settings(request)
        if problems := kind.problems(name, settings, revisions.list()):
            raise _invalid(" ".join(problems))
        revision = revisions.create(name, settings, _tags(request.get("Tags", [])))
        return {kind.prefix: revision.description(self._usage(revisions, revision))}

    async def _describe_revision(self, revisions: Revisions, request: JsonObject) -> JsonObject:
        revision = revisions.find(request[revisions.kind.arn_member])
        return {revisions.kind.prefix: revision.description(self._usage(revisions, revision))}

    async def _delete_revision(self, revisions: Revisions, request: JsonObject) -> JsonObject:
        if request.get("DeleteAllRevisions"):
            raise _invalid("DeleteAllRevisions is not supported by the stand-in.")
        revision = revisions.find(request[revisions.kind.arn_member])
        if revision.arn == self._default_auto_scaling_arn:
            raise _invalid("The default auto scaling configuration can't be deleted.")
        if users := self._users(revision):
            raise _invalid(f"{revision.arn} is used by the services {', '.join(users)}.")
        deleted = revisions.delete(revision)
        return {revisions.kind.prefix: deleted.description(self._usage(revisions, deleted))}

    async def _list_revisions(self, revisions: Revisions, request: JsonObject) -> JsonObject:
        found = revisions.list(
            request.get(revisions.kind.name_member), latest_only=request.get("LatestOnly", False)
        )
        summaries = [revision.summary(self._usage(revisions, revision)) for revision in found]
        page: PageRequest = {}
        if "MaxResults" in request:
            page["MaxResults"] = request["MaxResults"]
        if "NextToken" in request:
            page["NextToken"] = request["NextToken"]
        return _page(revisions.kind.list_member, summaries, page)

    def _usage(self, revisions: Revisions, revision: Revision) -> JsonObject:
        return {
            "Latest": revisions.is_latest(revision),
            "HasAssociatedService": bool(self._users(revision)),
            "IsDefault": revision.arn == self._default_auto_scaling_arn,
        }

    def _users(self, revision: Revision) -> list[str]:
        return [
            controller.service.name
            for controller in self._active()
            if revision.kind.arn_in(controller.service.configuration) == revision.arn
        ]

    # Tags

    async def _tag_resource(self, request: TagResourceRequest) -> JsonObject:
        tags = self._tags_of(request["ResourceArn"])
        merged = {**tags, **_tags(request["Tags"])}
        if len(merged) > _MAX_TAGS:
            raise _invalid(f"A resource can have at most {_MAX_TAGS} tags.")
        tags.update(merged)
        return {}

    async def _untag_resource(self, request: UntagResourceRequest) -> JsonObject:
        tags = self._tags_of(request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    async def _list_tags(self, request: ResourceRequest) -> JsonObject:
        tags = self._tags_of(request["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _tags_of(self, arn: str) -> dict[str, str]:
        if arn in self._controllers:
            return self._controllers[arn].service.tags
        for revisions in self._shared:
            for revision in revisions.list():
                if revision.arn == arn:
                    return revision.tags
        raise ApiError("ResourceNotFoundException", f"Resource {arn} does not exist.")

    # What the handlers share

    def _validated(
        self, request: ServiceSettings, current: ServiceConfiguration | None
    ) -> ServiceConfiguration:
        """Return a request's complete settings.

        Raises:
            ApiError: InvalidRequestException with all problems.
        """
        auto_scaling_arn = request.get("AutoScalingConfigurationArn") or (
            current.auto_scaling_arn if current else self._default_auto_scaling_arn
        )
        problems = _not_found(self._auto_scaling, auto_scaling_arn)
        if not problems:
            auto_scaling_arn = self._auto_scaling.find(auto_scaling_arn).arn
        configuration = ServiceConfiguration.merged(request, auto_scaling_arn, current)
        problems += rules.service_problems(request, configuration)
        problems += _not_found(self._vpc_connectors, configuration.vpc_connector_arn)
        problems += _not_found(self._observability, configuration.observability_arn)
        if not problems:
            registry = self._platform.registry
            image = configuration.image_identifier
            if not registry.to_aws(image).startswith(f"{registry.aws_host}/"):
                problems.append(
                    f"ImageIdentifier {image} is not in this account's registry "
                    f"{registry.aws_host}, the only one that the stand-in supports."
                )
        if problems:
            raise _invalid(" ".join(problems))
        return configuration

    async def _check_roles(self, configuration: ServiceConfiguration, arn: str) -> None:
        account = self._platform.account
        context = {"aws:SourceAccount": account.account_id, "aws:SourceArn": arn}
        for purpose, role, principal in (
            ("access", configuration.access_role_arn, _ACCESS_PRINCIPAL),
            ("instance", configuration.instance_role_arn, _INSTANCE_PRINCIPAL),
        ):
            if role and not await account.trusts(role, principal, context):
                raise _invalid(
                    f"Error in assuming {purpose} role {role}: it does not exist, or does not "
                    f"trust {principal}."
                )

    async def _listen(self, controller: ServiceController) -> str:
        """Open a service's proxy on the first free port, and return its host and port."""
        used = {other.service.url for other in self._active()}
        for port in self._ports:
            url = f"localhost:{port}"
            if url in used:
                continue
            try:
                await controller.listen(self._host, port, self._context)
            except OSError:
                # Another program uses the port.
                continue
            return url
        await controller.stop()
        raise ApiError(
            "ServiceQuotaExceededException",
            f"All ports from {self._ports[0]} to {self._ports[-1]} are in use; start the stand-in "
            "with more of them (--service-ports).",
        )

    async def _remove_unused_images(self) -> None:
        in_use = {image for controller in self._controllers.values() for image in controller.images}
        await self._platform.engine.remove_unused_images(in_use)

    def _find(self, arn: str) -> ServiceController:
        controller = self._controllers.get(arn)
        if controller is None:
            raise ApiError("ResourceNotFoundException", f"Service {arn} does not exist.")
        return controller

    def _active(self) -> list[ServiceController]:
        return [
            controller
            for controller in self._controllers.values()
            if controller.service.status is not ServiceStatus.DELETED
        ]

    def _limits(self, arn: str) -> ScalingLimits:
        settings = self._auto_scaling.find(arn).settings
        return ScalingLimits(
            max_concurrency=settings["MaxConcurrency"],
            min_size=settings["MinSize"],
            max_size=settings["MaxSize"],
        )

    def _started(self, controller: ServiceController, operation: Operation) -> JsonObject:
        return {"Service": self._description(controller), "OperationId": operation.id}

    def _description(self, controller: ServiceController) -> JsonObject:
        scaling = self._auto_scaling.find(controller.service.configuration.auto_scaling_arn)
        summary = scaling.summary(self._usage(self._auto_scaling, scaling))
        return controller.service.description(summary)


def _require_state(controller: ServiceController, kind: OperationType) -> None:
    status = controller.service.status
    if status not in ALLOWED_IN[kind]:
        allowed = " or ".join(sorted(ALLOWED_IN[kind]))
        raise ApiError(
            "InvalidStateException",
            f"Service status must be {allowed} for {kind}; it is {status}.",
        )


def _not_found(revisions: Revisions, arn: str | None) -> list[str]:
    if arn is None:
        return []
    try:
        revisions.find(arn)
    except ApiError as error:
        return [error.message]
    return []


def _tags(tags: Iterable[Tag]) -> dict[str, str]:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in tags}


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidRequestException", message)


def _page(member: str, items: Sequence[object], request: PageRequest) -> JsonObject:
    """Return the page of a list that a request asks for."""
    size = request.get("MaxResults", _DEFAULT_PAGE)
    try:
        found, token = paging.page(items, size=size, token=request.get("NextToken"))
    except paging.InvalidTokenError as error:
        raise _invalid("NextToken was not returned by this operation.") from error
    return {member: found, "NextToken": token}
