"""Every host's deployment, which the program runs."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from components.hosting.apprunner.component import AppRunnerHost
from components.hosting.fargate.component import FargateDeployment
from components.hosting.host import HostDeployment
from components.hosting.image_host import ImageDeployment
from components.hosting.lambda_.component import LambdaDeployment
from components.settings import Hosting, StackSettings

DEPLOYMENTS: Mapping[Hosting, Callable[[StackSettings], HostDeployment]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: partial(ImageDeployment, AppRunnerHost),
        Hosting.FARGATE: FargateDeployment,
        Hosting.LAMBDA: LambdaDeployment,
    }
)
"""Prepares the deployment of a stack, by the value of the configuration key hosting."""
