"""The rotation function's entry point.

The function owns the values of the clients' secrets; nothing else writes them. It is invoked by

* the deployment: ``{"publish": <secret's ARN>, "clientId": …, "tokenUrl": …, "mcpUrl": …,
  "scopes": […]}`` publishes the first value, or other addresses with the same client secret;
* Secrets Manager: ``{"Step": …, "SecretId": …, "ClientRequestToken": …}``, the steps of a rotation;
* a schedule: ``{"retire": [{"secret": <ARN>, "overlapHours": …}, …]}`` deletes the replaced client
  secrets whose overlap has ended;
* an operator: ``{"rotate": <ARN>}`` rotates or completes a rotation, and ``{"revoke": <ARN>}``
  replaces all client secrets at once.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import boto3
from botocore.config import Config

from functions.rotation.credentials import Addresses, RotationError
from functions.rotation.lifecycle import SecretLifecycle, Summary
from functions.rotation.services import Services

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)

# Standard mode retries throttling, which Cognito's low quotas make likely.
_CONFIG = Config(
    connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 6}
)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an invocation.

    Returns:
        What was done, with ids and without values.

    Raises:
        RotationError: the secrets are in a state that needs a person.
        KeyError: USER_POOL_ID is missing from the function's environment.
    """
    services = Services(
        secrets_manager=boto3.client("secretsmanager", config=_CONFIG),
        cognito=boto3.client("cognito-idp", config=_CONFIG),
        user_pool_id=os.environ["USER_POOL_ID"],
    )
    return dispatch(event, services)


def dispatch(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Do what an event asks for.

    Args:
        event: one of those that this module lists.
        services: what the invocation works with.

    Raises:
        RotationError: see `handle`; or the event is none of those.
    """
    if "retire" in event:
        return _retire(event["retire"], services)
    verb, arn, work = _work(event, services)
    return _logged(verb, arn, work)


def _work(event: Mapping[str, Any], services: Services) -> tuple[str, str, Callable[[], Summary]]:
    if "publish" in event:
        secret, addresses = SecretLifecycle(event["publish"], services), Addresses.parse(event)
        return "publish", event["publish"], lambda: secret.publish(addresses)
    if "rotate" in event:
        return "rotate", event["rotate"], SecretLifecycle(event["rotate"], services).rotate
    if "revoke" in event:
        return "revoke", event["revoke"], SecretLifecycle(event["revoke"], services).revoke
    step = event.get("Step")
    if step is None:
        raise RotationError("the event has none of publish, rotate, revoke, retire and Step")
    arn, version_id = event["SecretId"], event["ClientRequestToken"]
    secret = SecretLifecycle(arn, services)
    steps = {
        "createSecret": secret.create,
        "setSecret": secret.register,
        "testSecret": secret.test,
        "finishSecret": secret.finish,
    }
    if step not in steps:
        raise RotationError(f"a rotation has no step {step}")
    return step, arn, lambda: steps[step](version_id)


def _retire(secrets: list[Mapping[str, Any]], services: Services) -> dict[str, Any]:
    """Retire every client's secrets, also after one of them has failed."""
    results, problems = [], []
    for each in secrets:
        arn, overlap = each["secret"], timedelta(hours=each["overlapHours"])
        secret = SecretLifecycle(arn, services)
        try:
            results.append(_logged("retire", arn, lambda: secret.retire(overlap)))  # noqa: B023
        except RotationError as error:
            problems.append(f"{arn}: {error}")
    if problems:
        raise RotationError("; ".join(problems))
    return {"message": "retire", "results": results}


def _logged(verb: str, arn: str, work: Callable[[], Summary]) -> dict[str, Any]:
    try:
        done = work()
    except RotationError as error:
        _logger.error(json.dumps({"message": verb, "secret": arn, "error": str(error)}))  # noqa: TRY400  Lambda logs the traceback
        raise
    result = {"message": verb, "secret": arn, **done}
    _logger.info(json.dumps(result))
    return result
