"""CloudFront: distributions and their functions.

Sources: the Amazon CloudFront API reference, and the schemas of aws_cloudfront_distribution and
aws_cloudfront_function for the changes that force a replacement.
"""

import uuid
from collections.abc import Mapping
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import TAGGED, AwsRequest, AwsResource, Operation, Tagging
from localcloud.providers.aws.shapes import to_aws
from localcloud.providers.aws.waiting import poll_until_done
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    initializing,
    unsupported,
)
from localcloud.providers.values import Values, as_object, as_string

_DEVELOPMENT: Final = "DEVELOPMENT"
# Source: the same constant in hashicorp/terraform-provider-aws, internal/service/cloudfront.
_HOSTED_ZONE: Final = "Z2FDTNDATAQYW2"
_DEPLOYMENT_SECONDS: Final = 90 * 60.0
_VPC_ORIGIN_SECONDS: Final = 15 * 60.0
_CONFIG: Final = "DistributionConfig"
_TAGGING: Final = Tagging(resource="Resource", listed_as="Tags.Items", within="Items")


class Function(AwsResource):
    """aws:cloudfront/function:Function."""

    token = "aws:cloudfront/function:Function"  # noqa: S105  # a Pulumi type
    service = "cloudfront"
    autonamed = "name"
    not_found_codes = frozenset({"NoSuchFunctionExists"})
    creates = Operation(name="CreateFunction", result="FunctionSummary")
    reads = Operation(name="DescribeFunction", result="FunctionSummary")
    deletes = Operation(name="DeleteFunction")
    id_members = ("Name",)
    tagging = _TAGGING
    handled = frozenset({"code", "publish", "tags"})
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "code": Property(required=True),
        "comment": Property(default="", aws="FunctionConfig.Comment"),
        "publish": Property(kind=Kind.BOOLEAN, default=True, write_only=True),
        "runtime": Property(required=True, aws="FunctionConfig.Runtime"),
        **TAGGED,
        "arn": Property(output=True, aws="FunctionMetadata.FunctionARN"),
        "etag": Property(output=True, volatile=True),
        "liveStageEtag": Property(output=True, volatile=True),
        "status": Property(output=True, volatile=True),
        **unsupported("keyValueStoreAssociations"),
    }

    def create_parameters(self, request: CreateRequest[Aws]) -> Document:
        """Add the code."""
        return {**super().create_parameters(request), "FunctionCode": _code(request.inputs)}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the function, and publish it unless the program doesn't want that."""
        created = super().create(request)
        with initializing(created.id):
            self._publish(request, created.id, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the code, and the tags of its two stages."""
        if (found := super().read(request)) is None:
            return None
        found.pop("region", None)
        code = self._get(request, request.id, _DEVELOPMENT)
        return {
            **found,
            "code": bytes(code["FunctionCode"]).decode(),
            "etag": code["ETag"],
            "liveStageEtag": self._live_etag(request),
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change code and settings together, and publish them."""
        if self.is_changed(request):
            shape = request.context.input_shape(self.service, "UpdateFunction")
            self.call(
                request,
                Operation(name="UpdateFunction"),
                {
                    **to_aws(self.properties, request.inputs, shape, self.casing),
                    "Name": request.id,
                    "FunctionCode": _code(request.inputs),
                    "IfMatch": self._etag(request, request.id),
                },
            )
            self._publish(request, request.id, request.inputs)
        self.update_tags(request)

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Add the version that is deleted."""
        return {"Name": request.id, "IfMatch": self._etag(request, request.id)}

    def _publish(self, request: AwsRequest, name: str, inputs: Values) -> None:
        if inputs.get("publish", True):
            parameters = {"Name": name, "IfMatch": self._etag(request, name)}
            self.call(request, Operation(name="PublishFunction"), parameters)

    def _etag(self, request: AwsRequest, name: str) -> str:
        operation = Operation(name="DescribeFunction")
        found = self.call(request, operation, {"Name": name, "Stage": _DEVELOPMENT})
        return as_string(found["ETag"])

    def _live_etag(self, request: ResourceRequest[Aws]) -> str:
        try:
            return as_string(self._get(request, request.id, "LIVE")["ETag"])
        except AwsError as error:
            if error.code in self.not_found_codes:
                return ""
            raise

    def _get(self, request: AwsRequest, name: str, stage: str) -> Document:
        return self.call(request, Operation(name="GetFunction"), {"Name": name, "Stage": stage})


def _config(name: str) -> str:
    return f"{_CONFIG}.{name}"


_REQUIRED_TEXT: Final = Property(required=True)
_NUMBER: Final = Property(kind=Kind.INTEGER, computed=True)

_CUSTOM_ORIGIN: Final[Properties] = {
    "httpPort": Property(kind=Kind.INTEGER, required=True, aws="HTTPPort"),
    "httpsPort": Property(kind=Kind.INTEGER, required=True, aws="HTTPSPort"),
    "originKeepaliveTimeout": Property(kind=Kind.INTEGER, default=5),
    "originProtocolPolicy": _REQUIRED_TEXT,
    "originReadTimeout": Property(kind=Kind.INTEGER, default=30),
    "originSslProtocols": Property(
        kind=Kind.SET, items=Property(), required=True, aws="OriginSslProtocols.Items"
    ),
    **unsupported("ipAddressType", "originMtlsConfig"),
}
_VPC_ORIGIN: Final[Properties] = {
    "originKeepaliveTimeout": Property(kind=Kind.INTEGER, default=5),
    "originReadTimeout": Property(kind=Kind.INTEGER, default=30),
    "vpcOriginId": _REQUIRED_TEXT,
    **unsupported("ownerAccountId"),
}
_ORIGIN: Final[Properties] = {
    "connectionAttempts": _NUMBER,
    "connectionTimeout": _NUMBER,
    "customOriginConfig": Property(kind=Kind.OBJECT, properties=_CUSTOM_ORIGIN),
    "domainName": _REQUIRED_TEXT,
    "originId": Property(required=True, aws="Id"),
    "originPath": Property(default=""),
    "vpcOriginConfig": Property(kind=Kind.OBJECT, properties=_VPC_ORIGIN),
    **unsupported(
        "customHeaders",
        "originAccessControlId",
        "originShield",
        "responseCompletionTimeout",
        "s3OriginConfig",
    ),
}
_BEHAVIOR: Final[Properties] = {
    "allowedMethods": Property(
        kind=Kind.SET, items=Property(), required=True, aws="AllowedMethods.Items"
    ),
    "cachePolicyId": Property(),
    "cachedMethods": Property(
        kind=Kind.SET, items=Property(), required=True, aws="AllowedMethods.CachedMethods.Items"
    ),
    "compress": Property(kind=Kind.BOOLEAN, default=False),
    "functionAssociations": Property(
        kind=Kind.SET,
        items=Property(
            kind=Kind.OBJECT,
            properties={
                "eventType": _REQUIRED_TEXT,
                "functionArn": Property(required=True, aws="FunctionARN"),
            },
        ),
        aws="FunctionAssociations.Items",
    ),
    "originRequestPolicyId": Property(),
    "targetOriginId": _REQUIRED_TEXT,
    "viewerProtocolPolicy": _REQUIRED_TEXT,
    **unsupported(
        "defaultTtl",
        "fieldLevelEncryptionId",
        "forwardedValues",
        "grpcConfig",
        "lambdaFunctionAssociations",
        "maxTtl",
        "minTtl",
        "realtimeLogConfigArn",
        "responseHeadersPolicyId",
        "smoothStreaming",
        "trustedKeyGroups",
        "trustedSigners",
    ),
}


def _signers(member: str) -> Property:
    return Property(
        kind=Kind.LIST,
        items=Property(
            kind=Kind.OBJECT, properties={"enabled": Property(kind=Kind.BOOLEAN, output=True)}
        ),
        output=True,
        aws=member,
    )


class Distribution(AwsResource):
    """aws:cloudfront/distribution:Distribution."""

    token = "aws:cloudfront/distribution:Distribution"  # noqa: S105  # a Pulumi type
    service = "cloudfront"
    not_found_codes = frozenset({"NoSuchDistribution"})
    # Without tags, for the comparison with its shape; `create` calls CreateDistributionWithTags.
    creates = Operation(name="CreateDistribution", result="Distribution")
    reads = Operation(name="GetDistribution", result="Distribution")
    deletes = Operation(name="DeleteDistribution")
    id_members = ("Id",)
    tagging = _TAGGING
    handled = frozenset({"retainOnDelete", "tags", "waitForDeployment"})
    properties: ClassVar[Properties] = {
        "aliases": Property(kind=Kind.SET, items=Property(), aws=_config("Aliases.Items")),
        "comment": Property(aws=_config("Comment")),
        "defaultCacheBehavior": Property(
            kind=Kind.OBJECT,
            required=True,
            properties=_BEHAVIOR,
            aws=_config("DefaultCacheBehavior"),
        ),
        "enabled": Property(kind=Kind.BOOLEAN, required=True, aws=_config("Enabled")),
        "httpVersion": Property(default="http2", aws=_config("HttpVersion")),
        "isIpv6Enabled": Property(kind=Kind.BOOLEAN, default=False, aws=_config("IsIPV6Enabled")),
        "origins": Property(
            kind=Kind.SET,
            items=Property(kind=Kind.OBJECT, properties=_ORIGIN),
            required=True,
            aws=_config("Origins.Items"),
        ),
        "priceClass": Property(default="PriceClass_All", aws=_config("PriceClass")),
        "restrictions": Property(
            kind=Kind.OBJECT,
            required=True,
            properties={
                "geoRestriction": Property(
                    kind=Kind.OBJECT,
                    required=True,
                    # botocore requires Quantity, which with_quantities adds.
                    unchecked=True,
                    properties={
                        "locations": Property(kind=Kind.SET, items=Property(), aws="Items"),
                        "restrictionType": _REQUIRED_TEXT,
                    },
                )
            },
            aws=_config("Restrictions"),
        ),
        "retainOnDelete": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "viewerCertificate": Property(
            kind=Kind.OBJECT,
            required=True,
            properties={
                "acmCertificateArn": Property(aws="ACMCertificateArn"),
                "cloudfrontDefaultCertificate": Property(
                    kind=Kind.BOOLEAN, aws="CloudFrontDefaultCertificate"
                ),
                "minimumProtocolVersion": Property(computed=True),
                "sslSupportMethod": Property(aws="SSLSupportMethod"),
                **unsupported("iamCertificateId"),
            },
            aws=_config("ViewerCertificate"),
        ),
        "waitForDeployment": Property(kind=Kind.BOOLEAN, default=True, write_only=True),
        "webAclId": Property(aws=_config("WebACLId")),
        **TAGGED,
        "arn": Property(output=True, aws="ARN"),
        "callerReference": Property(output=True, aws=_config("CallerReference")),
        "domainName": Property(output=True),
        "etag": Property(output=True, volatile=True),
        "hostedZoneId": Property(output=True),
        "inProgressValidationBatches": Property(
            kind=Kind.INTEGER, output=True, volatile=True, aws="InProgressInvalidationBatches"
        ),
        "lastModifiedTime": Property(output=True, volatile=True),
        "loggingV1Enabled": Property(kind=Kind.BOOLEAN, output=True),
        "status": Property(output=True, volatile=True),
        "trustedKeyGroups": _signers("ActiveTrustedKeyGroups"),
        "trustedSigners": _signers("ActiveTrustedSigners"),
        **unsupported(
            "anycastIpListId",
            "cacheTagConfig",
            "connectionFunctionAssociation",
            "continuousDeploymentPolicyId",
            "customErrorResponses",
            "defaultRootObject",
            "loggingConfig",
            "orderedCacheBehaviors",
            "originGroups",
            "staging",
            "viewerMtlsConfig",
        ),
    }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the distribution with its tags, and wait until every edge location has it."""
        config = self._config(request, request.inputs)
        config["CallerReference"] = uuid.uuid4().hex
        tags = request.inputs.get("tags") or {}
        parameters: Document = {
            "DistributionConfigWithTags": {
                _CONFIG: config,
                "Tags": self.tagging.to_aws(tags if isinstance(tags, dict) else {}),
            }
        }
        operation = Operation(name="CreateDistributionWithTags", result="Distribution")
        created = Created(id=as_string(self.call(request, operation, parameters)["Id"]))
        with initializing(created.id):
            self._wait_until_deployed(request, created.id, request.inputs)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add what the description doesn't have."""
        if (found := super().read(request)) is None:
            return None
        found.pop("region", None)
        certificate = as_object(found.get("viewerCertificate"))
        if certificate.get("cloudfrontDefaultCertificate"):
            # Source: flattenViewerCertificate in hashicorp/terraform-provider-aws.
            certificate.pop("sslSupportMethod", None)
        return {
            **found,
            "viewerCertificate": certificate,
            "etag": as_string(self._get(request, request.id)["ETag"]),
            "hostedZoneId": _HOSTED_ZONE,
            "loggingV1Enabled": False,
        }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the whole configuration, and wait until every edge location has it."""
        if self.is_changed(request):
            self._reconfigure(request, self._config(request, request.inputs))
            self._wait_until_deployed(request, request.id, request.inputs)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Disable the distribution, and delete it once every edge location knows that."""
        try:
            current = self._get(request, request.id)
            config = current["Distribution"][_CONFIG]
            if config["Enabled"]:
                self._reconfigure(request, {**config, "Enabled": False})
            if request.state.get("retainOnDelete") is True:
                return
            self._wait_until_deployed(request, request.id, {})
        except AwsError as error:
            if error.code in self.not_found_codes:
                return
            raise
        super().delete(request)

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Add the version that is deleted."""
        return {"Id": request.id, "IfMatch": self._get(request, request.id)["ETag"]}

    def _reconfigure(self, request: ResourceRequest[Aws], config: Document) -> None:
        current = self._get(request, request.id)
        reference = current["Distribution"][_CONFIG]["CallerReference"]
        parameters = {
            "Id": request.id,
            "IfMatch": current["ETag"],
            _CONFIG: {**config, "CallerReference": reference},
        }
        self.call(request, Operation(name="UpdateDistribution"), parameters)

    def _config(self, request: AwsRequest, inputs: Values) -> Document:
        shape = request.context.input_shape(self.service, "UpdateDistribution")
        # CloudFront requires a comment, also an empty one.
        converted = to_aws(self.properties, {"comment": "", **inputs}, shape, self.casing)
        config: Document = with_quantities(converted[_CONFIG])
        return config

    def _wait_until_deployed(self, request: AwsRequest, name: str, inputs: Values) -> None:
        if not inputs.get("waitForDeployment", True):
            return

        def poll() -> Document | None:
            found: Document = self._get(request, name)["Distribution"]
            return found if found["Status"] == "Deployed" else None

        poll_until_done(request, poll, what=f"the distribution {name}", limit=_DEPLOYMENT_SECONDS)

    def _get(self, request: AwsRequest, name: str) -> Document:
        return self.call(request, Operation(name="GetDistribution"), {"Id": name})


class VpcOrigin(AwsResource):
    """aws:cloudfront/vpcOrigin:VpcOrigin."""

    token = "aws:cloudfront/vpcOrigin:VpcOrigin"  # noqa: S105  # a Pulumi type
    service = "cloudfront"
    not_found_codes = frozenset({"EntityNotFound", "NoSuchResource"})
    creates = Operation(name="CreateVpcOrigin", result="VpcOrigin")
    reads = Operation(name="GetVpcOrigin", result="VpcOrigin")
    updates = Operation(name="UpdateVpcOrigin")
    deletes = Operation(name="DeleteVpcOrigin")
    id_members = ("Id",)
    tagging = _TAGGING
    handled = frozenset({"tags", "timeouts"})
    properties: ClassVar[Properties] = {
        "vpcOriginEndpointConfig": Property(
            kind=Kind.OBJECT,
            required=True,
            properties={
                "arn": _REQUIRED_TEXT,
                "httpPort": Property(kind=Kind.INTEGER, required=True, aws="HTTPPort"),
                "httpsPort": Property(kind=Kind.INTEGER, required=True, aws="HTTPSPort"),
                "name": _REQUIRED_TEXT,
                "originProtocolPolicy": _REQUIRED_TEXT,
                "originSslProtocols": Property(
                    kind=Kind.OBJECT,
                    required=True,
                    properties={
                        "items": Property(kind=Kind.SET, items=Property(), required=True),
                        "quantity": Property(kind=Kind.INTEGER, required=True),
                    },
                ),
            },
        ),
        **TAGGED,
        "arn": Property(output=True),
        "etag": Property(output=True, volatile=True),
        **unsupported("timeouts"),
    }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the way into the VPC, and wait until it is deployed."""
        created = super().create(request)
        with initializing(created.id):
            self._wait_until_deployed(request, created.id)
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Add the version."""
        if (found := super().read(request)) is None:
            return None
        found.pop("region", None)
        return {**found, "etag": as_string(self._get(request, request.id)["ETag"])}

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change it in the version that there is, and wait until it is deployed."""
        if self.is_changed(request):
            parameters = self._parameters(request, self.updates, request.inputs)
            version = self._get(request, request.id)["ETag"]
            self.call(request, self.updates, parameters | {"Id": request.id, "IfMatch": version})
            self._wait_until_deployed(request, request.id)
        self.update_tags(request)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete it, and wait until it is gone."""
        try:
            version = self._get(request, request.id)["ETag"]
            self.call(request, self.deletes, {"Id": request.id, "IfMatch": version})
        except AwsError as error:
            if error.code not in self.not_found_codes:
                raise
        poll_until_done(
            request,
            lambda: True if self.read(request) is None else None,
            what=f"the VPC origin {request.id}",
            limit=_VPC_ORIGIN_SECONDS,
        )

    def _wait_until_deployed(self, request: AwsRequest, name: str) -> None:
        def poll() -> Document | None:
            found: Document = self._get(request, name)["VpcOrigin"]
            return found if found["Status"] == "Deployed" else None

        poll_until_done(request, poll, what=f"the VPC origin {name}", limit=_VPC_ORIGIN_SECONDS)

    def _get(self, request: AwsRequest, name: str) -> Document:
        return self.call(request, Operation(name="GetVpcOrigin"), {"Id": name})


def with_quantities(value: object) -> Document:
    """Return a configuration with the number of items next to every list of them."""
    converted = _with_quantities(value)
    if not isinstance(converted, dict):
        raise TypeError(f"a configuration is an object, not {type(value).__name__}")
    return converted


def _with_quantities(value: object) -> object:
    if isinstance(value, list):
        return [_with_quantities(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    converted = {name: _with_quantities(each) for name, each in value.items()}
    items = converted.get("Items")
    if isinstance(items, list):
        converted["Quantity"] = len(items)
    elif "RestrictionType" in converted:
        converted["Quantity"] = 0
    return converted


def _code(inputs: Values) -> bytes:
    return as_string(inputs["code"]).encode()
