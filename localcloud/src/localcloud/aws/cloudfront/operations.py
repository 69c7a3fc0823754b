"""CloudFront's API: one handler per operation, from its validated request to its response."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol

from localcloud.aws import paging
from localcloud.aws.cloudfront import configuration
from localcloud.aws.cloudfront.configuration import Surroundings
from localcloud.aws.cloudfront.models import (
    Distribution,
    Function,
    Rollout,
    Stage,
    State,
    VpcOrigin,
    new_id,
)
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError
from localcloud.aws.service_ports import NoPortError

JsonObject = dict[str, Any]
_Handler = Callable[[JsonObject], Awaitable[JsonObject]]
_LARGEST_FUNCTION: Final = 10 * 1024
_RUNTIME: Final = "cloudfront-js-2.0"
_LIVE: Final = "LIVE"
_DEVELOPMENT: Final = "DEVELOPMENT"
_TAGS: Final = 50
_PAGE: Final = 100
_READING: Final = ("Describe", "Get", "List")
_CONFIG: Final = "DistributionConfig"
_ENDPOINT: Final = "VpcOriginEndpointConfig"


class Ports(Protocol):
    """Opens and closes the ports of distributions."""

    async def open(self, distribution: str) -> int:
        """Open a distribution's port, and return its number."""
        ...

    async def close(self, distribution: str) -> None:
        """Close a distribution's port."""
        ...


class Others(Protocol):
    """The other services, as CloudFront uses them."""

    def has_web_acl(self, arn: str) -> bool:
        """Return whether a web ACL for CloudFront exists."""
        ...

    async def has_load_balancer(self, arn: str) -> bool:
        """Return whether a load balancer exists and is active."""
        ...

    async def certificate_names(self, arn: str) -> tuple[str, ...] | None:
        """Return the names of a certificate in ACM; None if there is none that is issued."""
        ...


