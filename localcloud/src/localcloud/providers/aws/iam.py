"""Identity and Access Management: roles and their inline policies.

Sources: the IAM API reference, and the schemas of aws_iam_role and aws_iam_role_policy for the
changes that force a replacement.
"""

from dataclasses import replace
from typing import ClassVar

from localcloud.providers.aws.clients import Aws
from localcloud.providers.aws.resource import ARN, TAGGED, AwsResource, Operation, Tagging
from localcloud.providers.schema import Kind, Properties, Property, UpdateRequest, unsupported

_NOT_FOUND_CODES = frozenset({"NoSuchEntity"})


class Role(AwsResource):
    """aws:iam/role:Role."""

    token = "aws:iam/role:Role"  # noqa: S105  # a Pulumi type
    service = "iam"
    autonamed = "name"
    not_found_codes = _NOT_FOUND_CODES
    creates = Operation(name="CreateRole", result="Role")
    reads = Operation(name="GetRole", result="Role")
    updates = Operation(name="UpdateRole")
    deletes = Operation(name="DeleteRole")
    id_members = ("RoleName",)
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
        **unsupported("forceDetachPolicies", "inlinePolicies", "managedPolicyArns", "namePrefix"),
    }

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the trust policy and the permissions boundary, which UpdateRole can't."""
        old, new = request.state, request.inputs
        role = {"RoleName": request.id}
        if new["assumeRolePolicy"] != old.get("assumeRolePolicy"):
            parameters = {**role, "PolicyDocument": new["assumeRolePolicy"]}
            self.call(request, Operation(name="UpdateAssumeRolePolicy"), parameters)
        boundary = new.get("permissionsBoundary")
        if boundary and boundary != old.get("permissionsBoundary"):
            parameters = {**role, "PermissionsBoundary": boundary}
            self.call(request, Operation(name="PutRolePermissionsBoundary"), parameters)
        elif not boundary and old.get("permissionsBoundary"):
            self.call(request, Operation(name="DeleteRolePermissionsBoundary"), role)
        # UpdateRole keeps a description that it isn't given.
        super().update(replace(request, inputs={"description": "", **new}))


class RolePolicy(AwsResource):
    """aws:iam/rolePolicy:RolePolicy."""

    token = "aws:iam/rolePolicy:RolePolicy"  # noqa: S105  # a Pulumi type
    service = "iam"
    autonamed = "name"
    not_found_codes = _NOT_FOUND_CODES
    creates = Operation(name="PutRolePolicy")
    reads = Operation(name="GetRolePolicy")
    updates = Operation(name="PutRolePolicy")
    deletes = Operation(name="DeleteRolePolicy")
    id_members = ("RoleName", "PolicyName")
    id_separator = ":"
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="PolicyName"),
        "policy": Property(kind=Kind.JSON, required=True, aws="PolicyDocument"),
        "role": Property(required=True, force_new=True, aws="RoleName"),
        **unsupported("namePrefix"),
    }
