"""Route 53's API in front of ministack's: hosted zones and their records, and nothing else."""

import re
import uuid
from http import HTTPStatus
from typing import Final
from xml.etree import ElementTree as ET

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

SERVICE: Final = "route53"
"""Its name in signatures."""
_NAMESPACE: Final = "https://route53.amazonaws.com/doc/2013-04-01/"
_ZONE: Final = "/2013-04-01/hostedzone/[^/]+"
_SUPPORTED: Final = re.compile(
    rf"(GET|POST) /2013-04-01/hostedzone|(GET|DELETE) {_ZONE}|(GET|POST) {_ZONE}/rrset/?"
    r"|GET /2013-04-01/(hostedzonesbyname|hostedzonecount|change/[^/]+)"
    r"|(GET|POST) /2013-04-01/tags/hostedzone/[^/]+"
)


class Route53App:
    """Serves Route 53's API, with ministack as the store."""

    def __init__(self, ministack: ASGIApp) -> None:
        """Pass requests on to ministack."""
        self._ministack = ministack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = f"{scope['method']} {scope['path']}"
        if _SUPPORTED.fullmatch(request):
            await self._ministack(scope, receive, send)
        else:
            refusal = Response(_refusal(request), HTTPStatus.BAD_REQUEST, media_type="text/xml")
            await refusal(scope, receive, send)


def _refusal(request: str) -> bytes:
    root = ET.Element("ErrorResponse", xmlns=_NAMESPACE)
    details = ET.SubElement(root, "Error")
    ET.SubElement(details, "Type").text = "Sender"
    ET.SubElement(details, "Code").text = "InvalidInput"
    ET.SubElement(
        details, "Message"
    ).text = f"The stand-in's Route 53 has hosted zones and records only, and not {request}."
    ET.SubElement(root, "RequestId").text = str(uuid.uuid4())
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
