"""The functions of the aws provider that programs call.

Sources: the schemas of pulumi_aws's getRegion, getCallerIdentity, getPartition and
ecr.getAuthorizationToken.
"""

import base64
from typing import Final

import botocore.session

from localcloud.providers.aws.clients import Aws
from localcloud.providers.schema import Property, refused
from localcloud.providers.servicer import Invoke
from localcloud.providers.values import Values, text

_LOCATIONS: Final = botocore.session.Session()


def get_region(aws: Aws, arguments: Values) -> Values:
    """Tell the region: the provider's, or the one that is asked for."""
    region = text(arguments.get("region") or arguments.get("name") or aws.region)
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
        "description": region,
    }


def get_partition(aws: Aws, arguments: Values) -> Values:
    """Tell the partition of the provider's region."""
    del arguments
    partition = _LOCATIONS.get_partition_for_region(aws.region)
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return {
        "id": partition,
        "partition": partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def get_caller_identity(aws: Aws, arguments: Values) -> Values:
    """Tell whose credentials these are."""
    del arguments
    found = aws.call("sts", "GetCallerIdentity", {})
    return {
        "id": found["Account"],
        "accountId": found["Account"],
        "arn": found["Arn"],
        "userId": found["UserId"],
    }


def get_authorization_token(aws: Aws, arguments: Values) -> Values:
    """Get what docker logs in to the registry with."""
    region = text(arguments.get("region") or aws.region)
    registry = arguments.get("registryId")
    request = {"registryIds": [text(registry)]} if registry else {}
    found = aws.call("ecr", "GetAuthorizationToken", request, region)["authorizationData"][0]
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
            **refused("endpoint"),
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
