"""How many images the ECR repository keeps. Pure."""

import json


def lifecycle_policy(retention: int) -> str:
    """Return a lifecycle policy, as JSON, that keeps the newest images only.

    Args:
        retention: how many to keep.
    """
    rule = {
        "rulePriority": 1,
        "description": f"Keep the newest {retention} images",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": retention,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})
