"""What the pipelines' roles need for the image, on every host that runs one. Pure."""

from typing import Final

from automation.grants import Grant, StackLocation

REGISTRY_LOGIN: Final = Grant(
    sid="LogInToRegistry", resources=["*"], preview=["ecr:GetAuthorizationToken"]
)


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
