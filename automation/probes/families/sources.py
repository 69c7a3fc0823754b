"""Where AWS's documents are, for the probes' expectations."""

from typing import Final

_DOCS: Final = "https://docs.aws.amazon.com"
DOC_COGNITO: Final = f"{_DOCS}/cognito/latest/developerguide"
DOC_SECRETS: Final = f"{_DOCS}/secretsmanager/latest"
DOC_ECR: Final = f"{_DOCS}/AmazonECR/latest"
DOC_LAMBDA: Final = f"{_DOCS}/lambda/latest"
DOC_LOGS: Final = f"{_DOCS}/AmazonCloudWatch/latest/logs"
DOC_LOGS_API: Final = f"{_DOCS}/AmazonCloudWatchLogs/latest/APIReference"
DOC_CLOUDWATCH: Final = f"{_DOCS}/AmazonCloudWatch/latest"
DOC_EVENTS: Final = f"{_DOCS}/eventbridge/latest"
DOC_SNS: Final = f"{_DOCS}/sns/latest"
DOC_IAM: Final = f"{_DOCS}/IAM/latest/UserGuide"
DOC_APP_RUNNER: Final = f"{_DOCS}/apprunner/latest"
DOC_ECS: Final = f"{_DOCS}/AmazonECS/latest"
DOC_ELB: Final = f"{_DOCS}/elasticloadbalancing/latest/application"
DOC_EC2: Final = f"{_DOCS}/AWSEC2/latest/APIReference"
DOC_CLOUDFRONT: Final = f"{_DOCS}/AmazonCloudFront/latest/DeveloperGuide"
DOC_CLOUDTRAIL: Final = f"{_DOCS}/awscloudtrail/latest"
REPORT: Final = "a public report, which docs/parity.md links"


def doc(address: str) -> str:
    """Return a page of AWS's documentation as a source."""
    return f"AWS's documentation, {address}"


def model(service: str) -> str:
    """Return botocore's service model as a source.

    Args:
        service: the service, as boto3 names it.
    """
    return f"botocore's model of {service}"
