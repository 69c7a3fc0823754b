"""Raw requests to the AWS endpoint, valid and invalid."""

import datetime as dt
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud.access_key import AccessKey

REGION = "us-east-1"
_TIMEOUT = 30


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A request as it is sent.

    Attributes:
        method: the HTTP method.
        target: the path and the query.
        headers: the headers, the host among them.
        body: the body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """A response of the endpoint."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """AWS's error code, in the protocol of the response."""
        if self.body.startswith(b"<"):
            return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
        return str(json.loads(self.body)["__type"])


def send(address: str, raw: Raw) -> Response:
    """Send a request unchanged to a host and port."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT)
    try:
        connection.putrequest(raw.method, raw.target, skip_host=True, skip_accept_encoding=True)
        for name, value in raw.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(raw.body)))
        connection.endheaders(raw.body)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, response.read())
    finally:
        connection.close()


@dataclass(frozen=True, kw_only=True)
class Call:
    """An operation of a service, before it is signed.

    Attributes:
        service: the service's name, as requests are signed for it.
        method: the HTTP method.
        path: the path.
        headers: the headers that name the operation.
        body: the body.
        unknown_key, mismatch, missing: the codes and the status with which it is refused.
    """

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    unknown_key: str
    mismatch: str
    missing: str
    status: int

    def unsigned(self, host: str, **headers: str) -> Raw:
        """Return the request without a signature."""
        return Raw(
            method=self.method,
            target=self.path,
            headers={"host": host, **self.headers, **headers},
            body=self.body,
        )

    def signed(
        self,
        host: str,
        key: AccessKey,
        *,
        region: str = REGION,
        token: str | None = None,
        at: dt.datetime | None = None,
        presigned: bool = False,
        expires: int = 60,
    ) -> Raw:
        """Return the request signed by botocore, in a header or in the query."""
        credentials = Credentials(key.key_id, key.secret, token)
        signer: Any
        if presigned:
            signer = botocore.auth.SigV4QueryAuth(credentials, self.service, region, expires)
        else:
            signer = botocore.auth.SigV4Auth(credentials, self.service, region)
        request = AWSRequest(
            method=self.method,
            url=f"http://{host}{self.path}",
            headers=dict(self.headers),
            data=self.body,
        )
        if at is None:
            signer.add_auth(request)
        else:
            _add_auth_at(signer, request, at)
        url = urlsplit(str(request.url))
        return Raw(
            method=self.method,
            target=f"{url.path}?{url.query}" if url.query else url.path,
            headers={"host": host, **dict(request.headers)},
            body=self.body,
        )


def _add_auth_at(signer: Any, request: AWSRequest, at: dt.datetime) -> None:  # noqa: ANN401 - botocore publishes no types
    """Sign for another time, with the steps of botocore's add_auth."""
    timestamp = at.strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = timestamp
    request.headers["X-Amz-Date"] = timestamp
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signed = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={signed}, "
        f"Signature={signature}"
    )


QUERY = Call(
    service="iam",
    method="POST",
    path="/",
    headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
    body=b"Action=ListRoles&Version=2010-05-08",
    unknown_key="InvalidClientTokenId",
    mismatch="SignatureDoesNotMatch",
    missing="MissingAuthenticationToken",
    status=403,
)
JSON = Call(
    service="cognito-idp",
    method="POST",
    path="/",
    headers={
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AWSCognitoIdentityProviderService.ListUserPools",
    },
    body=b'{"MaxResults": 10}',
    unknown_key="UnrecognizedClientException",
    mismatch="InvalidSignatureException",
    missing="MissingAuthenticationTokenException",
    status=400,
)
APP_RUNNER = Call(
    service="apprunner",
    method="POST",
    path="/",
    headers={
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "AppRunner.ListServices",
    },
    body=b"{}",
    unknown_key="UnrecognizedClientException",
    mismatch="InvalidSignatureException",
    missing="MissingAuthenticationTokenException",
    status=400,
)
REST = Call(
    service="lambda",
    method="GET",
    path="/2015-03-31/functions?MaxItems=50",
    headers={},
    body=b"",
    unknown_key="UnrecognizedClientException",
    mismatch="InvalidSignatureException",
    missing="MissingAuthenticationTokenException",
    status=403,
)
QUERY_BY_GET = Call(
    service="sts",
    method="GET",
    path="/?Action=GetCallerIdentity&Version=2011-06-15",
    headers={},
    body=b"",
    unknown_key=QUERY.unknown_key,
    mismatch=QUERY.mismatch,
    missing=QUERY.missing,
    status=QUERY.status,
)
CALLS = (QUERY, JSON, APP_RUNNER, REST)
