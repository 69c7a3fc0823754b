"""P2: the policy's rules, on what is deployed and on the rights that AWS has now."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.checks.monitoring import refresh_command
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed
from automation.policy.changes import resource_violations
from automation.policy.documents import excessive_rights, public_access, unwanted_trust
from automation.policy.expectations import Expectations
from automation.policy.resources import Resource, deployed_resources
from automation.waiting import is_not_found

_ROLE: Final = "aws:iam/role:Role"
_ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
_FUNCTION: Final = "aws:lambda/function:Function"
_NO_POLICY: Final = "RepositoryPolicyNotFoundException"


@check("P2-policy")
def policy(probe: Probe) -> None:
    """Every deployed resource follows the policy, and nobody has more rights than deployed."""
    context = probe.context
    resources = tuple(deployed_resources(context.state()))
    expected = Expectations.of(context.settings, context.names)
    deployed = resource_violations(resources, expected)
    probe.note(
        "The policy's rules, applied to the stack's state",
        {"resources": len(resources), "violations": [str(each) for each in deployed]},
    )
    problems = [str(each) for each in deployed]
    if problems:
        problems.append(
            "to deploy what this checkout and the configuration describe, run: python -m automation"
            f" deploy --stack {context.stack}"
        )
    changed = [*_changed_roles(probe, resources), *_changed_access(probe, resources, expected)]
    if changed:
        problems += [*changed, f"for the rest, run: {refresh_command(probe)}"]
    if problems:
        raise Failed("; ".join(problems))


def _changed_roles(probe: Probe, resources: Iterable[Resource]) -> Iterator[str]:
    """Report what IAM gives the stack's roles beyond what is deployed."""
    deployed = tuple(resources)
    own = {
        (each.inputs.get("role"), each.inputs.get("name"))
        for each in deployed
        if each.type == _ROLE_POLICY
    }
    for role in deployed:
        if role.type != _ROLE:
            continue
        name = str(role.inputs["name"])
        found = probe.aws("iam", "get_role", RoleName=name, shown=_trust)["Role"]
        trust = json.dumps(found["AssumeRolePolicyDocument"])
        yield from _reported(name, unwanted_trust(trust), "trust")
        for attached in probe.aws_pages("iam", "list_attached_role_policies", RoleName=name)[
            "AttachedPolicies"
        ]:
            yield (
                f"{name} has the policy {attached['PolicyName']}, which isn't deployed; to detach"
                f" it, run: aws iam detach-role-policy --role-name {name} --policy-arn"
                f" {attached['PolicyArn']}"
            )
        for inline in probe.aws_pages("iam", "list_role_policies", RoleName=name)["PolicyNames"]:
            if (name, inline) not in own:
                # Pulumi reads only the policies that it has created.
                yield (
                    f"{name} has the policy {inline}, which isn't deployed; to delete it, run:"
                    f" aws iam delete-role-policy --role-name {name} --policy-name {inline}"
                )
                continue
            document = probe.aws("iam", "get_role_policy", RoleName=name, PolicyName=inline)
            rights = json.dumps(document["PolicyDocument"])
            yield from _reported(name, excessive_rights(rights), "least-privilege")


def _reported(name: str, messages: Iterable[str], rule: str) -> Iterator[str]:
    for message in messages:
        yield f"{name} {message}, changed by hand ({rule})"


def _changed_access(
    probe: Probe, resources: Iterable[Resource], expected: Expectations
) -> Iterator[str]:
    """Report what the policies of resources allow beyond what is deployed."""
    for resource in resources:
        find = _POLICIES.get(resource.type)
        if find is None:
            continue
        name = str(resource.inputs["name"])
        # The server's own address is open to everyone; P3-running compares that with its host.
        if resource.type == _FUNCTION and name in expected.public_functions:
            continue
        document = find(probe, resource)
        if document:
            yield from _reported(name, public_access(document), "public-access")


def _function_policy(probe: Probe, function: Resource) -> str | None:
    return _found(
        lambda: probe.aws("lambda", "get_policy", FunctionName=function.inputs["name"])["Policy"]
    )


def _repository_policy(probe: Probe, repository: Resource) -> str | None:
    name = repository.inputs["name"]
    return _found(
        lambda: probe.aws("ecr", "get_repository_policy", repositoryName=name)["policyText"]
    )


def _secret_policy(probe: Probe, secret: Resource) -> str | None:
    arn = secret.outputs["arn"]
    found = probe.aws("secretsmanager", "get_resource_policy", SecretId=arn)
    document: str | None = found.get("ResourcePolicy")
    return document


def _topic_policy(probe: Probe, topic: Resource) -> str | None:
    arn = topic.outputs["arn"]
    region = arn.split(":")[3]
    found = probe.aws("sns", "get_topic_attributes", region=region, TopicArn=arn)
    document: str | None = found["Attributes"].get("Policy")
    return document


def _found(look_up: Callable[[], object]) -> str | None:
    """Return a policy, or None for a resource that has none."""
    try:
        return str(look_up())
    except ClientError as error:
        if is_not_found(error) or error.response["Error"]["Code"] == _NO_POLICY:
            return None
        raise


_POLICIES: Final[Mapping[str, Callable[[Probe, Resource], str | None]]] = {
    "aws:ecr/repository:Repository": _repository_policy,
    _FUNCTION: _function_policy,
    "aws:secretsmanager/secret:Secret": _secret_policy,
    "aws:sns/topic:Topic": _topic_policy,
}


def _trust(response: Mapping[str, Any]) -> object:
    return response["Role"]["AssumeRolePolicyDocument"]
