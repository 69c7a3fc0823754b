"""The image of every host that runs one: its digest, and what the pipelines' roles need. Pure."""

from typing import Final

from automation.grants import Grant, StackLocation

REGISTRY_LOGIN: Final = Grant(
    sid="LogInToRegistry", resources=["*"], preview=["ecr:GetAuthorizationToken"]
)


def digest_of(image: str) -> str:
    """Return the digest in an image's name."""
    return image.rpartition("@")[2]


def repository_grant(location: StackLocation) -> Grant:
    """Return the actions on the stack's image repository."""
    return Grant(
        sid="ImageRepository",
        resources=[location.arn("ecr", f"repository/{location.names.repository}")],
        read=[
            "ecr:BatchGetImage",
            "ecr:DescribeImageScanFindings",
            "ecr:DescribeImages",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
        ],
        write=[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchDeleteImage",
            "ecr:CompleteLayerUpload",
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepository",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:TagResource",
            "ecr:UntagResource",
            "ecr:UploadLayerPart",
        ],
    )
