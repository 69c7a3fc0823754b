"""The aws provider's functions that programs call.

Sources: the schemas of pulumi_aws's getRegion, getCallerIdentity, getPartition,
ecr.getAuthorizationToken, and ec2's getVpcs, getSubnets, getSubnet, getRouteTables, getRouteTable
and getManagedPrefixList.
"""

import base64
from typing import Final

import botocore.session

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.schema import Kind, Property, ProviderError, unsupported
from localcloud.providers.servicer import Invoke, InvokeRequest
from localcloud.providers.values import Values, as_object, as_string

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


_FILTERS: Final = Property(
    kind=Kind.LIST,
    items=Property(
        kind=Kind.OBJECT,
        properties={
            "name": Property(required=True),
            "values": Property(kind=Kind.LIST, items=Property(), required=True),
        },
    ),
)


def _described(
    request: InvokeRequest[Aws], operation: str, result: str, parameters: Document
) -> list[Document]:
    """Describe what EC2 has, in the region and with the filters of the arguments."""
    arguments, aws = request.arguments, request.context
    filters = [
        *parameters.pop("Filters", []),
        *({"Name": each["name"], "Values": each["values"]} for each in _filters(arguments)),
    ]
    given = parameters | ({"Filters": filters} if filters else {})
    region = as_string(arguments.get("region") or aws.region)
    found: list[Document] = aws.call("ec2", operation, given, region)[result]
    return found


def _filters(arguments: Values) -> list[Values]:
    listed = arguments.get("filters")
    return [as_object(each) for each in listed] if isinstance(listed, list) else []


def _ids(request: InvokeRequest[Aws], found: list[Document], member: str) -> Values:
    region = as_string(request.arguments.get("region") or request.context.region)
    return {"id": region, "ids": [as_string(each[member]) for each in found], "region": region}


def get_vpcs(request: InvokeRequest[Aws]) -> Values:
    """List the ids of VPCs."""
    return _ids(request, _described(request, "DescribeVpcs", "Vpcs", {}), "VpcId")


def get_subnets(request: InvokeRequest[Aws]) -> Values:
    """List the ids of subnets."""
    return _ids(request, _described(request, "DescribeSubnets", "Subnets", {}), "SubnetId")


def get_subnet(request: InvokeRequest[Aws]) -> Values:
    """Describe one subnet by its id."""
    parameters = {"SubnetIds": [as_string(request.arguments["id"])]}
    (found,) = _described(request, "DescribeSubnets", "Subnets", parameters)
    return {
        "id": found["SubnetId"],
        "arn": found.get("SubnetArn", ""),
        "availabilityZone": found["AvailabilityZone"],
        "cidrBlock": found["CidrBlock"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "vpcId": found["VpcId"],
    }


def get_route_tables(request: InvokeRequest[Aws]) -> Values:
    """List the ids of route tables."""
    vpc = request.arguments.get("vpcId")
    parameters: Document = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]} if vpc else {}
    found = _described(request, "DescribeRouteTables", "RouteTables", parameters)
    return _ids(request, found, "RouteTableId")


# Pulumi's names of what a route leads to, by EC2's.
_TARGETS: Final = {
    "CarrierGatewayId": "carrierGatewayId",
    "CoreNetworkArn": "coreNetworkArn",
    "EgressOnlyInternetGatewayId": "egressOnlyGatewayId",
    "GatewayId": "gatewayId",
    "InstanceId": "instanceId",
    "LocalGatewayId": "localGatewayId",
    "NatGatewayId": "natGatewayId",
    "NetworkInterfaceId": "networkInterfaceId",
    "TransitGatewayId": "transitGatewayId",
    "VpcPeeringConnectionId": "vpcPeeringConnectionId",
}


