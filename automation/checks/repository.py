"""P1: the image repository and the image in it."""

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.checks.lookups import find_service, image_settings
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal
from components.image_retention import lifecycle_policy

# Actions of a pull. Source: AWS's AWSAppRunnerServicePolicyForECRAccess.
_PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
# An image with vulnerabilities of these severities must not run.
_UNACCEPTABLE: Final = ("CRITICAL", "HIGH")


@check("P1-scan")
def scan(probe: Probe) -> None:
    """The repository scans images on push."""
    configuration = _find_repository(probe).get("imageScanningConfiguration", {})
    expect_equal("scanOnPush", configuration.get("scanOnPush"), wanted=True)


@check("P1-immutable")
def immutable(probe: Probe) -> None:
    """The repository's image tags are immutable."""
    found = _find_repository(probe)
    expect_equal("imageTagMutability", found.get("imageTagMutability"), "IMMUTABLE")


@check("P1-lifecycle")
def lifecycle(probe: Probe) -> None:
    """The repository keeps the configured number of images."""
    settings = image_settings(probe)
    try:
        response = probe.aws(
            "ecr", "get_lifecycle_policy", repositoryName=probe.context.names.repository
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "LifecyclePolicyNotFoundException":
            raise
        raise Failed("the repository has no lifecycle policy") from error
    found = json.loads(response["lifecyclePolicyText"])
    wanted = json.loads(lifecycle_policy(settings.image_retention))
    expect_equal("the lifecycle policy", found, wanted)


@check("P1-image")
def image(probe: Probe) -> None:
    """The repository has the deployed image, and the service runs that digest."""
    image_settings(probe)
    digest = probe.context.outputs["imageDigest"]
    expect(_find_image(probe), f"the repository has no image {digest}")
    expect_equal("the digest that the service runs", find_service(probe).runs, digest)


@check("P1-pull-allowed")
def pull_allowed(probe: Probe) -> None:
    """The host's role can log in to the registry and pull the image."""
    image_settings(probe)
    role = find_service(probe).pull_role
    arn = _find_repository(probe)["repositoryArn"]
    decisions = _simulate(probe, role, _PULL, arn)
    decisions |= _simulate(probe, role, ("ecr:GetAuthorizationToken",), "*")
    refused = sorted(action for action, decision in decisions.items() if decision != "allowed")
    expect(not refused, f"{role} may not {', '.join(refused)}")


@check("P1-pull-refused")
def pull_refused(probe: Probe) -> None:
    """The role that the server runs as can neither pull nor push images."""
    image_settings(probe)
    role = find_service(probe).role
    arn = _find_repository(probe)["repositoryArn"]
    decisions = _simulate(probe, role, (*_PULL, "ecr:PutImage"), arn)
    allowed = sorted(action for action, decision in decisions.items() if decision == "allowed")
    expect(not allowed, f"{role} may {', '.join(allowed)}")


@check("P1-findings")
def findings(probe: Probe) -> None:
    """The scan of the running image found no critical or high vulnerability."""
    found = _find_image(probe)
    if found is None:
        raise Skipped("the repository doesn't have the image (see P1-image)")
    scanned = found.get("imageScanStatus", {}).get("status")
    if scanned is None:
        raise Skipped("the registry has not scanned this image")
    if scanned == "UNSUPPORTED_IMAGE":
        raise Skipped(
            "the registry scans operating system packages only, and this image has none: scan the"
            " file that `python -m automation sbom server` writes instead, or turn on Amazon"
            " Inspector (docs/supply-chain.md)"
        )
    expect_equal("the scan's status", scanned, "COMPLETE")
    response = probe.aws(
        "ecr",
        "describe_image_scan_findings",
        repositoryName=probe.context.names.repository,
        imageId={"imageDigest": probe.context.outputs["imageDigest"]},
    )
    counts = response.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    unacceptable = [
        f"{counts[severity]} {severity}" for severity in _UNACCEPTABLE if counts.get(severity)
    ]
    expect(not unacceptable, f"the scan found {' and '.join(unacceptable)}")


def _find_repository(probe: Probe) -> dict[str, Any]:
    image_settings(probe)
    name = probe.context.names.repository
    response = probe.aws("ecr", "describe_repositories", repositoryNames=[name])
    found: dict[str, Any] = response["repositories"][0]
    return found


def _find_image(probe: Probe) -> dict[str, Any] | None:
    image_settings(probe)
    digest = probe.context.outputs["imageDigest"]
    try:
        response = probe.aws(
            "ecr",
            "describe_images",
            repositoryName=probe.context.names.repository,
            imageIds=[{"imageDigest": digest}],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageNotFoundException":
            raise
        return None
    found: dict[str, Any] = response["imageDetails"][0]
    return found


def _simulate(probe: Probe, role: str, actions: tuple[str, ...], resource: str) -> dict[str, str]:
    """Return IAM's decision on each action."""
    response = probe.aws(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=role,
        ActionNames=list(actions),
        ResourceArns=[resource],
    )
    return {each["EvalActionName"]: each["EvalDecision"] for each in response["EvaluationResults"]}
