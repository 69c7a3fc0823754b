"""Metrics that are counted in log lines: failed tool calls, and tokens by client.

The patterns belong to the pinned version of the server and to this version of the claims function.
"""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.identity_alarms import TOKENS_METRIC
from components.monitoring.alarm import own_namespace
from components.monitoring.call_alarms import FAILED_TOOL_CALLS_METRIC

# The server 1.6 writes two lines for a failed call: the database service's begins with "Error", and
# the tool handler's with one of these. Only the latter is counted, so that a call counts once.
# Calls with wrong arguments have one line, which begins otherwise, and don't count.
FAILED_TOOL_CALLS: Final = (
    '{ $.level = "ERROR" && ($.msg = "error *" || $.msg = "failed to *" || $.msg = "rejected *") }'
)
TOKENS_ISSUED: Final = '{ $.message = "token" && $.aud = * }'
CLIENT_DIMENSION: Final = "Client"
"""The dimension of `TOKENS_METRIC`; its value is the client's id at Cognito."""


def failed_calls_filter(
    logical_name: str,
    context: StackContext,
    *,
    log_group: pulumi.Input[str],
    parent: pulumi.ComponentResource,
) -> None:
    """Count failed tool calls in the server's log."""
    aws.cloudwatch.LogMetricFilter(
        logical_name,
        name=context.names.failed_calls_filter,
        log_group_name=log_group,
        pattern=FAILED_TOOL_CALLS,
        metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
            namespace=own_namespace(context.names.service_dimension),
            name=FAILED_TOOL_CALLS_METRIC,
            value="1",
            default_value="0",
            unit="Count",
        ),
        opts=context.options(aws.cloudwatch.LogMetricFilter, parent=parent),
    )


def tokens_filter(
    logical_name: str,
    context: StackContext,
    *,
    log_group: pulumi.Input[str],
    parent: pulumi.ComponentResource,
) -> None:
    """Count the tokens of each client in the claims function's log."""
    aws.cloudwatch.LogMetricFilter(
        logical_name,
        name=context.names.tokens_filter,
        log_group_name=log_group,
        pattern=TOKENS_ISSUED,
        metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
            namespace=own_namespace(context.names.service_dimension),
            name=TOKENS_METRIC,
            value="1",
            # A filter with dimensions can't have a default value.
            dimensions={CLIENT_DIMENSION: "$.aud"},
            unit="Count",
        ),
        opts=context.options(aws.cloudwatch.LogMetricFilter, parent=parent),
    )
