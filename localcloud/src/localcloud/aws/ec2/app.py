"""EC2's API in front of ministack's: the operations for networks, and nothing else."""

import asyncio
import uuid
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.ec2 import rules
from localcloud.aws.protocol import ApiError

_VERSION: Final = "2016-11-15"
_INTERNET: Final = "0.0.0.0/0"


class Ec2App:
    """Serves EC2's API, with ministack as the store."""

    def __init__(
        self, ministack: ASGIApp, *, groups_in_use: Callable[[], Collection[str]] = tuple
    ) -> None:
        """Pass requests on to ministack.

        Args:
            ministack: the store.
            groups_in_use: returns the security groups that other services use.
        """
        self._ministack = ministack
        self._groups_in_use = groups_in_use
        self._prepared = False
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        body = await Request(scope, receive).body()
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        try:
            rules.require_supported(form)
            async with self._one_at_a_time:
                await self._prepare(scope)
                response = await self._run(scope, form, body)
        except ApiError as error:
            response = Response(_encoded(error), error.status, media_type="text/xml")
        await response(scope, receive, send)

    async def _run(self, scope: Scope, form: dict[str, str], body: bytes) -> Response:
        action, group = form["Action"], form.get("GroupId", "")
        if action == "DeleteSecurityGroup":
            await self._require_unused(scope, group)
        if action == "ModifySecurityGroupRules":
            rules.check_rule_kinds(form, await self._rules_of(scope, group))
        if not action.startswith("AuthorizeSecurityGroup"):
            return await asgi.call(self._ministack, scope, body)
        before = rules.rule_ids(await self._rules_of(scope, group))
        response = await asgi.call(self._ministack, scope, body)
        if response.status_code != HTTPStatus.OK:
            return response
        created = rules.rule_ids(ET.fromstring(bytes(response.body)))  # noqa: S314 - ministack's
        if created & before:
            # AWS adds none of a request's rules then.
            await self._revoke(scope, action, group, created - before)
            raise ApiError(
                "InvalidPermission.Duplicate", "the specified rule already exists in this group"
            )
        return response

    async def _rules_of(self, scope: Scope, group: str) -> ET.Element:
        return await self._ask(
            scope,
            {
                "Action": "DescribeSecurityGroupRules",
                "Filter.1.Name": "group-id",
                "Filter.1.Value.1": group,
            },
        )

    async def _revoke(self, scope: Scope, action: str, group: str, rule_ids: set[str]) -> None:
        if not rule_ids:
            return
        ids = {
            f"SecurityGroupRuleId.{index}": each
            for index, each in enumerate(sorted(rule_ids), start=1)
        }
        revoke = action.replace("Authorize", "Revoke")
        await self._ask(scope, {"Action": revoke, "GroupId": group, **ids})

    async def _require_unused(self, scope: Scope, group: str) -> None:
        all_groups = await self._ask(scope, {"Action": "DescribeSecurityGroups"})
        if group in self._groups_in_use() or rules.groups_that_name(all_groups, group):
            raise ApiError("DependencyViolation", f"resource {group} has a dependent object")

    async def _prepare(self, scope: Scope) -> None:
        """Add the default VPC's route to the internet, which ministack's doesn't have."""
        if self._prepared:
            return
        gateways = await self._ask(scope, {"Action": "DescribeInternetGateways"})
        tables = await self._ask(scope, {"Action": "DescribeRouteTables"})
        await self._ask(
            scope,
            {
                "Action": "CreateRoute",
                "RouteTableId": _first(tables, "routeTableId"),
                "DestinationCidrBlock": _INTERNET,
                "GatewayId": _first(gateways, "internetGatewayId"),
            },
        )
        self._prepared = True

    async def _ask(self, scope: Scope, form: dict[str, str]) -> ET.Element:
        """Send another request to ministack, as the caller."""
        body = urlencode({**form, "Version": _VERSION}).encode()
        response = await asgi.call(
            self._ministack, asgi.with_content_length(scope, len(body)), body
        )
        if response.status_code != HTTPStatus.OK:
            raise ApiError("InternalError", f"{form['Action']} failed", response.status_code)
        return ET.fromstring(bytes(response.body))  # noqa: S314 - ministack's


def _first(response: ET.Element, name: str) -> str:
    return next(each.text or "" for each in response.iter() if each.tag.rpartition("}")[2] == name)


def _encoded(error: ApiError) -> bytes:
    root = ET.Element("Response")
    details = ET.SubElement(ET.SubElement(root, "Errors"), "Error")
    ET.SubElement(details, "Code").text = error.code
    ET.SubElement(details, "Message").text = error.message
    ET.SubElement(root, "RequestID").text = str(uuid.uuid4())
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
