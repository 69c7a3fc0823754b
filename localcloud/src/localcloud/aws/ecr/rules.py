"""Pure decisions about ECR's requests and responses."""

import json
from collections.abc import Mapping
from typing import Any

Error = dict[str, str]
"""An error of the ECR API: its type and its message."""


def unsupported_setting(request: bytes) -> Error | None:
    """Return the error for a setting that ministack would accept without applying it."""
    try:
        parameters = json.loads(request or b"{}")
    except ValueError:
        # ministack refuses it.
        return None
    if isinstance(parameters, dict) and str(parameters.get("imageTagMutability")).endswith(
        "_WITH_EXCLUSION"
    ):
        return {
            "__type": "InvalidParameterException",
            "message": "Tag mutability with exclusions is not supported by the stand-in's ECR.",
        }
    return None


def missing_image(request: Mapping[str, Any], response: Mapping[str, Any]) -> Error | None:
    """Return the error for a DescribeImages request that names an image that doesn't exist.

    ministack returns an empty list, ECR an error (API reference, DescribeImages).
    """
    if not request.get("imageIds") or response.get("imageDetails") != []:
        return None
    return {
        "__type": "ImageNotFoundException",
        "message": f"The image with imageId {json.dumps(request['imageIds'][0])} does not exist "
        f"within the repository with name '{request.get('repositoryName')}'.",
    }


def immutable_tag(repository: str, tag: str) -> Error:
    """Return the registry's error for a tag that exists in an immutable repository."""
    return {
        "code": "TAG_INVALID",
        "message": f"The image tag '{tag}' already exists in the '{repository}' repository "
        "and cannot be overwritten because the repository is immutable.",
    }
