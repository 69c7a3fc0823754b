"""What Lambda calls, every few minutes: one call through the whole way to the database.

A hop that fails is no error of the function: the metric and the log line report it. An error of the
function, such as a secret that it may not read, is Lambda's failure of the invocation, and leaves
the metric without data.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config

from functions.canary.credentials import Credentials
from functions.canary.metrics import NAMESPACE, metric_data
from functions.canary.probe import Canary

CREDENTIALS: Final = "CREDENTIALS_ARN"
SERVICE_NAME: Final = "SERVICE_NAME"

_CONFIG: Final = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def credentials_in(secrets_manager: Any, arn: str) -> Credentials:  # noqa: ANN401  boto3's client
    """Read the canary's credentials.

    Args:
        secrets_manager: boto3's client of Secrets Manager.
        arn: the secret's ARN.

    Raises:
        CanaryError: the value isn't a client's credentials.
        ClientError: the secret can't be read.
    """
    value = secrets_manager.get_secret_value(SecretId=arn)
    return Credentials.parse(value.get("SecretString", ""))


def run(canary: Canary, cloudwatch: Any, service: str) -> dict[str, Any]:  # noqa: ANN401  as above
    """Call the server, log what became of it, and publish it.

    Args:
        cloudwatch: boto3's client of CloudWatch.
        service: the value of the metrics' dimension.

    Raises:
        CanaryError: the credentials can't be used.
        ClientError: the secret can't be read, or the metrics can't be written.
    """
    outcome = canary.run()
    # Without the runtime's prefix, so that CloudWatch finds the fields of the JSON.
    sys.stdout.write(json.dumps(outcome.line()) + "\n")
    sys.stdout.flush()
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=metric_data(outcome, service))
    return outcome.line()


def _canary(environment: Mapping[str, str]) -> Canary:
    secrets_manager = boto3.client("secretsmanager", config=_CONFIG)
    arn = environment[CREDENTIALS]
    return Canary(lambda: credentials_in(secrets_manager, arn))


# One for each environment of the function, whose token it keeps. Without Lambda's variable, this
# module is only imported.
_CANARY = _canary(os.environ) if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else None


def handle(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer the schedule.

    Returns:
        What is logged.

    Raises:
        CanaryError: see `run`.
        ClientError: see `run`.
        KeyError: CREDENTIALS_ARN or SERVICE_NAME is missing from the function's environment.
        RuntimeError: the module was imported outside Lambda.
    """
    if _CANARY is None:
        raise RuntimeError("AWS_LAMBDA_FUNCTION_NAME isn't set, so there is no canary")
    cloudwatch = boto3.client("cloudwatch", config=_CONFIG)
    return run(_CANARY, cloudwatch, os.environ[SERVICE_NAME])
