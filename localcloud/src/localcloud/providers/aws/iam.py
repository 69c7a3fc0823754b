"""Identity and Access Management: roles and their inline policies.

Sources: the IAM API reference, and the schemas of aws_iam_role and aws_iam_role_policy for what
forces a replacement.
"""

from typing import ClassVar

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import ARN, TAGGED, AwsResource, Operation, Tagging
from localcloud.providers.schema import Kind, Properties, Property, Request, refused
from localcloud.providers.values import Values, text

_GONE = frozenset({"NoSuchEntity"})


class Role(AwsResource):
    """aws:iam/role:Role."""

    token = "aws:iam/role:Role"  # noqa: S105  # a Pulumi type
    service = "iam"
    autonamed = "name"
    gone = _GONE
    creates = Operation(name="CreateRole", result="Role")
    reads = Operation(name="GetRole", result="Role")
    updates = Operation(name="UpdateRole")
    deletes = Operation(name="DeleteRole")
    tagging = Tagging(
        resource="RoleName",
        property="name",
        tag="TagRole",
        untag="UntagRole",
        list="ListRoleTags",
    )
    handled = frozenset({"tags"})
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="RoleName"),
        "assumeRolePolicy": Property(kind=Kind.JSON, required=True, aws="AssumeRolePolicyDocument"),
        "description": Property(),
        "maxSessionDuration": Property(kind=Kind.INTEGER, default=3600),
        "path": Property(force_new=True, default="/"),
        "permissionsBoundary": Property(aws_read="PermissionsBoundary.PermissionsBoundaryArn"),
        **TAGGED,
        "arn": ARN,
        "createDate": Property(output=True),
        "uniqueId": Property(output=True, aws="RoleId"),
        **refused("forceDetachPolicies", "inlinePolicies", "managedPolicyArns", "namePrefix"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the role."""
        del state
        return {"RoleName": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the role's name."""
        del inputs
        return text(result["RoleName"])

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Set what UpdateRole doesn't: the trust policy and the permissions boundary."""
        role = {"RoleName": resource_id}
        if news["assumeRolePolicy"] != olds.get("assumeRolePolicy"):
            parameters = {**role, "PolicyDocument": news["assumeRolePolicy"]}
            self.call(request, Operation(name="UpdateAssumeRolePolicy"), parameters, news)
        boundary = news.get("permissionsBoundary")
        if boundary and boundary != olds.get("permissionsBoundary"):
            parameters = {**role, "PermissionsBoundary": boundary}
            self.call(request, Operation(name="PutRolePermissionsBoundary"), parameters, news)
        elif not boundary and olds.get("permissionsBoundary"):
            self.call(request, Operation(name="DeleteRolePermissionsBoundary"), role, news)
        # UpdateRole leaves a description that it isn't given as it is.
        super().update(request, resource_id, olds, {"description": "", **news})


class RolePolicy(AwsResource):
    """aws:iam/rolePolicy:RolePolicy."""

    token = "aws:iam/rolePolicy:RolePolicy"  # noqa: S105  # a Pulumi type
    service = "iam"
    autonamed = "name"
    gone = _GONE
    creates = Operation(name="PutRolePolicy")
    reads = Operation(name="GetRolePolicy")
    updates = Operation(name="PutRolePolicy")
    deletes = Operation(name="DeleteRolePolicy")
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="PolicyName"),
        "policy": Property(kind=Kind.JSON, required=True, aws="PolicyDocument"),
        "role": Property(required=True, force_new=True, aws="RoleName"),
        **refused("namePrefix"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the role and the policy: role:name."""
        del state
        role, _, name = resource_id.partition(":")
        return {"RoleName": role, "PolicyName": name}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the role's name and the policy's."""
        del result
        return f"{text(inputs['role'])}:{text(inputs['name'])}"
