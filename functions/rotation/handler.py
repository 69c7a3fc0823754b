"""The rotation function's entry point.

The function owns the values of the clients' secrets; nothing else writes them. It is invoked by

* the deployment: ``{"publish": <secret's ARN>, "clientId": …, "tokenUrl": …, "mcpUrl": …,
  "scopes": […]}`` publishes the first value, or other addresses with the same client secret;
* Secrets Manager: ``{"Step": …, "SecretId": …, "ClientRequestToken": …}``, the steps of a rotation;
* a schedule: ``{"retire": [{"secret": <ARN>, "overlapHours": …}, …]}`` deletes the replaced client
  secrets whose overlap has ended;
* an operator: ``{"rotate": <ARN>}`` rotates or completes a rotation, with ``"versionId"`` only the
  rotation that created this version, and ``{"revoke": <ARN>}`` replaces all client secrets at once.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

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
    return _logged(_task(event, services))


@dataclass(frozen=True)
class _Task:
    """What an event asks for.

    Attributes:
        names: what to log: the verb, the secret and, for a step, the version.
        work: does it.
    """

    names: Mapping[str, str]
    work: Callable[[], Summary]


def _task(event: Mapping[str, Any], services: Services) -> _Task:
    if "publish" in event:
        names = {"message": "publish", "secret": event["publish"]}
        secret, addresses = SecretLifecycle(names["secret"], services), Addresses.parse(event)
        return _Task(names, lambda: secret.publish(addresses))
    if "rotate" in event:
        names = {"message": "rotate", "secret": event["rotate"]}
        secret, version_id = SecretLifecycle(names["secret"], services), event.get("versionId")
        return _Task(names, lambda: secret.rotate(version_id))
    if "revoke" in event:
        names = {"message": "revoke", "secret": event["revoke"]}
        return _Task(names, SecretLifecycle(names["secret"], services).revoke)
    if "Step" in event:
        return _step(event, services)
    raise RotationError("the event has none of publish, rotate, revoke, retire and Step")


def _step(event: Mapping[str, Any], services: Services) -> _Task:
    step, arn, version_id = event["Step"], event["SecretId"], event["ClientRequestToken"]
    secret = SecretLifecycle(arn, services)
    steps = {
        "createSecret": secret.create,
        "setSecret": secret.register,
        "testSecret": secret.test,
        "finishSecret": secret.finish,
    }
    if step not in steps:
        raise RotationError(f"a rotation has no step {step}")
    names = {"message": step, "secret": arn, "versionId": version_id}
    return _Task(names, lambda: steps[step](version_id))


def _retire(secrets: list[Mapping[str, Any]], services: Services) -> dict[str, Any]:
    """Retire every client's secrets, also after one of them has failed."""
    results: list[dict[str, Any]] = []
    problems: list[str] = []
    for each in secrets:
        arn = each["secret"]
        work = partial(SecretLifecycle(arn, services).retire, timedelta(hours=each["overlapHours"]))
        try:
            results.append(_logged(_Task({"message": "retire", "secret": arn}, work)))
        except (RotationError, ClientError) as error:
            problems.append(f"{arn}: {error}")
    if problems:
        raise RotationError("; ".join(problems))
    return {"message": "retire", "results": results}


def _logged(task: _Task) -> dict[str, Any]:
    try:
        done = task.work()
    except Exception as error:
        reason = str(error)
        if not isinstance(error, RotationError):
            reason = f"{type(error).__name__}: {reason}"
        _logger.error(json.dumps({**task.names, "error": reason}))  # noqa: TRY400  Lambda logs it
        raise
    result = {**task.names, **done}
    _logger.info(json.dumps(result))
    return result
