"""App Runner's API: each operation from its validated request to its answer."""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from localcloud.aws.apprunner import rules, shared
from localcloud.aws.apprunner.hosting import HostedService, Platform
from localcloud.aws.apprunner.model import (
    ALLOWED_IN,
    JsonObject,
    Operation,
    OperationType,
    Service,
    ServiceConfiguration,
    ServiceStatus,
    new_resource_id,
)
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.protocol import ApiError

_ACCESS_PRINCIPAL = "build.apprunner.amazonaws.com"
_INSTANCE_PRINCIPAL = "tasks.apprunner.amazonaws.com"
_DEFAULT_AUTO_SCALING_ID = "0" * 31 + "1"
_DEFAULT_LIMITS = {"MaxConcurrency": 100, "MinSize": 1, "MaxSize": 25}
_DEFAULT_PAGE = 20
_MAX_TAGS = 50
_Item = TypeVar("_Item")
_Handler = Callable[[JsonObject], Awaitable[JsonObject]]


class Api:
    """The App Runner of one account in one region."""

    def __init__(
        self, platform: Platform, *, host: str, ports: Sequence[int], context: ssl.SSLContext
    ) -> None:
        """Begin without services.

        Args:
            platform: what services run on.
            host: the address that their HTTPS fronts listen on.
            ports: the ports for them, one a service.
            context: their certificate.
        """
        self._platform = platform
        self._host = host
        self._ports = ports
        self._context = context
        account = platform.account
        self._arn_base = f"arn:aws:apprunner:{account.region}:{account.account_id}"
        self._auto_scaling = shared.Revisions(shared.AUTO_SCALING, self._arn_base)
        self._observability = shared.Revisions(shared.OBSERVABILITY, self._arn_base)
        self._vpc_connectors = shared.Revisions(shared.VPC_CONNECTOR, self._arn_base)
        self._default_auto_scaling = self._auto_scaling.create(
            shared.DEFAULT_AUTO_SCALING, _DEFAULT_LIMITS, {}, _DEFAULT_AUTO_SCALING_ID
        ).arn
        self._hosted: dict[str, HostedService] = {}
        self._names_in_creation: set[str] = set()
        self._handlers: dict[str, _Handler] = {
            "CreateService": self._create_service,
            "DescribeService": self._describe_service,
            "UpdateService": self._update_service,
            "DeleteService": self._delete_service,
            "ListServices": self._list_services,
            "PauseService": self._pause_service,
            "ResumeService": self._resume_service,
            "StartDeployment": self._start_deployment,
            "ListOperations": self._list_operations,
            "CreateAutoScalingConfiguration": self._create_auto_scaling,
            "DescribeAutoScalingConfiguration": self._describe_auto_scaling,
            "DeleteAutoScalingConfiguration": self._delete_auto_scaling,
            "ListAutoScalingConfigurations": self._list_auto_scaling,
            "CreateObservabilityConfiguration": self._create_observability,
            "DescribeObservabilityConfiguration": self._describe_observability,
            "DeleteObservabilityConfiguration": self._delete_observability,
            "ListObservabilityConfigurations": self._list_observability,
            "CreateVpcConnector": self._create_vpc_connector,
            "DescribeVpcConnector": self._describe_vpc_connector,
            "DeleteVpcConnector": self._delete_vpc_connector,
            "ListVpcConnectors": self._list_vpc_connectors,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
            "ListTagsForResource": self._list_tags,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Do an operation.

        Args:
            operation: its name.
            parameters: its validated request.

        Returns:
            Its answer.

        Raises:
            ApiError: as the service answers it; UnknownOperationException where the stand-in
                does not offer the operation.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "UnknownOperationException",
                f"{operation} is not offered by the stand-in's App Runner.",
            )
        return await handler(parameters)

    async def close(self) -> None:
        """Stop all services at once, but for their containers."""
        await asyncio.gather(*(hosted.abandon() for hosted in self._hosted.values()))

    async def _create_service(self, parameters: JsonObject) -> JsonObject:
        name = parameters["ServiceName"]
        names = {hosted.service.name for hosted in self._living()} | self._names_in_creation
        if name in names:
            raise _invalid(f"Service with the provided name already exists: {name}.")
        if len(names) >= rules.SERVICE_QUOTA:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"An account has at most {rules.SERVICE_QUOTA} services.",
            )
        # The checks take a while, and the same name may be asked for meanwhile.
        self._names_in_creation.add(name)
        try:
            hosted = await self._set_up(name, parameters)
        finally:
            self._names_in_creation.discard(name)
        return self._started(hosted, hosted.begin(OperationType.CREATE_SERVICE))

    async def _set_up(self, name: str, parameters: JsonObject) -> HostedService:
        configuration = self._checked(parameters, None)
        service_id = new_resource_id()
        service = Service(
            name=name,
            arn=f"{self._arn_base}:service/{name}/{service_id}",
            url="",
            id=service_id,
            configuration=configuration,
            tags=_tags(parameters),
        )
        await self._check_roles(configuration, service.arn)
        hosted = HostedService(service, self._platform, self._limits, self._forget_images)
        service.url = await self._open(hosted)
        self._hosted[service.arn] = hosted
        return hosted

    async def _describe_service(self, parameters: JsonObject) -> JsonObject:
        return {"Service": self._description(self._find(parameters["ServiceArn"]))}

    async def _update_service(self, parameters: JsonObject) -> JsonObject:
        hosted = self._find(parameters["ServiceArn"])
        if parameters.keys() == {"ServiceArn"}:
            raise _invalid("No configurations provided in the UpdateService request.")
        self._require_state(hosted, OperationType.UPDATE_SERVICE)
        configuration = self._checked(parameters, hosted.service.configuration)
        await self._check_roles(configuration, hosted.service.arn)
        # The checks took a while, and another operation may have begun meanwhile.
        self._require_state(hosted, OperationType.UPDATE_SERVICE)
        return self._started(hosted, hosted.begin(OperationType.UPDATE_SERVICE, configuration))

    async def _delete_service(self, parameters: JsonObject) -> JsonObject:
        return self._start(parameters, OperationType.DELETE_SERVICE)

    async def _pause_service(self, parameters: JsonObject) -> JsonObject:
        return self._start(parameters, OperationType.PAUSE_SERVICE)

    async def _resume_service(self, parameters: JsonObject) -> JsonObject:
        return self._start(parameters, OperationType.RESUME_SERVICE)

    async def _start_deployment(self, parameters: JsonObject) -> JsonObject:
        hosted = self._find(parameters["ServiceArn"])
        try:
            self._require_state(hosted, OperationType.START_DEPLOYMENT)
        except ApiError as error:
            # The model of this operation has no InvalidStateException.
            raise _invalid(error.message) from error
        return {"OperationId": hosted.begin(OperationType.START_DEPLOYMENT).id}

    async def _list_services(self, parameters: JsonObject) -> JsonObject:
        summaries = [hosted.service.summary() for hosted in self._living()]
        return _page("ServiceSummaryList", summaries, parameters)

    async def _list_operations(self, parameters: JsonObject) -> JsonObject:
        operations = self._find(parameters["ServiceArn"]).service.operations
        newest_first = [operation.summary() for operation in reversed(operations)]
        return _page("OperationSummaryList", newest_first, parameters)

    async def _create_auto_scaling(self, parameters: JsonObject) -> JsonObject:
        settings = {key: parameters.get(key, default) for key, default in _DEFAULT_LIMITS.items()}
        problems = rules.auto_scaling_problems(settings)
        if problems:
            raise _invalid(" ".join(problems))
        name = parameters["AutoScalingConfigurationName"]
        revision = self._auto_scaling.create(name, settings, _tags(parameters))
        return self._auto_scaling_answer(revision)

    async def _describe_auto_scaling(self, parameters: JsonObject) -> JsonObject:
        arn = parameters["AutoScalingConfigurationArn"]
        return self._auto_scaling_answer(self._auto_scaling.find(arn))

    async def _delete_auto_scaling(self, parameters: JsonObject) -> JsonObject:
        if parameters.get("DeleteAllRevisions"):
            raise _invalid("DeleteAllRevisions is not offered by the stand-in.")
        revision = self._auto_scaling.find(parameters["AutoScalingConfigurationArn"])
        if revision.arn == self._default_auto_scaling:
            raise _invalid("The default auto scaling configuration can't be deleted.")
        self._refuse_if_used(revision, lambda configuration: configuration.auto_scaling_arn)
        return self._auto_scaling_answer(self._auto_scaling.delete(revision.arn))

    async def _list_auto_scaling(self, parameters: JsonObject) -> JsonObject:
        revisions = self._auto_scaling.listed(
            parameters.get("AutoScalingConfigurationName"),
            latest_only=parameters.get("LatestOnly", False),
        )
        summaries = [self._auto_scaling_summary(revision) for revision in revisions]
        return _page("AutoScalingConfigurationSummaryList", summaries, parameters)

    async def _create_observability(self, parameters: JsonObject) -> JsonObject:
        settings = {"TraceConfiguration": parameters.get("TraceConfiguration")}
        name = parameters["ObservabilityConfigurationName"]
        revision = self._observability.create(name, settings, _tags(parameters))
        return self._observability_answer(revision)

    async def _describe_observability(self, parameters: JsonObject) -> JsonObject:
        arn = parameters["ObservabilityConfigurationArn"]
        return self._observability_answer(self._observability.find(arn))

    async def _delete_observability(self, parameters: JsonObject) -> JsonObject:
        revision = self._observability.find(parameters["ObservabilityConfigurationArn"])
        self._refuse_if_used(
            revision,
            lambda configuration: configuration.observability.get("ObservabilityConfigurationArn"),
        )
        return self._observability_answer(self._observability.delete(revision.arn))

    async def _list_observability(self, parameters: JsonObject) -> JsonObject:
        revisions = self._observability.listed(
            parameters.get("ObservabilityConfigurationName"),
            latest_only=parameters.get("LatestOnly", False),
        )
        members = ("Arn", "Name", "Revision")
        summaries = [
            {
                key: value
                for key, value in revision.summary().items()
                if key.removeprefix("ObservabilityConfiguration") in members
            }
            for revision in revisions
        ]
        return _page("ObservabilityConfigurationSummaryList", summaries, parameters)

    async def _create_vpc_connector(self, parameters: JsonObject) -> JsonObject:
        if not parameters["Subnets"]:
            raise _invalid("Subnets must name at least one subnet.")
        settings = {
            "Subnets": parameters["Subnets"],
            "SecurityGroups": parameters.get("SecurityGroups", []),
        }
        name = parameters["VpcConnectorName"]
        existing = self._vpc_connectors.listed(None, latest_only=False)
        if problem := rules.vpc_connector_problem(name, settings, existing):
            raise _invalid(problem)
        revision = self._vpc_connectors.create(name, settings, _tags(parameters))
        return {"VpcConnector": revision.description()}

    async def _describe_vpc_connector(self, parameters: JsonObject) -> JsonObject:
        return {
            "VpcConnector": self._vpc_connectors.find(parameters["VpcConnectorArn"]).description()
        }

    async def _delete_vpc_connector(self, parameters: JsonObject) -> JsonObject:
        revision = self._vpc_connectors.find(parameters["VpcConnectorArn"])
        self._refuse_if_used(revision, _vpc_connector_arn)
        return {"VpcConnector": self._vpc_connectors.delete(revision.arn).description()}

    async def _list_vpc_connectors(self, parameters: JsonObject) -> JsonObject:
        revisions = self._vpc_connectors.listed(None, latest_only=False)
        descriptions = [revision.description() for revision in revisions]
        return _page("VpcConnectors", descriptions, parameters)

    async def _tag_resource(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags_of(parameters["ResourceArn"])
        merged = {**tags, **_tags(parameters)}
        if len(merged) > _MAX_TAGS:
            raise _invalid(f"A resource has at most {_MAX_TAGS} tags.")
        tags.update(merged)
        return {}

    async def _untag_resource(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags_of(parameters["ResourceArn"])
        for key in parameters["TagKeys"]:
            tags.pop(key, None)
        return {}

    async def _list_tags(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags_of(parameters["ResourceArn"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _checked(
        self, parameters: JsonObject, current: ServiceConfiguration | None
    ) -> ServiceConfiguration:
        """Complete a request's settings and check them.

        Raises:
            ApiError: InvalidRequestException with every problem.
        """
        auto_scaling_arn = parameters.get("AutoScalingConfigurationArn") or (
            current.auto_scaling_arn if current else self._default_auto_scaling
        )
        problems = []
        try:
            auto_scaling_arn = self._auto_scaling.find(auto_scaling_arn).arn
        except ApiError as error:
            problems.append(error.message)
        configuration = ServiceConfiguration.merged(parameters, auto_scaling_arn, current)
        problems.extend(rules.service_problems(parameters, configuration))
        problems.extend(
            self._missing(self._vpc_connectors, _vpc_connector_arn(configuration)),
        )
        observability = configuration.observability.get("ObservabilityConfigurationArn")
        problems.extend(self._missing(self._observability, observability))
        if not problems:
            aws_name = self._platform.registry.to_aws(configuration.image_identifier)
            if not aws_name.startswith(f"{self._platform.registry.aws_host}/"):
                problems.append(
                    f"ImageIdentifier {configuration.image_identifier} is not in this account's "
                    f"registry {self._platform.registry.aws_host}, the only one that the stand-in "
                    "offers."
                )
        if problems:
            raise _invalid(" ".join(problems))
        return configuration

    @staticmethod
    def _missing(revisions: shared.Revisions, arn: str | None) -> list[str]:
        if arn is None:
            return []
        try:
            revisions.find(arn)
        except ApiError as error:
            return [error.message]
        return []

    async def _check_roles(self, configuration: ServiceConfiguration, arn: str) -> None:
        account = self._platform.account
        context = {"aws:SourceAccount": account.account_id, "aws:SourceArn": arn}
        access_role = configuration.access_role_arn
        if not await account.trusts(access_role, _ACCESS_PRINCIPAL, context):
            raise _invalid(
                f"Error in assuming access role {access_role}: it does not exist, or does not "
                f"trust {_ACCESS_PRINCIPAL}."
            )
        instance_role = configuration.instance_role_arn
        if instance_role and not await account.trusts(instance_role, _INSTANCE_PRINCIPAL, context):
            raise _invalid(
                f"Error in assuming instance role {instance_role}: it does not exist, or does "
                f"not trust {_INSTANCE_PRINCIPAL}."
            )

    async def _open(self, hosted: HostedService) -> str:
        taken = {other.service.url for other in self._living()}
        for port in self._ports:
            url = f"localhost:{port}"
            if url in taken:
                continue
            try:
                await hosted.open(self._host, port, self._context)
            except OSError:
                # Another program has it.
                continue
            return url
        await hosted.abandon()
        raise ApiError(
            "ServiceQuotaExceededException",
            f"All ports from {self._ports[0]} to {self._ports[-1]} are taken; give the stand-in "
            "more of them (--service-ports).",
        )

    async def _forget_images(self) -> None:
        needed = {image for hosted in self._hosted.values() for image in hosted.images}
        await self._platform.engine.forget(needed)

    def _start(self, parameters: JsonObject, kind: OperationType) -> JsonObject:
        hosted = self._find(parameters["ServiceArn"])
        self._require_state(hosted, kind)
        return self._started(hosted, hosted.begin(kind))

    def _started(self, hosted: HostedService, operation: Operation) -> JsonObject:
        return {"Service": self._description(hosted), "OperationId": operation.id}

    def _find(self, arn: str) -> HostedService:
        hosted = self._hosted.get(arn)
        if hosted is None:
            raise ApiError("ResourceNotFoundException", f"Service {arn} does not exist.")
        return hosted

    @staticmethod
    def _require_state(hosted: HostedService, kind: OperationType) -> None:
        status = hosted.service.status
        if status not in ALLOWED_IN[kind]:
            allowed = " or ".join(sorted(ALLOWED_IN[kind]))
            raise ApiError(
                "InvalidStateException",
                f"Service status must be {allowed} for {kind}; it is {status}.",
            )

    def _living(self) -> list[HostedService]:
        return [
            hosted
            for hosted in self._hosted.values()
            if hosted.service.status is not ServiceStatus.DELETED
        ]

    def _limits(self, arn: str) -> ScalingLimits:
        settings = self._auto_scaling.find(arn).settings
        return ScalingLimits(
            max_concurrency=settings["MaxConcurrency"],
            min_size=settings["MinSize"],
            max_size=settings["MaxSize"],
        )

    def _description(self, hosted: HostedService) -> JsonObject:
        arn = hosted.service.configuration.auto_scaling_arn
        return hosted.service.description(self._auto_scaling_summary(self._auto_scaling.find(arn)))

    def _auto_scaling_summary(self, revision: shared.Revision) -> JsonObject:
        return {
            **revision.summary(),
            "HasAssociatedService": any(
                hosted.service.configuration.auto_scaling_arn == revision.arn
                for hosted in self._living()
            ),
            "IsDefault": revision.arn == self._default_auto_scaling,
        }

    def _auto_scaling_answer(self, revision: shared.Revision) -> JsonObject:
        return {
            "AutoScalingConfiguration": {
                **revision.description(),
                **self._auto_scaling_summary(revision),
                "Latest": self._auto_scaling.is_latest(revision),
            }
        }

    def _observability_answer(self, revision: shared.Revision) -> JsonObject:
        return {
            "ObservabilityConfiguration": {
                **revision.description(),
                "Latest": self._observability.is_latest(revision),
            }
        }

    def _refuse_if_used(
        self, revision: shared.Revision, arn_of: Callable[[ServiceConfiguration], Any]
    ) -> None:
        users = [
            hosted.service.name
            for hosted in self._living()
            if arn_of(hosted.service.configuration) == revision.arn
        ]
        if users:
            raise _invalid(f"{revision.arn} is used by the services {', '.join(users)}.")

    def _tags_of(self, arn: str) -> dict[str, str]:
        if arn in self._hosted:
            return self._hosted[arn].service.tags
        for revisions in (self._auto_scaling, self._observability, self._vpc_connectors):
            for revision in revisions.listed(None, latest_only=False):
                if revision.arn == arn:
                    return revision.tags
        raise ApiError("ResourceNotFoundException", f"Resource {arn} does not exist.")


def _vpc_connector_arn(configuration: ServiceConfiguration) -> str | None:
    egress: JsonObject = configuration.network["EgressConfiguration"]
    return egress.get("VpcConnectorArn")


def _tags(parameters: JsonObject) -> dict[str, str]:
    tags: Iterable[JsonObject] = parameters.get("Tags", [])
    return {tag.get("Key", ""): tag.get("Value", "") for tag in tags}


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidRequestException", message)


def _page(member: str, items: Sequence[_Item], parameters: JsonObject) -> JsonObject:
    """Cut a page out of a list; the token says where the next begins."""
    token = parameters.get("NextToken")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise _invalid("NextToken is not one that this operation gave.") from error
    end = start + parameters.get("MaxResults", _DEFAULT_PAGE)
    more = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return {member: list(items[start:end]), "NextToken": more}