def get_route_table(request: InvokeRequest[Aws]) -> Values:
    """Describe one route table by its id."""
    parameters = {"RouteTableIds": [as_string(request.arguments["routeTableId"])]}
    (found,) = _described(request, "DescribeRouteTables", "RouteTables", parameters)
    return {
        "id": found["RouteTableId"],
        "routeTableId": found["RouteTableId"],
        "vpcId": found["VpcId"],
        # The real provider leaves out the routes that AWS makes by itself.
        "routes": [
            _route(each) for each in found.get("Routes", ()) if each.get("GatewayId") != "local"
        ],
        "associations": [
            {
                "main": each.get("Main", False),
                "routeTableAssociationId": each["RouteTableAssociationId"],
                "routeTableId": each["RouteTableId"],
                "subnetId": each.get("SubnetId", ""),
                "gatewayId": each.get("GatewayId", ""),
            }
            for each in found.get("Associations", ())
        ],
    }


def _route(route: Document) -> Values:
    targets: Values = {name: as_string(route.get(each, "")) for each, name in _TARGETS.items()}
    return {
        **targets,
        "cidrBlock": as_string(route.get("DestinationCidrBlock", "")),
        "ipv6CidrBlock": as_string(route.get("DestinationIpv6CidrBlock", "")),
        "destinationPrefixListId": as_string(route.get("DestinationPrefixListId", "")),
        "odbNetworkArn": "",
        "vpcEndpointId": "",
    }


def get_managed_prefix_list(request: InvokeRequest[Aws]) -> Values:
    """Describe one prefix list by its name, with its entries."""
    name = as_string(request.arguments["name"])
    named: Document = {"Filters": [{"Name": "prefix-list-name", "Values": [name]}]}
    found = _described(request, "DescribeManagedPrefixLists", "PrefixLists", named)
    if len(found) != 1:
        raise ProviderError(f"no managed prefix list is named {name}")
    (described,) = found
    identity = described["PrefixListId"]
    region = as_string(request.arguments.get("region") or request.context.region)
    entries = request.context.call(
        "ec2", "GetManagedPrefixListEntries", {"PrefixListId": identity}, region
    )["Entries"]
    return {
        "id": identity,
        "name": name,
        "arn": described.get("PrefixListArn", ""),
        "addressFamily": described.get("AddressFamily", ""),
        "entries": [
            {"cidr": each["Cidr"], "description": each.get("Description", "")} for each in entries
        ],
        "maxEntries": described.get("MaxEntries", 0),
        "ownerId": described.get("OwnerId", ""),
        "version": described.get("Version", 0),
    }


_REGION: Final = {"region": Property()}

INVOKES: Final = {
    "aws:ec2/getVpcs:getVpcs": Invoke(
        arguments={"filters": _FILTERS, **_REGION, **unsupported("tags")}, call=get_vpcs
    ),
    "aws:ec2/getSubnets:getSubnets": Invoke(
        arguments={"filters": _FILTERS, **_REGION, **unsupported("tags")}, call=get_subnets
    ),
    "aws:ec2/getSubnet:getSubnet": Invoke(
        arguments={
            "id": Property(required=True),
            **_REGION,
            **unsupported(
                "availabilityZone",
                "availabilityZoneId",
                "cidrBlock",
                "defaultForAz",
                "filters",
                "ipv6CidrBlock",
                "state",
                "tags",
                "vpcId",
            ),
        },
        call=get_subnet,
    ),
    "aws:ec2/getRouteTables:getRouteTables": Invoke(
        arguments={
            "filters": _FILTERS,
            "vpcId": Property(),
            **_REGION,
            **unsupported("tags"),
        },
        call=get_route_tables,
    ),
    "aws:ec2/getRouteTable:getRouteTable": Invoke(
        arguments={
            "routeTableId": Property(required=True),
            **_REGION,
            **unsupported("filters", "gatewayId", "subnetId", "tags", "vpcId"),
        },
        call=get_route_table,
    ),
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": Invoke(
        arguments={
            "name": Property(required=True),
            **_REGION,
            **unsupported("filters", "id", "tags"),
        },
        call=get_managed_prefix_list,
    ),
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
