"""Log groups: what those of this program have in common."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.log_key import key_in
from components.suffixes import random_suffix


def log_group(
    logical_name: str,
    context: StackContext,
    *,
    parent: pulumi.ComponentResource,
    stem: str,
    retain: bool = False,
    region: str | None = None,
) -> aws.cloudwatch.LogGroup:
    """Declare a log group, encrypted with the stack's key if it has one.

    Args:
        logical_name: its name in the Pulumi program, without the end ``-log``.
        stem: its name without its random suffix, with which a log group that was retained from an
            earlier stack of the same name doesn't clash.
        retain: whether it outlives the stack.
        region: where it is; by default in the stack's region.
    """
    suffix = random_suffix(f"{logical_name}-log-suffix", context, parent=parent)
    return aws.cloudwatch.LogGroup(
        f"{logical_name}-log",
        name=pulumi.Output.concat(stem, suffix),
        retention_in_days=context.protection.log_retention_days,
        kms_key_id=key_in(region, context.settings.log_key_arn),
        region=region,
        tags=context.tags,
        opts=context.options(
            aws.cloudwatch.LogGroup, parent=parent, retain_on_delete=retain or None
        ),
    )
