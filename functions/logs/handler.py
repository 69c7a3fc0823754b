"""The log function's entry point.

App Runner creates a service's log groups without retention and without a KMS key, under a name that
is known only once the service exists. The deployment invokes this function with
``{"logGroups": […], "retentionDays": …, "keyArn": …}``, which configures them, and creates them
where App Runner hasn't yet.
"""

import json
import logging
from typing import Any

import boto3
from botocore.config import Config

from functions.logs.log_groups import Configuration, LogGroups

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)

_CONFIG = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 6}
)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Configure log groups.

    Returns:
        What was done, by the log group's name.

    Raises:
        LogGroupError: the event isn't as this module says.
    """
    wanted = Configuration.parse(event)
    groups = LogGroups(client=boto3.client("logs", config=_CONFIG))
    done = {name: groups.configure(name, wanted) for name in wanted.log_groups}
    _logger.info(json.dumps({"message": "configure", "logGroups": done}))
    return {"logGroups": done}
