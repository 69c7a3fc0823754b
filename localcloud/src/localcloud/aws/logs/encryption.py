"""The keys that encrypt log groups: which of them CloudWatch Logs may use.

Source: "Encrypt log data in CloudWatch Logs using AWS Key Management Service" in the Amazon
CloudWatch Logs User Guide. Nothing is encrypted here.
"""

import json
import re
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp

from localcloud.aws import asgi
from localcloud.aws.context import ServiceContext
from localcloud.aws.iam import rules as iam

_ACTIONS: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)
_SYMMETRIC: Final = "SYMMETRIC_DEFAULT"


class Keys:
    """The account's keys, which ministack has."""

    def __init__(self, ministack: ASGIApp, context: ServiceContext) -> None:
        """Read keys and their policies from ministack."""
        self._ministack = ministack
        self._context = context

    def group_arn(self, group: str) -> str:
        """Return a log group's ARN, as key policies name it."""
        return self._context.arn("logs", f"log-group:{group}")

    async def is_usable(self, key: str) -> bool:
        """Return whether a key exists, and is enabled and symmetric.

        Args:
            key: the key's ARN.
        """
        if not re.fullmatch(re.escape(self._context.arn("kms", "key/")) + r"[\w-]+", key):
            return False
        described = (await self._read("DescribeKey", key)).get("KeyMetadata", {})
        return (described.get("KeyState"), described.get("KeySpec")) == ("Enabled", _SYMMETRIC)

    async def lets_encrypt(self, key: str, group: str) -> bool:
        """Return whether a key's policy lets CloudWatch Logs use it.

        Args:
            key: the key's ARN.
            group: the log group's name.
        """
        policy = json.loads((await self._read("GetKeyPolicy", key))["Policy"])
        group_arn = self.group_arn(group)
        context = {
            "kms:EncryptionContext:aws:logs:arn": group_arn,
            "aws:SourceArn": group_arn,
            "aws:SourceAccount": self._context.account_id,
        }
        service = f"logs.{self._context.region}.amazonaws.com"
        return all(iam.lets_service(policy, service, each, key, context) for each in _ACTIONS)

    async def _read(self, operation: str, key: str) -> dict[str, Any]:
        body = json.dumps({"KeyId": key}).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "content-length": str(len(body)),
            "x-amz-target": f"TrentService.{operation}",
        }
        response = await asgi.call(self._ministack, asgi.post_scope(headers), body)
        found: dict[str, Any] = json.loads(bytes(response.body))
        return found if response.status_code == HTTPStatus.OK else {}
