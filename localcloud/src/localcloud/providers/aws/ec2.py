"""EC2: security groups and their rules.

Sources: the Amazon EC2 API reference, and the schemas of aws_security_group,
aws_vpc_security_group_ingress_rule and _egress_rule for the changes that force a replacement.
"""

from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.shapes import Casing, to_aws
from localcloud.providers.aws.waiting import retry_while_refused
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
from localcloud.providers.values import Values, as_string

# Source: the timeouts of aws_security_group in hashicorp/terraform-provider-aws.
_DELETION_SECONDS: Final = 15 * 60.0
_EVERYTHING: Final = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _tagging(resource_type: str, name: str) -> Tagging:
    return Tagging(
        resource="Resources",
        property=name,
        several=True,
        keys="Tags",
        created_as="TagSpecifications",
        specified_for=resource_type,
        tag="CreateTags",
        untag="DeleteTags",
        list=None,
    )


class SecurityGroup(AwsResource):
    """aws:ec2/securityGroup:SecurityGroup, without the rules that other resources add."""

    token = "aws:ec2/securityGroup:SecurityGroup"  # noqa: S105  # a Pulumi type
    service = "ec2"
    autonamed = "name"
    not_found_codes = frozenset({"InvalidGroup.NotFound"})
    creates = Operation(name="CreateSecurityGroup")
    reads = Operation(name="DescribeSecurityGroups", result="SecurityGroups")
    deletes = Operation(name="DeleteSecurityGroup")
    id_members = ("GroupId",)
    tagging = _tagging("security-group", "id")
    handled = HANDLED | {"revokeRulesOnDelete"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="GroupName"),
        "description": Property(force_new=True, default="Managed by Pulumi"),
        "vpcId": Property(force_new=True, computed=True),
        "revokeRulesOnDelete": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="SecurityGroupArn"),
        "ownerId": Property(output=True),
        **unsupported("egress", "ingress", "namePrefix"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the group, alone or in a list."""
        return {"GroupId": request.id, "GroupIds": [request.id]}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the group and revoke its rule for all outgoing traffic, as Pulumi does."""
        created = super().create(request)
        with initializing(created.id):
            operation = Operation(name="RevokeSecurityGroupEgress")
            self.call(request, operation, {"GroupId": created.id, "IpPermissions": [_EVERYTHING]})
        return created

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Derive the ARN, which not every endpoint returns."""
        found = super().read(request)
        if found is not None:
            region, owner = found["region"], found["ownerId"]
            found["arn"] = f"arn:aws:ec2:{region}:{owner}:security-group/{request.id}"
            found["id"] = request.id
        return found

    def update_tags(self, request: UpdateRequest[Aws]) -> None:
        """Name the group by its id."""
        super().update_tags(_with_id(request))

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the group once nothing uses it."""
        retry_while_refused(
            request,
            lambda: super(SecurityGroup, self).delete(request),
            is_transient=lambda error: error.code == "DependencyViolation",
            limit=_DELETION_SECONDS,
        )


_RULE: Final[Properties] = {
    "cidrIpv4": Property(),
    "description": Property(),
    "fromPort": Property(kind=Kind.INTEGER),
    "ipProtocol": Property(required=True),
    "prefixListId": Property(),
    "referencedSecurityGroupId": Property(
        aws="ReferencedGroupId", aws_read="ReferencedGroupInfo.GroupId"
    ),
    "toPort": Property(kind=Kind.INTEGER),
    **unsupported("cidrIpv6"),
}


class _SecurityGroupRule(AwsResource):
    """One rule of a security group, in either direction."""

    service = "ec2"
    not_found_codes = frozenset({"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"})
    reads = Operation(name="DescribeSecurityGroupRules", result="SecurityGroupRules")
    id_members = ("SecurityGroupRuleId",)
    tagging = _tagging("security-group-rule", "securityGroupRuleId")
    # Authorizations take lists of permissions, and changes lists of rules.
    handled = HANDLED | frozenset(_RULE)
    properties: ClassVar[Properties] = {
        **_RULE,
        "securityGroupId": Property(required=True, force_new=True, aws="GroupId"),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="SecurityGroupRuleArn"),
        "securityGroupRuleId": Property(output=True),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the rule in a list, and its group."""
        return {
            "SecurityGroupRuleIds": [request.id],
            "GroupId": request.state.get("securityGroupId"),
        }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Authorize the traffic."""
        parameters = self.create_parameters(request)
        parameters["IpPermissions"] = [_permission(request.inputs)]
        response = self.call(request, self.creates, parameters)
        return Created(id=as_string(response["SecurityGroupRules"][0]["SecurityGroupRuleId"]))

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Derive the ARN, which not every endpoint returns."""
        found = super().read(request)
        if found is not None:
            caller = request.context.call("sts", "GetCallerIdentity", {})
            account, region = caller["Account"], found["region"]
            found["arn"] = f"arn:aws:ec2:{region}:{account}:security-group-rule/{request.id}"
        return found

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the whole rule, and change the tags."""
        if self.is_changed(request):
            shape = request.context.input_shape(self.service, "ModifySecurityGroupRules")
            rules = shape.members["SecurityGroupRules"].member.members["SecurityGroupRule"]  # type: ignore[attr-defined] # a list of structures
            rule = to_aws(_RULE, request.inputs, rules, Casing.PASCAL)
            parameters = {
                "GroupId": request.inputs["securityGroupId"],
                "SecurityGroupRules": [
                    {"SecurityGroupRuleId": request.id, "SecurityGroupRule": rule}
                ],
            }
            self.call(request, Operation(name="ModifySecurityGroupRules"), parameters)
        self.update_tags(request)


class SecurityGroupIngressRule(_SecurityGroupRule):
    """aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"  # noqa: S105  # a Pulumi type
    creates = Operation(name="AuthorizeSecurityGroupIngress")
    deletes = Operation(name="RevokeSecurityGroupIngress")


class SecurityGroupEgressRule(_SecurityGroupRule):
    """aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"  # noqa: S105  # a Pulumi type
    creates = Operation(name="AuthorizeSecurityGroupEgress")
    deletes = Operation(name="RevokeSecurityGroupEgress")


def _permission(inputs: Values) -> Document:
    """Return a rule as a permission, which has a list for each kind of source."""
    text = {"Description": inputs["description"]} if inputs.get("description") else {}
    sources = {
        "cidrIpv4": ("IpRanges", "CidrIp"),
        "prefixListId": ("PrefixListIds", "PrefixListId"),
        "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    }
    permission: Document = {"IpProtocol": inputs["ipProtocol"]}
    for name, member in (("fromPort", "FromPort"), ("toPort", "ToPort")):
        if inputs.get(name) is not None:
            permission[member] = inputs[name]
    for name, (ranges, member) in sources.items():
        if inputs.get(name):
            permission[ranges] = [{member: inputs[name], **text}]
    return permission


def _with_id(request: UpdateRequest[Aws]) -> UpdateRequest[Aws]:
    """Return a request with the id in its state, which the engine leaves out."""
    return UpdateRequest(
        context=request.context,
        timeout=request.timeout,
        cancelled=request.cancelled,
        id=request.id,
        state={**request.state, "id": request.id},
        inputs=request.inputs,
    )
