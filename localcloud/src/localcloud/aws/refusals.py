"""AWS's errors for a request with a wrong signature, in each of its protocols.

Source: the services' API references, "Common Errors"; the codes that botocore's clients raise.
"""

import json
import uuid
from enum import Enum
from http import HTTPStatus
from typing import Final
from xml.sax.saxutils import escape

_MISMATCH_MESSAGE: Final = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_UNKNOWN_MESSAGE: Final = "The security token included in the request is invalid."


_CLOUDFRONT_PATH: Final = "/2020-05-31/"


class Problem(Enum):
    """A problem with a signature: its code in the query protocol, its code in JSON, its message."""

    MISSING = (
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )
    INCOMPLETE = (
        "IncompleteSignature",
        "IncompleteSignatureException",
        "The request signature does not conform to AWS standards.",
    )
    UNKNOWN_KEY = ("InvalidClientTokenId", "UnrecognizedClientException", _UNKNOWN_MESSAGE)
    EXPIRED_TOKEN = (
        "ExpiredToken",
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )
    MISMATCH = ("SignatureDoesNotMatch", "InvalidSignatureException", _MISMATCH_MESSAGE)


class Protocol(Enum):
    """The protocols of AWS's APIs, where their errors differ."""

    QUERY = "query"
    JSON = "json"
    REST_JSON = "rest-json"
    REST_XML = "rest-xml"
    CBOR = "smithy-rpc-v2-cbor"

    @classmethod
    def of(
        cls, *, target: str, action: bool, content_type: str, smithy: str, path: str = "/"
    ) -> "Protocol":
        """Detect a request's protocol.

        Args:
            target: the X-Amz-Target header.
            action: whether the query string has an Action.
            content_type: the Content-Type header.
            smithy: the Smithy-Protocol header.
            path: the request's path.
        """
        if smithy == "rpc-v2-cbor":
            return cls.CBOR
        if target:
            return cls.JSON
        if action or content_type.startswith("application/x-www-form-urlencoded"):
            return cls.QUERY
        return cls.REST_XML if path.startswith(_CLOUDFRONT_PATH) else cls.REST_JSON


class RefusedError(Exception):
    """AWS would refuse the request because of its signature."""

    def __init__(self, problem: Problem, message: str | None = None) -> None:
        """Refuse a request.

        Args:
            problem: what is wrong.
            message: the message for the caller; by default that of the problem.
        """
        self.problem = problem
        self.message = problem.value[2] if message is None else message
        super().__init__(self.message)


def encode(error: RefusedError, protocol: Protocol) -> tuple[int, dict[str, str], bytes]:
    """Return the HTTP status, headers and body of a refusal in the request's protocol."""
    query_code, json_code, _ = error.problem.value
    message = error.message
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    document = json.dumps({"__type": json_code, "Message": message, "message": message}).encode()
    match protocol:
        case Protocol.QUERY | Protocol.REST_XML:
            body = (
                "<ErrorResponse><Error><Type>Sender</Type>"
                f"<Code>{query_code}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            ).encode()
            incomplete = error.problem is Problem.INCOMPLETE
            status = HTTPStatus.BAD_REQUEST if incomplete else HTTPStatus.FORBIDDEN
            return int(status), headers | {"content-type": "text/xml"}, body
        case Protocol.JSON:
            content_type = "application/x-amz-json-1.1"
            return int(HTTPStatus.BAD_REQUEST), headers | {"content-type": content_type}, document
        case Protocol.REST_JSON:
            named = {"content-type": "application/json", "x-amzn-errortype": json_code}
            return int(HTTPStatus.FORBIDDEN), headers | named, document
        case Protocol.CBOR:
            named = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
            body = b"\xa2" + b"".join(
                _cbor_text(text) for text in ("__type", json_code, "message", message)
            )
            return int(HTTPStatus.FORBIDDEN), headers | named, body


def _cbor_text(text: str) -> bytes:
    """Encode a text string (RFC 8949, major type 3) with a length of two bytes."""
    encoded = text.encode()
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded
