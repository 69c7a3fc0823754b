"""The operations of Elastic Load Balancing's API, with validated requests."""

import asyncio
import dataclasses
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

from localcloud.aws import paging
from localcloud.aws.context import ServiceContext
from localcloud.aws.elbv2 import attributes, descriptions, rules
from localcloud.aws.elbv2.models import (
    HealthCheck,
    JsonObject,
    Listener,
    LoadBalancer,
    TargetGroup,
    Zone,
)
from localcloud.aws.elbv2.network import Network
from localcloud.aws.elbv2.service import LoadBalancing
from localcloud.aws.elbv2.targets import Target
from localcloud.aws.protocol import ApiError

_SERVICE: Final = "elasticloadbalancing"
_PAGE: Final = 400
"""The most that a description returns (API reference, PageSize)."""
_MOST_TAGGED: Final = 20
"""The resources of one call (API reference, DescribeTags)."""
_NOT_FOUND: Final = {
    "loadbalancer": ("LoadBalancerNotFound", "One or more load balancers not found"),
    "targetgroup": ("TargetGroupNotFound", "One or more target groups not found"),
    "listener": ("ListenerNotFound", "One or more listeners not found"),
}

Operation = Callable[[JsonObject], Coroutine[Any, Any, JsonObject]]


class ElasticLoadBalancing:
    """The API's operations, on the loop of the load balancers."""

    def __init__(self, service: LoadBalancing, network: Network, context: ServiceContext) -> None:
        """Operate load balancers.

        Args:
            service: runs them.
            network: the account's subnets, security groups and certificates.
            context: where and when they run.
        """
        self._service = service
        self._network = network
        self._context = context
        # As on AWS, operations on the same resources don't overlap.
        self._lock = asyncio.Lock()
        self._operations: Mapping[str, Operation] = {
            "AddTags": self._add_tags,
            "CreateListener": self._create_listener,
            "CreateLoadBalancer": self._create_load_balancer,
            "CreateTargetGroup": self._create_target_group,
            "DeleteListener": self._delete_listener,
            "DeleteLoadBalancer": self._delete_load_balancer,
            "DeleteTargetGroup": self._delete_target_group,
            "DeregisterTargets": self._deregister_targets,
            "DescribeListenerAttributes": self._describe_listener_attributes,
            "DescribeListenerCertificates": self._describe_listener_certificates,
            "DescribeListeners": self._describe_listeners,
            "DescribeLoadBalancerAttributes": self._describe_load_balancer_attributes,
            "DescribeLoadBalancers": self._describe_load_balancers,
            "DescribeRules": self._describe_rules,
            "DescribeTags": self._describe_tags,
            "DescribeTargetGroupAttributes": self._describe_target_group_attributes,
            "DescribeTargetGroups": self._describe_target_groups,
            "DescribeTargetHealth": self._describe_target_health,
            "ModifyListener": self._modify_listener,
            "ModifyLoadBalancerAttributes": self._modify_load_balancer_attributes,
            "ModifyTargetGroup": self._modify_target_group,
            "ModifyTargetGroupAttributes": self._modify_target_group_attributes,
            "RegisterTargets": self._register_targets,
            "RemoveTags": self._remove_tags,
            "SetSecurityGroups": self._set_security_groups,
            "SetSubnets": self._set_subnets,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        execute = self._operations.get(operation)
        if execute is None:
            raise ApiError(
                "OperationNotPermitted", f"The stand-in's load balancers don't have {operation}."
            )
        async with self._lock:
            return await execute(parameters)

    async def _create_load_balancer(self, request: JsonObject) -> JsonObject:
        name = request["Name"]
        rules.check_name(name, "Load balancer")
        rules.require_supported(
            request,
            {
                "Type": ("application",),
                "IpAddressType": ("ipv4",),
                "CustomerOwnedIpv4Pool": (),
                "EnablePrefixForIpv6SourceNat": (),
                "IpamPools": (),
            },
        )
        scheme = request.get("Scheme", "internet-facing")
        vpc_id, zones = await self._zones(request, is_internal=scheme == "internal")
        groups = await self._security_groups(request.get("SecurityGroups", []), vpc_id)
        suffix = secrets.token_hex(8)
        prefix = "internal-" if scheme == "internal" else ""
        region = self._context.region
        created = LoadBalancer(
            arn=self._context.arn(_SERVICE, f"loadbalancer/app/{name}/{suffix}"),
            name=name,
            scheme=scheme,
            dns_name=f"{prefix}{name}-{int(suffix, 16) % 10**10}.{region}.elb.amazonaws.com",
            vpc_id=vpc_id,
            zones=zones,
            security_groups=groups,
            created=self._context.now(),
            active_at=_loop_time() + self._service.settings.provisioning,
            attributes=attributes.of_load_balancer(scheme),
            tags=rules.tags(request.get("Tags", [])),
        )
        existing = self._load_balancer_named(name)
        if existing is not None:
            if not _same_settings(existing, created):
                raise ApiError(
                    "DuplicateLoadBalancerName",
                    f"A load balancer with the same name '{name}' exists, but with different"
                    " settings",
                )
            created = existing
        await self._service.change_load_balancer(created)
        return {"LoadBalancers": [descriptions.load_balancer(created, _loop_time())]}

    async def _describe_load_balancers(self, request: JsonObject) -> JsonObject:
        found = list(self._service.load_balancers.values())
        if arns := request.get("LoadBalancerArns"):
            found = [self._load_balancer(arn) for arn in arns]
        if names := request.get("Names"):
            named = [self._load_balancer_named(name) for name in names]
            found = [each for each in named if each is not None]
            if len(found) < len(names):
                raise ApiError("LoadBalancerNotFound", f"Load balancers '{names}' not found")
        described = [descriptions.load_balancer(each, _loop_time()) for each in found]
        return _page("LoadBalancers", described, request)

    async def _delete_load_balancer(self, request: JsonObject) -> JsonObject:
        arn = request["LoadBalancerArn"]
        existing = self._service.load_balancers.get(arn)
        # AWS succeeds if it doesn't exist.
        if existing is None:
            return {}
        if existing.attributes["deletion_protection.enabled"] == "true":
            raise ApiError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        await self._service.remove_load_balancer(arn)
        return {}

    async def _describe_load_balancer_attributes(self, request: JsonObject) -> JsonObject:
        existing = self._load_balancer(request["LoadBalancerArn"])
        return {"Attributes": attributes.encode(existing.attributes)}

    async def _modify_load_balancer_attributes(self, request: JsonObject) -> JsonObject:
        existing = self._load_balancer(request["LoadBalancerArn"])
        changed = attributes.changed_load_balancer(existing.attributes, request["Attributes"])
        await self._service.change_load_balancer(dataclasses.replace(existing, attributes=changed))
        return {"Attributes": attributes.encode(changed)}

    async def _set_security_groups(self, request: JsonObject) -> JsonObject:
        existing = self._load_balancer(request["LoadBalancerArn"])
        rules.require_supported(
            request, {"EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": ()}
        )
        groups = await self._security_groups(request["SecurityGroups"], existing.vpc_id)
        await self._service.change_load_balancer(
            dataclasses.replace(existing, security_groups=groups)
        )
        return {"SecurityGroupIds": list(groups)}

    async def _set_subnets(self, request: JsonObject) -> JsonObject:
        existing = self._load_balancer(request["LoadBalancerArn"])
        rules.require_supported(
            request, {"IpAddressType": ("ipv4",), "EnablePrefixForIpv6SourceNat": ()}
        )
        vpc_id, zones = await self._zones(request, is_internal=existing.is_internal)
        if vpc_id != existing.vpc_id:
            raise ApiError(
                "InvalidConfigurationRequest",
                f"The subnets must belong to VPC '{existing.vpc_id}'",
            )
        changed = dataclasses.replace(existing, zones=zones)
        await self._service.change_load_balancer(changed)
        return {"AvailabilityZones": descriptions.zones(changed), "IpAddressType": "ipv4"}

    async def _create_target_group(self, request: JsonObject) -> JsonObject:
        name = request["Name"]
        rules.check_name(name, "Target group")
        rules.require_supported(
            request,
            {
                "Protocol": ("HTTP",),
                "ProtocolVersion": ("HTTP1",),
                "TargetType": ("ip",),
                "IpAddressType": ("ipv4",),
                "TargetControlPort": (),
            },
        )
        for required in ("Protocol", "Port", "VpcId", "TargetType"):
            if required not in request:
                hint = ": the default, instance, isn't supported here"
                raise ApiError(
                    "ValidationError",
                    f"{required} must be specified{hint if required == 'TargetType' else ''}",
                )
        if not await self._network.has_vpc(request["VpcId"]):
            raise ApiError("ValidationError", f"The VPC ID '{request['VpcId']}' is not found")
        created = TargetGroup(
            arn=self._context.arn(_SERVICE, f"targetgroup/{name}/{secrets.token_hex(8)}"),
            name=name,
            port=request["Port"],
            vpc_id=request["VpcId"],
            health_check=rules.health_check(request, HealthCheck()),
            attributes=attributes.of_target_group(),
            tags=rules.tags(request.get("Tags", [])),
        )
        existing = next((each for each in self._service.groups if each.name == name), None)
        if existing is None:
            self._service.add_group(created)
        elif not _same_settings(existing, created):
            raise ApiError(
                "DuplicateTargetGroupName",
                f"A target group with the same name '{name}' exists, but with different settings",
            )
        return {"TargetGroups": [self._described_group(existing or created)]}

    async def _describe_target_groups(self, request: JsonObject) -> JsonObject:
        found = self._service.groups
        if arns := request.get("TargetGroupArns"):
            found = [self._group(arn) for arn in arns]
        if names := request.get("Names"):
            found = [each for each in found if each.name in names]
            if len(found) < len(names):
                raise _not_found("targetgroup")
        if load_balancer := request.get("LoadBalancerArn"):
            self._load_balancer(load_balancer)
            found = [
                each for each in found if load_balancer in self._service.load_balancers_of(each.arn)
            ]
        return _page("TargetGroups", [self._described_group(each) for each in found], request)

    async def _modify_target_group(self, request: JsonObject) -> JsonObject:
        existing = self._group(request["TargetGroupArn"])
        check = rules.health_check(request, existing.health_check)
        changed = dataclasses.replace(existing, health_check=check)
        self._service.change_group(changed)
        return {"TargetGroups": [self._described_group(changed)]}

    async def _delete_target_group(self, request: JsonObject) -> JsonObject:
        arn = request["TargetGroupArn"]
        if self._service.load_balancers_of(arn):
            raise ApiError(
                "ResourceInUse",
                f"Target group '{arn}' is currently in use by a listener or a rule",
            )
        await self._service.remove_group(arn)
        return {}

    async def _describe_target_group_attributes(self, request: JsonObject) -> JsonObject:
        existing = self._group(request["TargetGroupArn"])
        return {"Attributes": attributes.encode(existing.attributes)}

    async def _modify_target_group_attributes(self, request: JsonObject) -> JsonObject:
        existing = self._group(request["TargetGroupArn"])
        changed = attributes.changed_target_group(existing.attributes, request["Attributes"])
        self._service.change_group(dataclasses.replace(existing, attributes=changed))
        return {"Attributes": attributes.encode(changed)}

    async def _register_targets(self, request: JsonObject) -> JsonObject:
        group = self._group(request["TargetGroupArn"])
        targets = _targets(request["Targets"], group)
        for target in targets:
            rules.check_target_address(target.id)
        pool = self._service.pools[group.arn]
        for target in targets:
            # One that ECS has registered keeps the address at which this machine reaches it.
            pool.register(target, pool.address(target) or (target.id, target.port))
        return {}

    async def _deregister_targets(self, request: JsonObject) -> JsonObject:
        group = self._group(request["TargetGroupArn"])
        for target in _targets(request["Targets"], group):
            self._service.pools[group.arn].deregister(target)
        return {}

    async def _describe_target_health(self, request: JsonObject) -> JsonObject:
        group = self._group(request["TargetGroupArn"])
        pool = self._service.pools[group.arn]
        targets: Iterable[Target] = pool.targets
        if request.get("Targets"):
            targets = _targets(request["Targets"], group)
        return {
            "TargetHealthDescriptions": [
                descriptions.target_health(target, pool.health(target)) for target in targets
            ]
        }

    async def _create_listener(self, request: JsonObject) -> JsonObject:
        load_balancer = self._load_balancer(request["LoadBalancerArn"])
        if "Protocol" not in request or "Port" not in request:
            raise ApiError("ValidationError", "A listener must have a protocol and a port")
        path = load_balancer.arn.partition(":loadbalancer/")[2]
        listener = await self._checked_listener(
            request,
            Listener(
                arn=self._context.arn(_SERVICE, f"listener/{path}/{secrets.token_hex(8)}"),
                load_balancer_arn=load_balancer.arn,
                protocol=request["Protocol"],
                port=request["Port"],
                target_group_arn=rules.forward_target(request["DefaultActions"]),
                tags=rules.tags(request.get("Tags", [])),
            ),
        )
        for existing in self._service.listeners_of(load_balancer.arn):
            if existing.port == listener.port:
                if not _same_settings(existing, listener):
                    raise ApiError("DuplicateListener", "A listener already exists on this port")
                return {"Listeners": [descriptions.listener(existing)]}
        await self._put_listener(listener)
        return {"Listeners": [descriptions.listener(listener)]}

    async def _modify_listener(self, request: JsonObject) -> JsonObject:
        existing = self._listener(request["ListenerArn"])
        actions = request.get("DefaultActions")
        changed = await self._checked_listener(
            request,
            dataclasses.replace(
                existing,
                protocol=request.get("Protocol", existing.protocol),
                port=request.get("Port", existing.port),
                target_group_arn=(
                    rules.forward_target(actions) if actions else existing.target_group_arn
                ),
            ),
        )
        others = self._service.listeners_of(existing.load_balancer_arn)
        if any(each.port == changed.port and each.arn != changed.arn for each in others):
            raise ApiError("DuplicateListener", "A listener already exists on this port")
        await self._put_listener(changed)
        return {"Listeners": [descriptions.listener(changed)]}

    async def _describe_listeners(self, request: JsonObject) -> JsonObject:
        arns, load_balancer = request.get("ListenerArns"), request.get("LoadBalancerArn")
        if bool(arns) == bool(load_balancer):
            raise ApiError(
                "ValidationError",
                "You must specify either listener ARNs or a load balancer ARN, but not both",
            )
        if arns:
            found = [self._listener(arn) for arn in arns]
        else:
            found = self._service.listeners_of(self._load_balancer(str(load_balancer)).arn)
        return _page("Listeners", [descriptions.listener(each) for each in found], request)

    async def _describe_listener_attributes(self, request: JsonObject) -> JsonObject:
        self._listener(request["ListenerArn"])
        return {"Attributes": [{"Key": "routing.http.response.server.enabled", "Value": "true"}]}

    async def _describe_listener_certificates(self, request: JsonObject) -> JsonObject:
        listener = self._listener(request["ListenerArn"])
        arn = listener.certificate_arn
        return {"Certificates": [{"CertificateArn": arn, "IsDefault": True}] if arn else []}

    async def _describe_rules(self, request: JsonObject) -> JsonObject:
        if "ListenerArn" in request:
            found = [self._listener(request["ListenerArn"])]
        else:
            wanted = request.get("RuleArns", [])
            found = [each for each in self._service.listeners if each.rule_arn in wanted]
            if len(found) < len(wanted):
                raise ApiError("RuleNotFound", "One or more rules not found")
        return _page("Rules", [descriptions.default_rule(each) for each in found], request)

    async def _delete_listener(self, request: JsonObject) -> JsonObject:
        await self._service.remove_listener(self._listener(request["ListenerArn"]).arn)
        return {}

    async def _add_tags(self, request: JsonObject) -> JsonObject:
        added = rules.tags(request["Tags"])
        for arn in request["ResourceArns"]:
            existing = self._tagged(arn)
            await self._set_tags(arn, {**existing.tags, **added})
        return {}

    async def _remove_tags(self, request: JsonObject) -> JsonObject:
        for arn in request["ResourceArns"]:
            left = {
                key: value
                for key, value in self._tagged(arn).tags.items()
                if key not in request["TagKeys"]
            }
            await self._set_tags(arn, left)
        return {}

    async def _describe_tags(self, request: JsonObject) -> JsonObject:
        if len(request["ResourceArns"]) > _MOST_TAGGED:
            raise ApiError(
                "ValidationError", f"At most {_MOST_TAGGED} resources can be specified in one call"
            )
        return {
            "TagDescriptions": [
                {"ResourceArn": arn, "Tags": rules.encoded_tags(self._tagged(arn).tags)}
                for arn in request["ResourceArns"]
            ]
        }

    async def _set_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        match self._tagged(arn):
            case LoadBalancer() as load_balancer:
                await self._service.change_load_balancer(
                    dataclasses.replace(load_balancer, tags=tags)
                )
            case TargetGroup() as group:
                self._service.change_group(dataclasses.replace(group, tags=tags))
            case listener:
                await self._service.put_listener(dataclasses.replace(listener, tags=tags))

    def _tagged(self, arn: str) -> LoadBalancer | TargetGroup | Listener:
        kind = arn.rpartition(":")[2].partition("/")[0]
        finders: Mapping[str, Callable[[str], LoadBalancer | TargetGroup | Listener]] = {
            "loadbalancer": self._load_balancer,
            "targetgroup": self._group,
            "listener": self._listener,
        }
        if kind not in finders:
            raise ApiError("ValidationError", f"'{arn}' is not a valid resource ARN")
        return finders[kind](arn)

    async def _zones(
        self, request: JsonObject, *, is_internal: bool
    ) -> tuple[str, tuple[Zone, ...]]:
        wanted = rules.subnet_ids(request)
        found = await self._network.subnets(wanted)
        rules.check_subnets(wanted, found, is_internal=is_internal)
        return found[0].vpc_id, tuple(Zone(name=each.zone, subnet_id=each.id) for each in found)

    async def _security_groups(self, wanted: Sequence[str], vpc_id: str) -> tuple[str, ...]:
        if not wanted:
            return (await self._network.default_security_group(vpc_id),)
        found = await self._network.security_groups(wanted)
        rules.check_security_groups(wanted, found, vpc_id)
        return tuple(wanted)

    async def _checked_listener(self, request: JsonObject, listener: Listener) -> Listener:
        """Return a listener with its certificate, or refuse it."""
        rules.require_supported(request, {"Protocol": ("HTTP", "HTTPS"), "AlpnPolicy": ()})
        rules.require_supported(
            request.get("MutualAuthentication", {}),
            {"Mode": ("off",), "TrustStoreArn": (), "AdvertiseTrustStoreCaNames": ("off",)},
        )
        group = self._group(listener.target_group_arn)
        load_balancer = self._load_balancer(listener.load_balancer_arn)
        if group.vpc_id != load_balancer.vpc_id:
            raise ApiError(
                "InvalidConfigurationRequest",
                f"The following target groups have a different VPC than the load balancer:"
                f" '{group.arn}'",
            )
        used_by = self._service.load_balancers_of(group.arn)
        if used_by and used_by != [load_balancer.arn]:
            raise ApiError(
                "TargetGroupAssociationLimit",
                f"The following target groups cannot be associated with more than one load"
                f" balancer: {group.arn}",
            )
        if listener.protocol == "HTTP":
            if request.get("Certificates") or request.get("SslPolicy"):
                raise ApiError(
                    "InvalidConfigurationRequest",
                    "A certificate or security policy cannot be specified for HTTP listeners",
                )
            return dataclasses.replace(listener, certificate_arn=None, ssl_policy=None, names=())
        policy = request.get("SslPolicy") or listener.ssl_policy or rules.DEFAULT_POLICY
        rules.check_policy(policy)
        if listener.certificate_arn and not request.get("Certificates"):
            return dataclasses.replace(listener, ssl_policy=policy)
        arn = rules.certificate_arn(request)
        names = rules.certificate_names(arn, await self._network.certificate(arn))
        return dataclasses.replace(listener, certificate_arn=arn, ssl_policy=policy, names=names)

    async def _put_listener(self, listener: Listener) -> None:
        try:
            await self._service.put_listener(listener)
        except OSError as error:
            raise ApiError(
                "InvalidConfigurationRequest",
                f"Port {listener.port} on {self._service.settings.host} isn't available"
                f" ({error.strerror}): choose another port for the listener, or free it",
            ) from error

    def _load_balancer(self, arn: str) -> LoadBalancer:
        existing = self._service.load_balancers.get(arn)
        if existing is None:
            raise _not_found("loadbalancer")
        return existing

    def _load_balancer_named(self, name: str) -> LoadBalancer | None:
        found = self._service.load_balancers.values()
        return next((each for each in found if each.name == name), None)

    def _group(self, arn: str) -> TargetGroup:
        pool = self._service.pools.get(arn)
        if pool is None:
            raise _not_found("targetgroup")
        return pool.group

    def _listener(self, arn: str) -> Listener:
        existing = self._service.listener(arn)
        if existing is None:
            raise _not_found("listener")
        return existing

    def _described_group(self, group: TargetGroup) -> JsonObject:
        return descriptions.target_group(group, self._service.load_balancers_of(group.arn))


def _targets(listed: Sequence[Mapping[str, Any]], group: TargetGroup) -> list[Target]:
    for each in listed:
        rules.require_supported(each, {"QuicServerId": ()})
    return [Target(id=each["Id"], port=each.get("Port", group.port)) for each in listed]


def _same_settings(one: Any, other: Any) -> bool:  # noqa: ANN401 - two of the same dataclass
    """Return whether two resources differ only in what AWS chooses, and in their attributes."""
    chosen = {"arn", "dns_name", "created", "active_at", "attributes"}
    return all(
        getattr(one, each.name) == getattr(other, each.name)
        for each in dataclasses.fields(one)
        if each.name not in chosen
    )


def _page(member: str, items: Sequence[JsonObject], request: JsonObject) -> JsonObject:
    """Return the page of a list that a request asks for; the list's name is `member`."""
    try:
        found, marker = paging.page(
            items, size=request.get("PageSize", _PAGE), token=request.get("Marker")
        )
    except paging.InvalidTokenError:
        raise ApiError("ValidationError", f"Marker '{request['Marker']}' is not valid") from None
    return {member: found, "NextMarker": marker}


def _not_found(kind: str) -> ApiError:
    return ApiError(*_NOT_FOUND[kind])


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
