"""The aws provider's functions that programs call.

Sources: the schemas of pulumi_aws's getRegion, getCallerIdentity, getPartition and
ecr.getAuthorizationToken.
"""

import base64
from typing import Final

import botocore.session

from localcloud.providers.aws.clients import Aws
from localcloud.providers.schema import Property, unsupported
from localcloud.providers.servicer import Invoke, InvokeRequest
from localcloud.providers.values import Values, as_string

_LOCATIONS: Final = botocore.session.Session()


def get_region(request: InvokeRequest[Aws]) -> Values:
    """Return the requested region, or the provider's."""
    arguments, aws = request.arguments, request.context
    region = as_string(arguments.get("region") or arguments.get("name") or aws.region)
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
        "description": region,
    }


def get_partition(request: InvokeRequest[Aws]) -> Values:
    """Return the partition of the provider's region."""
    partition = _LOCATIONS.get_partition_for_region(request.context.region)
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return {
        "id": partition,
        "partition": partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def get_caller_identity(request: InvokeRequest[Aws]) -> Values:
    """Return the account and user of the provider's credentials."""
    found = request.context.call("sts", "GetCallerIdentity", {})
    return {
        "id": found["Account"],
        "accountId": found["Account"],
        "arn": found["Arn"],
        "userId": found["UserId"],
    }


def get_authorization_token(request: InvokeRequest[Aws]) -> Values:
    """Get the credentials for `docker login` to the registry."""
    arguments, aws = request.arguments, request.context
    region = as_string(arguments.get("region") or aws.region)
    registry = arguments.get("registryId")
    parameters = {"registryIds": [as_string(registry)]} if registry else {}
    response = aws.call("ecr", "GetAuthorizationToken", parameters, region)
    found = response["authorizationData"][0]
    token = found["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    return {
        "id": region,
        "authorizationToken": token,
        "expiresAt": found["expiresAt"].isoformat(),
        "password": password,
        "proxyEndpoint": found["proxyEndpoint"],
        "region": region,
        "userName": user,
    }


INVOKES: Final = {
    "aws:index/getRegion:getRegion": Invoke(
        arguments={
            "id": Property(),
            "name": Property(),
            "region": Property(),
            **unsupported("endpoint"),
        },
        call=get_region,
    ),
    "aws:index/getPartition:getPartition": Invoke(arguments={"id": Property()}, call=get_partition),
    "aws:index/getCallerIdentity:getCallerIdentity": Invoke(
        arguments={"id": Property()}, call=get_caller_identity
    ),
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": Invoke(
        arguments={"region": Property(), "registryId": Property()},
        call=get_authorization_token,
        secret=frozenset({"authorizationToken", "password"}),
    ),
}
