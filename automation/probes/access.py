"""Opens what probes need of a stack's account: clients, credentials and an HTTP client."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import httpx2
from botocore.config import Config

from automation.deployment import Deployment, DeploymentError
from automation.probes.needs import DeployedStack
from automation.probes.sandbox import Surroundings
from automation.target import stack_settings
from components.endpoints import hosted_domain_url

_APP_RUNNER_SERVICE: Final = "aws:apprunner/service:Service"
_LOAD_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"
# A request to App Runner ends after 120 s.
_TIMEOUT: Final = 130.0
_CONFIG: Final = Config(
    # The service has to refuse what is invalid.
    parameter_validation=False,
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
)


def unvalidated_clients(session: boto3.Session) -> Callable[[str], Any]:
    """Return a function that makes each service's client once, without validation on this side."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        if service not in made:
            made[service] = session.client(
                service,  # type: ignore[call-overload] # the name is no literal
                config=_CONFIG,
            )
        return made[service]

    return client


@contextmanager
def surroundings(deployment: Deployment) -> Iterator[Surroundings]:
    """Open what the probes need, until the block ends.

    Args:
        deployment: the stack, which needn't be deployed.

    Raises:
        DeploymentError: the stack can't be read, is wrongly configured or in another region, or
            there are no credentials.
    """
    configuration = deployment.configuration()
    settings = stack_settings(deployment, configuration)
    session = boto3.Session(
        region_name=deployment.region(configuration),
        profile_name=configuration.get("aws:profile"),
    )
    credentials = session.get_credentials()
    region = session.region_name
    if credentials is None or region is None:
        raise DeploymentError(
            "There are no AWS credentials, or no region. Set AWS_PROFILE, or run: aws configure"
        )
    overridden = settings.endpoint_overrides.cognito_domain
    tls = ssl.create_default_context()
    with httpx2.Client(verify=tls, timeout=_TIMEOUT) as http:
        yield Surroundings(
            clients=unvalidated_clients(session),
            region=region,
            token_base=lambda prefix: str(overridden or hosted_domain_url(prefix, region)),
            http=http,
            tls=tls,
            credentials=credentials.get_frozen_credentials(),
            stack=_deployed(deployment),
        )


def _deployed(deployment: Deployment) -> DeployedStack | None:
    outputs = deployment.outputs()
    if not outputs:
        return None
    ids = {
        each["type"]: str(each["id"])
        for each in deployment.state().get("resources") or []
        if each.get("id") and not each.get("delete")
    }
    return DeployedStack(
        outputs=outputs,
        service_arn=ids.get(_APP_RUNNER_SERVICE),
        load_balancer_arn=ids.get(_LOAD_BALANCER),
    )
