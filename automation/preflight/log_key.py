"""Whether CloudWatch Logs may use the key that encrypts the stack's log groups.

CloudWatch Logs refuses a log group whose key it can't use, in the middle of the deployment. Source:
"Encrypt log data in CloudWatch Logs using AWS Key Management Service" in the Amazon CloudWatch Logs
User Guide.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.remedies import config_command
from automation.sessions import Clients

_LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
_KEY: Final = "kmsKeyId"
_MISSING: Final = "NotFoundException"
_DENIED: Final = "AccessDeniedException"
_SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
_DOCUMENTED: Final = (
    "kms:Encrypt*",
    "kms:Decrypt*",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:Describe*",
)
_ACTIONS: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)
_FIXES: Final = {
    "Disabled": "aws kms enable-key --region {region} --key-id {key}",
    "PendingDeletion": (
        "aws kms cancel-key-deletion --region {region} --key-id {key}, then aws kms enable-key"
        " --region {region} --key-id {key}"
    ),
}


def check_log_keys(plan: Plan, clients_in: Callable[[str | None], Clients]) -> Iterator[str]:
    """Look up the keys of the log groups that are created or get another key.

    What this role may not read stays unknown, and CloudWatch Logs has the last word.

    Args:
        clients_in: makes clients of a region; of the stack's for None.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: CloudWatch Logs can't use one.
    """
    for key, region in keys_to_use(plan):
        kms = clients_in(region)("kms")
        if (region := kms.meta.region_name) != _region(key):
            raise PreflightError(
                f"logKeyArn's key {key} must be in {region}, where the log groups are.\n"
                + _another_key(plan.stack)
            )
        try:
            metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
            if (problem := find_key_problem(key, metadata)) is not None:
                raise PreflightError(f"{problem}\n{_another_key(plan.stack)}")
            policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _MISSING:
                raise PreflightError(
                    f"The key of logKeyArn doesn't exist: {error}\n{_another_key(plan.stack)}"
                ) from error
            if code != _DENIED:
                yield f"Whether CloudWatch Logs can use logKeyArn isn't known: {error}"
            continue
        if not names_logs(policy, region):
            raise PreflightError(
                f"The policy of logKeyArn's key {key} has no statement for CloudWatch Logs, which"
                f" would refuse the stack's log groups. {_add_statement(key)}"
            )
        if missing := missing_actions(policy, region):
            yield (
                f"The policy of logKeyArn's key {key} doesn't let CloudWatch Logs do all that"
                f" it needs ({', '.join(missing)}). If it refuses a log group:"
                f" {_add_statement(key)}"
            )


def keys_to_use(plan: Plan) -> tuple[tuple[str, str | None], ...]:
    """Return the ARNs of the keys that log groups get with a deployment, without repetitions.

    Returns:
        Each key with the region of its log groups; None for the stack's.
    """
    inputs = (
        step.inputs
        for step in plan.changes.steps
        if step.type == _LOG_GROUP
        and (
            step.operation in {"create", "create-replacement", "replace"}
            or (step.operation == "update" and _KEY in step.properties)
        )
    )
    return tuple(
        dict.fromkeys((each[_KEY], each.get("region")) for each in inputs if each.get(_KEY))
    )


def find_key_problem(key: str, metadata: Mapping[str, Any]) -> str | None:
    """Describe why CloudWatch Logs can't use a key; None if it may.

    Args:
        key: the key's ARN.
        metadata: the key as KMS describes it.
    """
    if (spec := metadata.get("KeySpec", _SYMMETRIC)) != _SYMMETRIC:
        return f"logKeyArn's key {key} is {spec}, and CloudWatch Logs uses symmetric keys only."
    if (state := metadata["KeyState"]) == "Enabled":
        return None
    fix = _FIXES.get(state, "aws kms describe-key --region {region} --key-id {key}")
    command = fix.format(region=_region(key), key=key)
    return f"logKeyArn's key {key} is {state}, so CloudWatch Logs can't use it. Run: {command}"


def names_logs(policy: Mapping[str, Any], region: str) -> bool:
    """Return whether a statement of a key's policy may be for CloudWatch Logs.

    Conditions aren't looked at: only AWS can evaluate all of them.
    """
    return any(True for _ in _statements(policy, region))


def missing_actions(policy: Mapping[str, Any], region: str) -> tuple[str, ...]:
    """Return which of the documented actions no statement for CloudWatch Logs allows."""
    statements = list(_statements(policy, region))
    if any("NotAction" in each for each in statements):
        return ()
    allowed = [str(each).lower() for one in statements for each in _listed(one.get("Action"))]
    return tuple(
        action
        for action in _ACTIONS
        if not any(fnmatchcase(action.lower(), pattern) for pattern in allowed)
    )


def key_statement(region: str, account: str) -> dict[str, Any]:
    """Return the statement with which a key's policy lets CloudWatch Logs use it."""
    groups = f"arn:aws:logs:{region}:{account}:log-group:*"
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": list(_DOCUMENTED),
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }


def _statements(policy: Mapping[str, Any], region: str) -> Iterator[Mapping[str, Any]]:
    for statement in _listed(policy.get("Statement")):
        if statement.get("Effect") == "Allow" and _may_be_logs(statement.get("Principal"), region):
            yield statement


def _may_be_logs(principal: object, region: str) -> bool:
    if not isinstance(principal, Mapping):
        # Everybody, or everybody except a NotPrincipal.
        return principal in {"*", None}
    services = ("*", "logs.amazonaws.com", f"logs.{region}.amazonaws.com")
    return "*" in _listed(principal.get("AWS")) or any(
        str(each).startswith(services) for each in _listed(principal.get("Service"))
    )


def _listed(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        return list(value)
    return (value,)


def _region(key: str) -> str:
    return key.split(":")[3]


def _add_statement(key: str) -> str:
    region, account = key.split(":")[3:5]
    return (
        f"Add this statement to it (aws kms get-key-policy --region {region} --key-id {key}, then"
        f" aws kms put-key-policy):\n{json.dumps(key_statement(region, account), indent=2)}"
    )


def _another_key(stack: str) -> str:
    return (
        "Or choose another key: "
        + config_command(stack, "logKeyArn", "arn:aws:kms:<region>:<account>:key/<id>")
        + f". Or do without a key of your own: pulumi config rm --stack {stack} logKeyArn"
    )
