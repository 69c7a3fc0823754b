"""The KMS key of the stack's log groups, which must be in the region of each. Pure."""

from typing import Final

EDGE_LOG_REGION: Final = "us-east-1"
"""The region of the access logs of distributions. Source: "Configure standard logging (v2)" in the
Amazon CloudFront Developer Guide."""
# Source: "Multi-Region keys in AWS KMS" in the AWS Key Management Service Developer Guide.
_MULTI_REGION: Final = "mrk-"


def key_in(region: str | None, key_arn: str | None) -> str | None:
    """Return the ARN of a key in another region, where a multi-Region key has its replica.

    Args:
        region: the region; None for the key's own.
        key_arn: ARN of the key; None without one.
    """
    if region is None or key_arn is None:
        return key_arn
    partition, service, _, *rest = key_arn.split(":")[1:]
    return ":".join(["arn", partition, service, region, *rest])


def serves_edge(key_arn: str) -> bool:
    """Return whether a key can encrypt the edge's access log, as itself or as a replica."""
    *_, region, _, key = key_arn.split(":")
    return region == EDGE_LOG_REGION or key.startswith(f"key/{_MULTI_REGION}")
