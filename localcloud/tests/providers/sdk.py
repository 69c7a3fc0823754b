"""The Python SDKs, loaded by name: type checkers take minutes for the aws one's source."""

import importlib
import warnings
from typing import Any

AWS: Any = importlib.import_module("pulumi_aws")
DOCKER: Any = importlib.import_module("pulumi_docker")
RANDOM: Any = importlib.import_module("pulumi_random")

with warnings.catch_warnings():
    # The first access to each warns of one of its resources, which is deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    _LOADED = (AWS.ec2.SecurityGroup, AWS.lambda_.Function)