class CloudFront:
    """The CloudFront of one account."""

    def __init__(
        self,
        state: State,
        ports: Ports,
        others: Others,
        context: ServiceContext,
        *,
        deployment_seconds: float,
    ) -> None:
        """Serve the API.

        Args:
            state: the account's resources.
            ports: opens the distributions' ports.
            others: the other services.
            context: where and when the service runs.
            deployment_seconds: how long a change takes to reach the edge locations.
        """
        self._state = state
        self._ports = ports
        self._others = others
        self._clock = context.clock
        self._account_id = context.account_id
        self._deployment_seconds = deployment_seconds
        self._changing = asyncio.Lock()
        self._handlers: Mapping[str, _Handler] = {
            "CreateDistribution": self._create_distribution,
            "CreateDistributionWithTags": self._create_distribution_with_tags,
            "CreateFunction": self._create_function,
            "CreateVpcOrigin": self._create_vpc_origin,
            "DeleteDistribution": self._delete_distribution,
            "DeleteFunction": self._delete_function,
            "DeleteVpcOrigin": self._delete_vpc_origin,
            "DescribeFunction": self._describe_function,
            "GetDistribution": self._get_distribution,
            "GetDistributionConfig": self._get_distribution_config,
            "GetFunction": self._get_function,
            "GetVpcOrigin": self._get_vpc_origin,
            "ListDistributions": self._list_distributions,
            "ListFunctions": self._list_functions,
            "ListTagsForResource": self._list_tags,
            "ListVpcOrigins": self._list_vpc_origins,
            "PublishFunction": self._publish_function,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateDistribution": self._update_distribution,
            "UpdateFunction": self._update_function,
            "UpdateVpcOrigin": self._update_vpc_origin,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(
                "InvalidArgument", f"The stand-in's CloudFront doesn't support {operation}."
            )
        if operation.startswith(_READING):
            return await handler(parameters)
        # What a change has checked must stay true until it is made.
        async with self._changing:
            return await handler(parameters)

    async def _create_distribution(self, parameters: JsonObject) -> JsonObject:
        return await self._created(parameters[_CONFIG], {})

    async def _create_distribution_with_tags(self, parameters: JsonObject) -> JsonObject:
        given = parameters["DistributionConfigWithTags"]
        return await self._created(given[_CONFIG], _checked_tags({}, given["Tags"]))

    async def _created(self, requested: JsonObject, tags: dict[str, str]) -> JsonObject:
        for each in self._state.distributions.values():
            if each.requested["CallerReference"] == requested["CallerReference"]:
                if each.requested == requested:
                    return self._described(each)
                raise ApiError(
                    "DistributionAlreadyExists",
                    "The caller reference that you are using to create a distribution is"
                    f" associated with another distribution. Already exists: {each.id}",
                    HTTPStatus.CONFLICT,
                )
        config = await self._checked(requested, None)
        name = new_id("E")
        try:
            port = await self._ports.open(name)
        except NoPortError as error:
            raise ApiError("TooManyDistributions", str(error)) from error
        now = self._clock()
        distribution = Distribution(
            id=name,
            arn=self._arn("distribution", name),
            domain_name=f"localhost:{port}",
            config=config,
            requested=requested,
            routing=Rollout(
                before=None,
                content=configuration.routing(config),
                complete=now + self._deployment_seconds,
            ),
            modified=_time(now),
            tags=tags,
        )
        self._state.distributions[name] = distribution
        return self._described(distribution)

    async def _get_distribution(self, parameters: JsonObject) -> JsonObject:
        return self._described(self._distribution(parameters["Id"]))

    async def _get_distribution_config(self, parameters: JsonObject) -> JsonObject:
        distribution = self._distribution(parameters["Id"])
        return {_CONFIG: distribution.config, "ETag": distribution.etag}

    async def _list_distributions(self, parameters: JsonObject) -> JsonObject:
        items = [self._summary(each) for each in self._state.distributions.values()]
        return {"DistributionList": _truncated(items, parameters)}

    async def _update_distribution(self, parameters: JsonObject) -> JsonObject:
        distribution = self._distribution(parameters["Id"])
        _check_version(parameters, distribution.etag)
        requested = parameters[_CONFIG]
        if requested["CallerReference"] != distribution.config["CallerReference"]:
            raise ApiError("IllegalUpdate", "The CallerReference of a distribution can't change.")
        config = await self._checked(requested, distribution)
        now = self._clock()
        if config != distribution.config:
            distribution.routing = distribution.routing.followed_by(
                configuration.routing(config), now=now, complete=now + self._deployment_seconds
            )
        distribution.config, distribution.requested = config, requested
        distribution.etag, distribution.modified = new_id("E"), _time(now)
        return self._described(distribution)

    async def _delete_distribution(self, parameters: JsonObject) -> JsonObject:
        distribution = self._distribution(parameters["Id"])
        _check_version(parameters, distribution.etag)
        if distribution.config["Enabled"] or not self._is_deployed(distribution):
            raise ApiError(
                "DistributionNotDisabled",
                "The distribution you are trying to delete has not been disabled.",
                HTTPStatus.CONFLICT,
            )
        del self._state.distributions[distribution.id]
        await self._ports.close(distribution.id)
        return {}

    async def _create_function(self, parameters: JsonObject) -> JsonObject:
        name = parameters["Name"]
        if name in self._state.functions:
            raise ApiError(
                "FunctionAlreadyExists",
                "A function with the same name already exists in this account.",
                HTTPStatus.CONFLICT,
            )
        now = _time(self._clock())
        function = Function(
            name=name,
            arn=self._arn("function", name),
            development=_stage(parameters, now),
            created=now,
            tags=_checked_tags({}, parameters.get("Tags", {})),
        )
        self._state.functions[name] = function
        return self._summarized(function, _DEVELOPMENT)

    async def _describe_function(self, parameters: JsonObject) -> JsonObject:
        stage = parameters.get("Stage", _DEVELOPMENT)
        return self._summarized(self._function(parameters["Name"]), stage)

    async def _get_function(self, parameters: JsonObject) -> JsonObject:
        function = self._function(parameters["Name"])
        stage = _found_stage(function, parameters.get("Stage", _DEVELOPMENT))
        return {
            "FunctionCode": stage.code.encode(),
            "ETag": stage.etag,
            "ContentType": "application/octet-stream",
        }

    async def _list_functions(self, parameters: JsonObject) -> JsonObject:
        wanted = parameters.get("Stage")
        items = [
            self._summarized(function, stage)["FunctionSummary"]
            for function in self._state.functions.values()
            for stage in (_DEVELOPMENT, _LIVE)
            if wanted in (None, stage) and (stage == _DEVELOPMENT or function.live)
        ]
        return {"FunctionList": _page(items, parameters)}

    async def _update_function(self, parameters: JsonObject) -> JsonObject:
        function = self._function(parameters["Name"])
        _check_version(parameters, function.development.etag)
        function.development = _stage(parameters, _time(self._clock()))
        return self._summarized(function, _DEVELOPMENT)

    async def _publish_function(self, parameters: JsonObject) -> JsonObject:
        function = self._function(parameters["Name"])
        _check_version(parameters, function.development.etag)
        now, stage = self._clock(), function.development
        if self._state.distributions_with_function(function.arn):
            _check_runs(stage)
        function.live = Stage(
            code=stage.code, comment=stage.comment, runtime=stage.runtime, modified=_time(now)
        )
        function.published = stage.etag
        complete = now + self._deployment_seconds
        function.code = (
            function.code.followed_by(stage.code, now=now, complete=complete)
            if function.code
            # Nothing refers to it yet, so no edge location can lack it.
            else Rollout(before=None, content=stage.code, complete=now)
        )
        return {"FunctionSummary": self._summarized(function, _LIVE)["FunctionSummary"]}

    async def _delete_function(self, parameters: JsonObject) -> JsonObject:
        function = self._function(parameters["Name"])
        _check_version(parameters, function.development.etag)
        if self._state.distributions_with_function(function.arn):
            raise ApiError(
                "FunctionInUse",
                "Cannot delete function, it is in use by a distribution.",
                HTTPStatus.CONFLICT,
            )
        del self._state.functions[function.name]
        return {}

    async def _create_vpc_origin(self, parameters: JsonObject) -> JsonObject:
        config = await self._checked_endpoint(parameters[_ENDPOINT], None)
        name, now = new_id("vo_"), self._clock()
        origin = VpcOrigin(
            id=name,
            arn=self._arn("vpcorigin", name),
            config=config,
            created=_time(now),
            modified=_time(now),
            complete=now + self._deployment_seconds,
            tags=_checked_tags({}, parameters.get("Tags", {})),
        )
        self._state.vpc_origins[name] = origin
        return self._vpc_origin_described(origin)

    async def _get_vpc_origin(self, parameters: JsonObject) -> JsonObject:
        return self._vpc_origin_described(self._vpc_origin(parameters["Id"]))

    async def _list_vpc_origins(self, parameters: JsonObject) -> JsonObject:
        members = ("Id", "Status", "CreatedTime", "LastModifiedTime", "Arn", "AccountId")
        items = []
        for origin in self._state.vpc_origins.values():
            described = self._vpc_origin_described(origin)["VpcOrigin"]
            summary = {name: described[name] for name in members}
            endpoint = {"Name": origin.config["Name"], "OriginEndpointArn": origin.config["Arn"]}
            items.append({**summary, **endpoint})
        return {"VpcOriginList": _truncated(items, parameters)}

    async def _update_vpc_origin(self, parameters: JsonObject) -> JsonObject:
        origin = self._vpc_origin(parameters["Id"])
        _check_version(parameters, origin.etag)
        config = await self._checked_endpoint(parameters[_ENDPOINT], origin)
        if config == origin.config:
            return self._vpc_origin_described(origin)
        self._check_unused(origin, "CannotUpdateEntityWhileInUse")
        now = self._clock()
        origin.config, origin.etag, origin.modified = config, new_id("E"), _time(now)
        origin.complete = now + self._deployment_seconds
        return self._vpc_origin_described(origin)

    async def _delete_vpc_origin(self, parameters: JsonObject) -> JsonObject:
        origin = self._vpc_origin(parameters["Id"])
        _check_version(parameters, origin.etag)
        self._check_unused(origin, "CannotDeleteEntityWhileInUse")
        del self._state.vpc_origins[origin.id]
        return self._vpc_origin_described(origin)

    async def _list_tags(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags(parameters["Resource"])
        items = [{"Key": name, "Value": value} for name, value in tags.items()]
        return {"Tags": {"Items": items}}

    async def _tag(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags(parameters["Resource"])
        tags.update(_checked_tags(tags, parameters["Tags"]))
        return {}

    async def _untag(self, parameters: JsonObject) -> JsonObject:
        tags = self._tags(parameters["Resource"])
        for name in parameters["TagKeys"].get("Items", []):
            tags.pop(name, None)
        return {}

    async def _checked(self, requested: JsonObject, replaced: Distribution | None) -> JsonObject:
        config = configuration.completed(requested)
        arn = config["ViewerCertificate"].get("ACMCertificateArn")
        configuration.check(
            config,
            Surroundings(
                is_live=self._is_live,
                has_vpc_origin=lambda name: name in self._state.vpc_origins,
                has_web_acl=self._others.has_web_acl,
                certificate_names=await self._others.certificate_names(arn) if arn else None,
            ),
        )
        aliases = configuration.routing(config).aliases
        for each in self._state.distributions.values():
            if each is not replaced and aliases & each.routing.content.aliases:
                raise ApiError(
                    "CNAMEAlreadyExists",
                    "One or more of the CNAMEs you provided are already associated with a"
                    " different resource.",
                    HTTPStatus.CONFLICT,
                )
        return config

    async def _checked_endpoint(self, config: JsonObject, replaced: VpcOrigin | None) -> JsonObject:
        for each in self._state.vpc_origins.values():
            if each is not replaced and each.config["Name"] == config["Name"]:
                raise ApiError(
                    "EntityAlreadyExists",
                    "Another vpc origin with the same name already exists within the aws account.",
                    HTTPStatus.CONFLICT,
                )
        if config["OriginProtocolPolicy"] != "http-only":
            # Its certificate would have to be valid for the load balancer's own name.
            raise ApiError(
                "InvalidArgument",
                "The stand-in's CloudFront reaches VPC origins by http-only, not by"
                f" {config['OriginProtocolPolicy']}.",
            )
        if ":loadbalancer/app/" not in config["Arn"]:
            raise ApiError(
                "InvalidArgument",
                f"The stand-in's VPC origins are Application Load Balancers, not {config['Arn']}.",
            )
        if not await self._others.has_load_balancer(config["Arn"]):
            raise ApiError(
                "InvalidArgument",
                "The parameter VpcOriginEndpointConfig Arn LoadBalancerNotFound.",
            )
        protocols = {"Quantity": 1, "Items": ["TLSv1.2"]}
        return {"OriginSslProtocols": protocols, **config}

    def _check_unused(self, origin: VpcOrigin, code: str) -> None:
        if self._state.distributions_with_vpc_origin(origin.id):
            raise ApiError(
                code,
                "The specified VPC origin is currently associated with one or more distributions."
                " Please disassociate the VPC origin from all distributions before updating or"
                " deleting",
                HTTPStatus.CONFLICT,
            )

    def _is_live(self, arn: str) -> bool:
        function = self._state.functions.get(arn.rpartition("/")[2])
        if function is None or function.arn != arn or function.live is None:
            return False
        _check_runs(function.live)
        return True

    def _is_deployed(self, distribution: Distribution) -> bool:
        return self._clock() >= distribution.routing.complete

    def _described(self, distribution: Distribution) -> JsonObject:
        none = {"Enabled": False, "Quantity": 0}
        described = {
            "Id": distribution.id,
            "ARN": distribution.arn,
            "Status": "Deployed" if self._is_deployed(distribution) else "InProgress",
            "LastModifiedTime": distribution.modified,
            "InProgressInvalidationBatches": 0,
            "DomainName": distribution.domain_name,
            "ActiveTrustedSigners": none,
            "ActiveTrustedKeyGroups": none,
            _CONFIG: distribution.config,
        }
        location = f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{distribution.id}"
        return {"Distribution": described, "ETag": distribution.etag, "Location": location}

    def _summary(self, distribution: Distribution) -> JsonObject:
        described = self._described(distribution)["Distribution"]
        config = distribution.config
        members = ("Id", "ARN", "Status", "LastModifiedTime", "DomainName")
        settings = (
            "Aliases",
            "Origins",
            "OriginGroups",
            "DefaultCacheBehavior",
            "CacheBehaviors",
            "CustomErrorResponses",
            "Comment",
            "PriceClass",
            "Enabled",
            "ViewerCertificate",
            "Restrictions",
            "WebACLId",
            "HttpVersion",
            "IsIPV6Enabled",
            "Staging",
        )
        return {
            **{name: described[name] for name in members},
            "ETag": distribution.etag,
            **{name: config[name] for name in settings},
        }

    def _summarized(self, function: Function, stage: str) -> JsonObject:
        found = _found_stage(function, stage)
        summary = {
            "Name": function.name,
            "Status": self._status(function, stage),
            "FunctionConfig": {
                "Comment": found.comment,
                "Runtime": found.runtime,
                "KeyValueStoreAssociations": {"Quantity": 0},
            },
            "FunctionMetadata": {
                "FunctionARN": function.arn,
                "Stage": stage,
                "CreatedTime": function.created,
                "LastModifiedTime": found.modified,
            },
        }
        location = f"https://cloudfront.amazonaws.com/2020-05-31/function/{function.name}"
        return {"FunctionSummary": summary, "ETag": found.etag, "Location": location}

    def _status(self, function: Function, stage: str) -> str:
        if stage == _DEVELOPMENT and function.published != function.development.etag:
            return "UNPUBLISHED"
        if not self._state.distributions_with_function(function.arn):
            return "UNASSOCIATED"
        complete = function.code is None or self._clock() >= function.code.complete
        return "DEPLOYED" if complete else "IN_PROGRESS"

    def _vpc_origin_described(self, origin: VpcOrigin) -> JsonObject:
        described = {
            "Id": origin.id,
            "Arn": origin.arn,
            "AccountId": self._account_id,
            "Status": "Deployed" if self._clock() >= origin.complete else "Deploying",
            "CreatedTime": origin.created,
            "LastModifiedTime": origin.modified,
            _ENDPOINT: origin.config,
        }
        return {"VpcOrigin": described, "ETag": origin.etag}

    def _tags(self, arn: str) -> dict[str, str]:
        for each in self._state.tagged():
            if each.arn == arn:
                return each.tags
        raise ApiError("NoSuchResource", f"The resource {arn} doesn't exist.", HTTPStatus.NOT_FOUND)

    def _distribution(self, name: str) -> Distribution:
        found = self._state.distributions.get(name)
        if found is None:
            raise ApiError(
                "NoSuchDistribution",
                "The specified distribution does not exist.",
                HTTPStatus.NOT_FOUND,
            )
        return found

    def _function(self, name: str) -> Function:
        found = self._state.functions.get(name)
        if found is None:
            raise _no_function()
        return found

    def _vpc_origin(self, name: str) -> VpcOrigin:
        found = self._state.vpc_origins.get(name)
        if found is None:
            raise ApiError(
                "EntityNotFound", "The specified vpc origin does not exist", HTTPStatus.NOT_FOUND
            )
        return found

    def _arn(self, kind: str, name: str) -> str:
        # CloudFront is in no region.
        return f"arn:aws:cloudfront::{self._account_id}:{kind}/{name}"


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _no_function() -> ApiError:
    return ApiError(
        "NoSuchFunctionExists", "The specified function does not exist.", HTTPStatus.NOT_FOUND
    )


def _found_stage(function: Function, stage: str) -> Stage:
    found = function.live if stage == _LIVE else function.development
    if found is None:
        raise _no_function()
    return found


def _stage(parameters: JsonObject, now: dt.datetime) -> Stage:
    config, code = parameters["FunctionConfig"], parameters["FunctionCode"]
    if config.get("KeyValueStoreAssociations", {}).get("Items"):
        raise ApiError(
            "InvalidArgument", "The stand-in's CloudFront doesn't support key value stores."
        )
    if len(code) > _LARGEST_FUNCTION:
        raise ApiError(
            "FunctionSizeLimitExceeded",
            "The function exceeds the maximum size, 10240 bytes.",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    if not code:
        raise ApiError("InvalidArgument", "The function has no code.")
    try:
        text = bytes(code).decode()
    except UnicodeDecodeError:
        raise ApiError("InvalidArgument", "The function's code must be UTF-8.") from None
    return Stage(code=text, comment=config["Comment"], runtime=config["Runtime"], modified=now)


def _check_runs(stage: Stage) -> None:
    """Refuse a function that can't run here, once a distribution needs it."""
    if stage.runtime != _RUNTIME:
        raise ApiError(
            "InvalidArgument", f"The stand-in's CloudFront runs {_RUNTIME}, not {stage.runtime}."
        )


def _check_version(parameters: JsonObject, etag: str) -> None:
    given = parameters.get("IfMatch")
    if not given:
        raise ApiError(
            "InvalidIfMatchVersion",
            "The If-Match version is missing or not valid for the resource.",
        )
    if given != etag:
        raise ApiError(
            "PreconditionFailed",
            "The precondition given in one or more of the request-header fields evaluated to"
            " false.",
            HTTPStatus.PRECONDITION_FAILED,
        )


def _page(items: list[JsonObject], parameters: JsonObject) -> JsonObject:
    """Return the page of a list that a request asks for."""
    size, marker = parameters.get("MaxItems", str(_PAGE)), parameters.get("Marker")
    if not size.isdecimal() or not 1 <= int(size) <= _PAGE:
        raise ApiError("InvalidArgument", f"MaxItems must be from 1 to {_PAGE}.")
    try:
        found, following = paging.page(items, size=int(size), token=marker)
    except paging.InvalidTokenError:
        raise ApiError("InvalidArgument", f"The marker {marker} isn't valid.") from None
    listed: JsonObject = {"MaxItems": int(size), "Quantity": len(found)}
    if following is not None:
        listed["NextMarker"] = following
    return {**listed, "Items": found} if found else listed


def _truncated(items: list[JsonObject], parameters: JsonObject) -> JsonObject:
    """Return a page that says whether there are more."""
    listed = _page(items, parameters)
    marker = parameters.get("Marker", "")
    return {"Marker": marker, "IsTruncated": "NextMarker" in listed, **listed}


def _checked_tags(existing: Mapping[str, str], tags: Mapping[str, Any]) -> dict[str, str]:
    given = {tag["Key"]: tag.get("Value", "") for tag in tags.get("Items", [])}
    if any(name.lower().startswith("aws:") for name in given):
        raise ApiError("InvalidTagging", "Tag key cannot start with 'aws:'.")
    if len(existing.keys() | given.keys()) > _TAGS:
        raise ApiError("InvalidTagging", "Too many tags.")
    return given
