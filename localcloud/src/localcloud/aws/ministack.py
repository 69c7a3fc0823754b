"""ministack, which answers for the services that aren't the stand-in's own."""

import importlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from localcloud.access_key import AccessKey
from localcloud.aws.ec2.prefix_lists import keep_prefix_lists
from localcloud.aws.iam.roles import Roles
from localcloud.aws.lambda_.concurrency import share_reservations
from localcloud.aws.lambda_.credentials import use_execution_roles
from localcloud.aws.lambda_.environments import let_invocations_finish
from localcloud.aws.lambda_.executions import Executions, log_as_lambda
from localcloud.aws.logs.store import LogStore

ACCOUNT_ID = "000000000000"
SERVICES = (
    "acm",
    "cognito-idp",
    "ec2",
    "ecr",
    "iam",
    "kms",
    "lambda",
    "logs",
    "route53",
    # For GetRandomPassword only.
    "secretsmanager",
    "sqs",
    "sts",
)
_FOREIGN_SETTINGS = ("AWS_", "LAMBDA_", "LOCALSTACK_", "MINISTACK_")


@dataclass(frozen=True, kw_only=True)
class MinistackSettings:
    """What ministack is configured with.

    Attributes:
        port: the endpoint's port.
        region: its region.
        state: the folder of keys and functions.
        key: the access key of the stand-in's own services.
        environment_seconds: how long an idle environment of a function is kept.
        certificates: the certificate authorities that functions trust, a PEM file.
    """

    port: int
    region: str
    state: Path
    key: AccessKey
    environment_seconds: float
    certificates: Path


@dataclass(frozen=True, kw_only=True)
class Ministack:
    """ministack.

    Attributes:
        application: answers requests.
        issued_keys: the module that knows the keys which IAM and STS issued.
        end_environments: ends the environments of a version of a function, given both.
        log_store: its log groups.
        executions: its invocations of functions.
        roles: its roles.
    """

    application: ASGIApp
    issued_keys: Any
    end_environments: Callable[[str, str], None]
    log_store: LogStore
    executions: Executions
    roles: Roles


def load(settings: MinistackSettings) -> Ministack:
    """Configure and import ministack, which reads its settings at import."""
    _configure(settings)
    application = importlib.import_module("ministack.app").app
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    service = importlib.import_module("ministack.services.lambda_svc")
    log_store = LogStore(importlib.import_module("ministack.services.cloudwatch_logs"))
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    roles = Roles(importlib.import_module("ministack.services.iam"), evaluator, ACCOUNT_ID)
    let_invocations_finish(runtime)
    log_as_lambda(runtime)
    use_execution_roles(service, runtime, importlib.import_module("ministack.services.sts"))
    share_reservations(service)
    keep_prefix_lists(importlib.import_module("ministack.services.ec2"))
    return Ministack(
        application=application,
        issued_keys=evaluator,
        end_environments=runtime.invalidate_worker,
        log_store=log_store,
        executions=Executions(service, runtime, log_store, roles),
        roles=roles,
    )


def _configure(settings: MinistackSettings) -> None:
    """Set ministack's environment variables.

    It gets no Docker Engine, because it would remove the containers of other ministacks there;
    Lambda functions run as processes. A person's own AWS settings don't reach it or the functions.
    The keys that sign tokens and the functions' code are kept in the state folder, because others
    can read the system's temporary folder.
    """
    port, region, key = settings.port, settings.region, settings.key
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith(_FOREIGN_SETTINGS)]:
        del os.environ[name]
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "SERVICES": ",".join(SERVICES),
            "MINISTACK_REGION": region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_HOST": "localhost",
            "LOG_LEVEL": "WARNING",
            "AUTH": "false",
            "LAMBDA_EXECUTOR": "local",
            # In whole seconds.
            "LAMBDA_WARM_TTL_SECONDS": str(math.ceil(settings.environment_seconds)),
            # As on AWS, no token is issued where the trigger fails.
            "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            "STATE_DIR": str(settings.state),
            "TMPDIR": str(settings.state),
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            # The account's id is the key's id. Functions get their roles' keys instead.
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # Functions inherit it. Lambda's trust the public authorities, among them those of App
            # Runner's and CloudFront's names.
            "SSL_CERT_FILE": str(settings.certificates),
        }
    )
