"""Elastic Load Balancing: Application Load Balancers, target groups and listeners.

Sources: the Elastic Load Balancing API reference (version 2015-12-01), and the schemas of aws_lb,
aws_lb_target_group and aws_lb_listener for the changes that force a replacement.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.shapes import Casing, from_aws, to_aws
from localcloud.providers.aws.waiting import poll_until_done, retry_while_refused
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Value, Values, as_object

# Source: the timeouts of aws_lb and of aws_lb_target_group's deletion.
_ACTIVE_SECONDS: Final = 10 * 60.0
_UNUSED_SECONDS: Final = 2 * 60.0
_TAGGING: Final = Tagging(
    resource="ResourceArns",
    several=True,
    tag="AddTags",
    untag="RemoveTags",
    list="DescribeTags",
    listed_as="TagDescriptions.Tags",
)


class LoadBalancer(AwsResource):
    """aws:lb/loadBalancer:LoadBalancer of the type application."""

    token = "aws:lb/loadBalancer:LoadBalancer"  # noqa: S105  # a Pulumi type
    service = "elbv2"
    autonamed = "name"
    not_found_codes = frozenset({"LoadBalancerNotFound", "LoadBalancerNotFoundException"})
    creates = Operation(name="CreateLoadBalancer", result="LoadBalancers")
    reads = Operation(name="DescribeLoadBalancers", result="LoadBalancers")
    deletes = Operation(name="DeleteLoadBalancer")
    id_members = ("LoadBalancerArn",)
    tagging = _TAGGING
    # Attributes have operations for them; AWS calls an internal load balancer a scheme.
    attributes: ClassVar[Mapping[str, str]] = {
        "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
        "enableDeletionProtection": "deletion_protection.enabled",
        "idleTimeout": "idle_timeout.timeout_seconds",
    }
    handled = HANDLED | frozenset(attributes) | {"internal"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws_read="LoadBalancerName"),
        "dropInvalidHeaderFields": Property(kind=Kind.BOOLEAN, default=False),
        "enableDeletionProtection": Property(kind=Kind.BOOLEAN, default=False),
        "idleTimeout": Property(kind=Kind.INTEGER, default=60),
        "internal": Property(kind=Kind.BOOLEAN, computed=True, force_new=True),
        "loadBalancerType": Property(default="application", force_new=True, aws="Type"),
        "securityGroups": Property(kind=Kind.SET, items=Property(), computed=True),
        "subnets": Property(kind=Kind.SET, items=Property(), computed=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="LoadBalancerArn"),
        "arnSuffix": Property(output=True),
        "dnsName": Property(output=True, aws="DNSName"),
        "vpcId": Property(output=True),
        "zoneId": Property(output=True, aws="CanonicalHostedZoneId"),
        **unsupported(
            "accessLogs",
            "clientKeepAlive",
            "connectionLogs",
            "customerOwnedIpv4Pool",
            "desyncMitigationMode",
            "dnsRecordClientRoutingPolicy",
            "enableCrossZoneLoadBalancing",
            "enableHttp2",
            "enablePrefixForIpv6SourceNat",
            "enableTlsVersionAndCipherSuiteHeaders",
            "enableWafFailOpen",
            "enableXffClientPort",
            "enableZonalShift",
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "healthCheckLogs",
            "ipAddressType",
            "ipamPools",
            "minimumLoadBalancerCapacity",
            "namePrefix",
            "preserveHostHeader",
            "secondaryIpsAutoAssignedPerSubnet",
            "subnetMappings",
            "xffHeaderProcessingMode",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the load balancer, alone or in a list."""
        return {"LoadBalancerArn": request.id, "LoadBalancerArns": [request.id]}

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Say whether it is internal."""
        scheme = "internal" if request.inputs.get("internal") else "internet-facing"
        return super().create_parameters(request) | {"Scheme": scheme}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create it, wait until it is active, and set its attributes."""
        created = super().create(request)
        with initializing(created.id):
            self._wait_until_active(request, created.id)
            self._set_attributes(request, created.id, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the attributes."""
        if (found := super().read(request)) is None:
            return None
        operation = Operation(name="DescribeLoadBalancerAttributes", result=None)
        response = self.call(request, operation, {"LoadBalancerArn": request.id})
        return found | _attributes(self.properties, self.attributes, response)

    def described(self, response: Document) -> Values:
        """Add what AWS describes in another form."""
        return {
            **super().described(response),
            "internal": response["Scheme"] == "internal",
            "subnets": [zone["SubnetId"] for zone in response["AvailabilityZones"]],
            "arnSuffix": _suffix(response["LoadBalancerArn"], "loadbalancer/"),
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the attributes, security groups and subnets, each with its own operation."""
        olds, news = request.state, request.inputs
        load_balancer = {"LoadBalancerArn": request.id}
        if any(olds.get(name) != news.get(name) for name in self.attributes):
            self._set_attributes(request, request.id, news)
        for name, operation, member in (
            ("securityGroups", "SetSecurityGroups", "SecurityGroups"),
            ("subnets", "SetSubnets", "Subnets"),
        ):
            if name in news and _different(olds.get(name), news[name]):
                self.call(request, Operation(name=operation), load_balancer | {member: news[name]})
                self._wait_until_active(request, request.id)
        self.update_tags(request)

    def _set_attributes(self, request: AwsRequest, arn: str, inputs: Values) -> None:
        values = _attribute_list(self.properties, self.attributes, inputs)
        parameters = {"LoadBalancerArn": arn, "Attributes": values}
        self.call(request, Operation(name="ModifyLoadBalancerAttributes"), parameters)

    def _wait_until_active(self, request: AwsRequest, arn: str) -> None:
        def poll() -> Document | None:
            found = self.call(request, self.reads, {"LoadBalancerArns": [arn]})
            code = found["State"]["Code"]
            if code == "failed":
                raise ProviderError(f"the load balancer {arn} failed: {found['State']}")
            return None if code == "provisioning" else found

        poll_until_done(request, poll, what=f"the load balancer {arn}", limit=_ACTIVE_SECONDS)


_HEALTH_CHECK: Final[Properties] = {
    "enabled": Property(kind=Kind.BOOLEAN, default=True, aws="HealthCheckEnabled"),
    "healthyThreshold": Property(kind=Kind.INTEGER, default=3, aws="HealthyThresholdCount"),
    "interval": Property(kind=Kind.INTEGER, default=30, aws="HealthCheckIntervalSeconds"),
    "matcher": Property(computed=True, aws="Matcher.HttpCode"),
    "path": Property(computed=True, aws="HealthCheckPath"),
    "port": Property(default="traffic-port", aws="HealthCheckPort"),
    "protocol": Property(default="HTTP", aws="HealthCheckProtocol"),
    "timeout": Property(kind=Kind.INTEGER, computed=True, aws="HealthCheckTimeoutSeconds"),
    "unhealthyThreshold": Property(kind=Kind.INTEGER, default=3, aws="UnhealthyThresholdCount"),
}


class TargetGroup(AwsResource):
    """aws:lb/targetGroup:TargetGroup."""

    token = "aws:lb/targetGroup:TargetGroup"  # noqa: S105  # a Pulumi type
    service = "elbv2"
    autonamed = "name"
    not_found_codes = frozenset({"TargetGroupNotFound", "TargetGroupNotFoundException"})
    creates = Operation(name="CreateTargetGroup", result="TargetGroups")
    reads = Operation(name="DescribeTargetGroups", result="TargetGroups")
    deletes = Operation(name="DeleteTargetGroup")
    id_members = ("TargetGroupArn",)
    tagging = _TAGGING
    attributes: ClassVar[Mapping[str, str]] = {
        "deregistrationDelay": "deregistration_delay.timeout_seconds"
    }
    # AWS has no object for the health check.
    handled = HANDLED | frozenset(attributes) | {"healthCheck"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws_read="TargetGroupName"),
        "deregistrationDelay": Property(kind=Kind.INTEGER, default=300),
        "healthCheck": Property(kind=Kind.OBJECT, computed=True, properties=_HEALTH_CHECK),
        "ipAddressType": Property(computed=True, force_new=True),
        "port": Property(kind=Kind.INTEGER, force_new=True),
        "protocol": Property(force_new=True),
        "protocolVersion": Property(computed=True, force_new=True),
        "targetType": Property(default="instance", force_new=True),
        "vpcId": Property(force_new=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="TargetGroupArn"),
        "arnSuffix": Property(output=True),
        "loadBalancerArns": Property(kind=Kind.SET, items=Property(), output=True, volatile=True),
        **unsupported(
            "connectionTermination",
            "lambdaMultiValueHeadersEnabled",
            "loadBalancingAlgorithmType",
            "loadBalancingAnomalyMitigation",
            "loadBalancingCrossZoneEnabled",
            "namePrefix",
            "preserveClientIp",
            "proxyProtocolV2",
            "slowStart",
            "stickiness",
            "targetControlPort",
            "targetFailovers",
            "targetGroupHealth",
            "targetHealthStates",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the target group, alone or in a list."""
        return {"TargetGroupArn": request.id, "TargetGroupArns": [request.id]}

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Add the health check."""
        check = self._health_check(request, self.creates, request.inputs)
        return super().create_parameters(request) | check

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create it, and set its attributes."""
        created = super().create(request)
        with initializing(created.id):
            self._set_attributes(request, created.id, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the attributes."""
        if (found := super().read(request)) is None:
            return None
        operation = Operation(name="DescribeTargetGroupAttributes", result=None)
        response = self.call(request, operation, {"TargetGroupArn": request.id})
        return found | _attributes(self.properties, self.attributes, response)

    def described(self, response: Document) -> Values:
        """Add what AWS describes in another form."""
        return {
            **super().described(response),
            "healthCheck": from_aws(_HEALTH_CHECK, response, Casing.PASCAL),
            "arnSuffix": _suffix(response["TargetGroupArn"], "targetgroup/", keep=True),
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the health check and the attributes, each with its own operation."""
        olds, news = request.state, request.inputs
        operation = Operation(name="ModifyTargetGroup")
        # Without a health check in the program, AWS keeps the one that there is.
        if "healthCheck" in news and olds.get("healthCheck") != news["healthCheck"]:
            check = self._health_check(request, operation, news)
            self.call(request, operation, {"TargetGroupArn": request.id, **check})
        if any(olds.get(name) != news.get(name) for name in self.attributes):
            self._set_attributes(request, request.id, news)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the target group once no listener uses it."""
        retry_while_refused(
            request,
            lambda: super(TargetGroup, self).delete(request),
            is_transient=lambda error: error.code.startswith("ResourceInUse"),
            limit=_UNUSED_SECONDS,
        )

    def _health_check(self, request: AwsRequest, operation: Operation, inputs: Values) -> Document:
        shape = request.context.input_shape(self.service, operation.name)
        return to_aws(_HEALTH_CHECK, as_object(inputs.get("healthCheck")), shape, Casing.PASCAL)

    def _set_attributes(self, request: AwsRequest, arn: str, inputs: Values) -> None:
        values = _attribute_list(self.properties, self.attributes, inputs)
        parameters = {"TargetGroupArn": arn, "Attributes": values}
        self.call(request, Operation(name="ModifyTargetGroupAttributes"), parameters)


class Listener(AwsResource):
    """aws:lb/listener:Listener with actions that forward to one target group."""

    token = "aws:lb/listener:Listener"  # noqa: S105  # a Pulumi type
    service = "elbv2"
    not_found_codes = frozenset({"ListenerNotFound", "ListenerNotFoundException"})
    creates = Operation(name="CreateListener", result="Listeners")
    reads = Operation(name="DescribeListeners", result="Listeners")
    updates = Operation(name="ModifyListener")
    deletes = Operation(name="DeleteListener")
    id_members = ("ListenerArn",)
    tagging = _TAGGING
    # AWS has a list of certificates.
    handled = HANDLED | {"certificateArn"}
    properties: ClassVar[Properties] = {
        "certificateArn": Property(),
        "defaultActions": Property(
            kind=Kind.LIST,
            required=True,
            items=Property(
                kind=Kind.OBJECT,
                properties={
                    "order": Property(kind=Kind.INTEGER, computed=True),
                    "targetGroupArn": Property(),
                    "type": Property(required=True),
                    **unsupported(
                        "authenticateCognito",
                        "authenticateOidc",
                        "fixedResponse",
                        "forward",
                        "jwtValidation",
                        "redirect",
                    ),
                },
            ),
        ),
        "loadBalancerArn": Property(required=True, force_new=True),
        "port": Property(kind=Kind.INTEGER),
        "protocol": Property(computed=True),
        "sslPolicy": Property(computed=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="ListenerArn"),
        **unsupported(
            "alpnPolicy",
            "mutualAuthentication",
            "routingHttpRequestXAmznMtlsClientcertHeaderName",
            "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName",
            "routingHttpRequestXAmznMtlsClientcertLeafHeaderName",
            "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName",
            "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName",
            "routingHttpRequestXAmznMtlsClientcertValidityHeaderName",
            "routingHttpRequestXAmznTlsCipherSuiteHeaderName",
            "routingHttpRequestXAmznTlsVersionHeaderName",
            "routingHttpResponseAccessControlAllowCredentialsHeaderValue",
            "routingHttpResponseAccessControlAllowHeadersHeaderValue",
            "routingHttpResponseAccessControlAllowMethodsHeaderValue",
            "routingHttpResponseAccessControlAllowOriginHeaderValue",
            "routingHttpResponseAccessControlExposeHeadersHeaderValue",
            "routingHttpResponseAccessControlMaxAgeHeaderValue",
            "routingHttpResponseContentSecurityPolicyHeaderValue",
            "routingHttpResponseServerEnabled",
            "routingHttpResponseStrictTransportSecurityHeaderValue",
            "routingHttpResponseXContentTypeOptionsHeaderValue",
            "routingHttpResponseXFrameOptionsHeaderValue",
            "tcpIdleTimeoutSeconds",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the listener, alone or in a list."""
        return {"ListenerArn": request.id, "ListenerArns": [request.id]}

    def described(self, response: Document) -> Values:
        """Add the certificate."""
        values = super().described(response)
        certificates = response.get("Certificates") or []
        if certificates:
            values["certificateArn"] = certificates[0]["CertificateArn"]
        return values

    def _parameters(self, request: AwsRequest, operation: Operation, inputs: Values) -> Document:
        parameters = super()._parameters(request, operation, inputs)
        if inputs.get("certificateArn"):
            parameters["Certificates"] = [{"CertificateArn": inputs["certificateArn"]}]
        return parameters


def _attribute_list(
    properties: Properties, attributes: Mapping[str, str], inputs: Values
) -> list[Document]:
    return [
        {"Key": key, "Value": _text(inputs.get(name, properties[name].default))}
        for name, key in attributes.items()
    ]


def _attributes(
    properties: Properties, attributes: Mapping[str, str], response: Document
) -> Values:
    found = {each["Key"]: each["Value"] for each in response["Attributes"]}
    return {
        name: _parsed(properties[name].kind, found[key])
        for name, key in attributes.items()
        if key in found
    }


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(kind: Kind, text: str) -> Value:
    return text == "true" if kind is Kind.BOOLEAN else int(text)


def _different(old: Value, new: Value) -> bool:
    """Return whether two sets have different items."""
    olds, news = (each if isinstance(each, list) else [] for each in (old, new))
    return sorted(map(str, olds)) != sorted(map(str, news))


def _suffix(arn: str, before: str, *, keep: bool = False) -> str:
    """Return the end of an ARN, as metrics name the resource."""
    end = arn.partition(before)[2]
    return f"{before}{end}" if keep else end
