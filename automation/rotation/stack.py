"""Finds what the commands on a deployed stack's secrets need."""

from collections.abc import Callable
from typing import Any

from automation.deployment import Deployment, DeploymentError
from automation.rotation.operations import Rotator


def deployed_outputs(deployment: Deployment) -> dict[str, Any]:
    """Read the outputs of a stack that has a rotation function.

    Raises:
        DeploymentError: the stack isn't deployed, or by a version without a rotation function.
    """
    outputs = deployment.outputs()
    if "rotationFunction" not in outputs:
        state = "has no rotation function" if outputs else "isn't deployed"
        raise DeploymentError(
            f"The stack {deployment.stack} {state}. Run:"
            f" python -m automation deploy --stack {deployment.stack}"
        )
    return outputs


def rotator(
    deployment: Deployment, outputs: dict[str, Any], report: Callable[[str], None]
) -> Rotator:
    """Make the rotator of a deployed stack.

    Args:
        deployment: the stack.
        outputs: the stack's outputs.
        report: called with a line before each step.

    Raises:
        DeploymentError: the stack's configuration can't be read.
    """
    return Rotator(
        stack=deployment.stack,
        function=outputs["rotationFunction"],
        user_pool_id=outputs["issuer"].rpartition("/")[2],
        aws=deployment.aws_clients(),
        report=report,
    )
