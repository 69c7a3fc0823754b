"""P1: the repository and the image in it."""

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.checks.inspection import Inspection
from automation.checks.lookups import service
from automation.checks.registry import check
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal
from components.image import lifecycle_policy

# What a pull asks for. Source: AWS's AWSAppRunnerServicePolicyForECRAccess.
_PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
# Worse than these, and an image must not run.
_GRAVE: Final = ("CRITICAL", "HIGH")


@check("P1-scan")
def scan(inspection: Inspection) -> None:
    """The repository scans images when they are pushed."""
    configuration = _repository(inspection).get("imageScanningConfiguration", {})
    expect_equal("scanOnPush", configuration.get("scanOnPush"), wanted=True)


@check("P1-immutable")
def immutable(inspection: Inspection) -> None:
    """The repository's tags can't be moved to another image."""
    found = _repository(inspection)
    expect_equal("the tags' mutability", found.get("imageTagMutability"), "IMMUTABLE")


@check("P1-lifecycle")
def lifecycle(inspection: Inspection) -> None:
    """The repository keeps as many images as configured, and no more."""
    settings = inspection.context.settings
    try:
        answer = inspection.aws(
            "ecr", "get_lifecycle_policy", repositoryName=inspection.context.names.repository
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "LifecyclePolicyNotFoundException":
            raise
        raise Failed("the repository has no lifecycle policy") from error
    found = json.loads(answer["lifecyclePolicyText"])
    wanted = json.loads(lifecycle_policy(settings.image_retention))
    expect_equal("the lifecycle policy", found, wanted)


@check("P1-image")
def image(inspection: Inspection) -> None:
    """The repository holds the image, and the service runs the same digest."""
    digest = inspection.context.outputs["imageDigest"]
    expect(_image(inspection), f"the repository holds no image {digest}")
    source = service(inspection)["SourceConfiguration"]["ImageRepository"]
    running = source["ImageIdentifier"].rpartition("@")[2]
    expect_equal("the digest that the service runs", running, digest)


@check("P1-pull-allowed")
def pull_allowed(inspection: Inspection) -> None:
    """The access role may pull the image, and log in to the registry."""
    source = service(inspection)["SourceConfiguration"]
    role = source["AuthenticationConfiguration"]["AccessRoleArn"]
    arn = _repository(inspection)["repositoryArn"]
    decisions = _decisions(inspection, role, _PULL, arn)
    decisions |= _decisions(inspection, role, ("ecr:GetAuthorizationToken",), "*")
    refused = sorted(action for action, decision in decisions.items() if decision != "allowed")
    expect(not refused, f"{role} may not {', '.join(refused)}")


@check("P1-pull-refused")
def pull_refused(inspection: Inspection) -> None:
    """The role that the server runs as may not pull the image, nor push one."""
    role = service(inspection)["InstanceConfiguration"]["InstanceRoleArn"]
    arn = _repository(inspection)["repositoryArn"]
    decisions = _decisions(inspection, role, (*_PULL, "ecr:PutImage"), arn)
    allowed = sorted(action for action, decision in decisions.items() if decision == "allowed")
    expect(not allowed, f"{role} may {', '.join(allowed)}")


@check("P1-findings")
def findings(inspection: Inspection) -> None:
    """The scan of the running image, where the registry can scan it, found nothing grave."""
    found = _image(inspection)
    if found is None:
        raise Skipped("the repository doesn't hold the image; P1-image tells")
    scanned = found.get("imageScanStatus", {}).get("status")
    if scanned is None:
        raise Skipped("the registry has not scanned this image")
    if scanned == "UNSUPPORTED_IMAGE":
        raise Skipped(
            "the registry scans packages of an operating system, and this image has none: examine"
            " the binary instead, by `go version -m`, or turn on Amazon Inspector (docs/parity.md)"
        )
    expect_equal("the scan's status", scanned, "COMPLETE")
    answer = inspection.aws(
        "ecr",
        "describe_image_scan_findings",
        repositoryName=inspection.context.names.repository,
        imageId={"imageDigest": inspection.context.outputs["imageDigest"]},
    )
    counts = answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    grave = [f"{counts[severity]} {severity}" for severity in _GRAVE if counts.get(severity)]
    expect(not grave, f"the scan found {' and '.join(grave)}")


def _repository(inspection: Inspection) -> dict[str, Any]:
    name = inspection.context.names.repository
    answer = inspection.aws("ecr", "describe_repositories", repositoryNames=[name])
    found: dict[str, Any] = answer["repositories"][0]
    return found


def _image(inspection: Inspection) -> dict[str, Any] | None:
    digest = inspection.context.outputs["imageDigest"]
    try:
        answer = inspection.aws(
            "ecr",
            "describe_images",
            repositoryName=inspection.context.names.repository,
            imageIds=[{"imageDigest": digest}],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageNotFoundException":
            raise
        return None
    found: dict[str, Any] = answer["imageDetails"][0]
    return found


def _decisions(
    inspection: Inspection, role: str, actions: tuple[str, ...], resource: str
) -> dict[str, str]:
    answer = inspection.aws(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=role,
        ActionNames=list(actions),
        ResourceArns=[resource],
    )
    return {each["EvalActionName"]: each["EvalDecision"] for each in answer["EvaluationResults"]}
