"""Signature Version 4: verifies that a request was signed with a key of this account.

botocore's signer, which signs boto3's requests, calculates the signature again for comparison.

Source: IAM User Guide, "AWS Signature Version 4 for API requests" and "Troubleshoot Signature
Version 4 signing".
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self
from urllib.parse import parse_qsl

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from localcloud.aws.refusals import Problem, RefusedError

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SCOPE_END: Final = "aws4_request"
_PARAMETER: Final = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
_SIGNATURE_PARAMETER: Final = re.compile(r"(?:^|&)X-Amz-Signature=[^&]*")
_LONGEST_PRESIGNED: Final = dt.timedelta(days=7)
_TOLERANCE: Final = dt.timedelta(minutes=5)
_LONG_TOLERANCE: Final = dt.timedelta(minutes=15)
# The services whose errors name 15 minutes ("Signature expired: … - 15 min."); others name 5.
_TOLERANT: Final = frozenset({"ecr", "iam", "sns", "sqs", "sts"})
# These services have one region only; so do WAF's web ACLs for CloudFront.
_GLOBAL: Final = frozenset({"cloudfront", "iam", "route53", "sts", "wafv2"})
_GLOBAL_REGION: Final = "us-east-1"

FindSecret = Callable[[str, str], str]
"""Returns the secret of an access key id and a session token, or raises RefusedError."""


@dataclass(frozen=True, kw_only=True)
class RequestHead:
    """A request without its body, as it was sent.

    Attributes:
        method: the HTTP method.
        path: the encoded path.
        query: the encoded query string.
        headers: names in lower case, and values.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]] = field(repr=False)

    def values(self, name: str) -> list[str]:
        """List the values of a header by its name in lower case."""
        return [value for each, value in self.headers if each == name]

    def value(self, name: str) -> str:
        """Return a header by its name in lower case; empty if it is missing."""
        return next(iter(self.values(name)), "")

    def parameters(self) -> dict[str, str]:
        """Decode the query string."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class Credential(NamedTuple):
    """The key that signed a request, and the scope of its signature.

    Attributes:
        key_id: the access key id.
        date: the day of the signing key, as YYYYMMDD.
        region: the region that the request was signed for.
        service: the service that the request was signed for.
    """

    key_id: str
    date: str
    region: str
    service: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `<key id>/<date>/<region>/<service>/aws4_request`.

        Raises:
            RefusedError: it has another form.
        """
        parts = text.split("/")
        if len(parts) != len(cls._fields) + 1 or parts[-1] != _SCOPE_END:
            raise RefusedError(
                Problem.INCOMPLETE,
                "Credential must have exactly 5 slash-delimited elements, "
                f"keyid/date/region/service/{_SCOPE_END}.",
            )
        return cls(*parts[:-1])


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The signature in a request, not verified yet.

    Attributes:
        credential: the key that signed, and the scope.
        signed_headers: the names of the headers that are signed.
        value: the signature, in hexadecimal.
        timestamp: the time of signing, as YYYYMMDDTHHMMSSZ.
        token: the session token of a temporary key; empty for others.
        lifetime: how long a presigned request is valid; None for a signature in the header.
    """

    credential: Credential
    signed_headers: frozenset[str]
    value: str = field(repr=False)
    timestamp: str
    token: str = field(repr=False)
    lifetime: dt.timedelta | None = None

    @classmethod
    def of(cls, request: RequestHead) -> Self:
        """Read the signature from the Authorization header or from the query string.

        Raises:
            RefusedError: the signature, or a part of it, is missing.
        """
        authorizations = request.values("authorization")
        query = request.parameters()
        if authorizations:
            return cls._of_header(request, authorizations)
        if "X-Amz-Signature" in query or "X-Amz-Algorithm" in query:
            return cls._of_query(query)
        raise RefusedError(Problem.MISSING)

    @classmethod
    def _of_header(cls, request: RequestHead, authorizations: Sequence[str]) -> Self:
        algorithm, _, rest = authorizations[0].partition(" ")
        if len(authorizations) != 1 or algorithm != _ALGORITHM:
            raise RefusedError(Problem.INCOMPLETE, f"Authorization must be {_ALGORITHM}.")
        found = dict(_PARAMETER.findall(rest))
        missing = [
            name for name in ("Credential", "SignedHeaders", "Signature") if name not in found
        ]
        if missing:
            raise RefusedError(
                Problem.INCOMPLETE,
                " ".join(f"Authorization header requires '{name}' parameter." for name in missing),
            )
        timestamp = request.value("x-amz-date")
        if not timestamp:
            raise RefusedError(
                Problem.INCOMPLETE, "Authorization header requires an 'X-Amz-Date' header."
            )
        return cls(
            credential=Credential.parse(found["Credential"]),
            signed_headers=frozenset(found["SignedHeaders"].split(";")),
            value=found["Signature"],
            timestamp=timestamp,
            token=request.value("x-amz-security-token"),
        )

    @classmethod
    def _of_query(cls, query: dict[str, str]) -> Self:
        names = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
        missing = [name for name in names if not query.get(f"X-Amz-{name}")]
        if missing:
            raise RefusedError(
                Problem.INCOMPLETE,
                " ".join(
                    f"AWS query-string parameters must include 'X-Amz-{name}'." for name in missing
                ),
            )
        expires = query["X-Amz-Expires"]
        longest = int(_LONGEST_PRESIGNED.total_seconds())
        if not re.fullmatch(r"\d{1,6}", expires, re.ASCII) or int(expires) > longest:
            raise RefusedError(
                Problem.INCOMPLETE, f"X-Amz-Expires must be a number from 0 to {longest}."
            )
        if query["X-Amz-Algorithm"] != _ALGORITHM:
            raise RefusedError(Problem.INCOMPLETE, f"X-Amz-Algorithm must be {_ALGORITHM}.")
        return cls(
            credential=Credential.parse(query["X-Amz-Credential"]),
            signed_headers=frozenset(query["X-Amz-SignedHeaders"].split(";")),
            value=query["X-Amz-Signature"],
            timestamp=query["X-Amz-Date"],
            token=query.get("X-Amz-Security-Token", ""),
            lifetime=dt.timedelta(seconds=int(expires)),
        )


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Verifies the requests to one account in one region.

    Attributes:
        find_secret: returns the secret of an access key.
        region: the account's region.
        services: the services that are supported, by their names in signatures.
        now: the clock.
    """

    find_secret: FindSecret
    region: str
    services: Collection[str]
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def check(self, request: RequestHead) -> tuple[Signature, str]:
        """Check everything except the signature itself, before the body is read.

        Returns:
            The signature, and the secret that it must have been made with.

        Raises:
            RefusedError: AWS would refuse the request.
        """
        signature = Signature.of(request)
        self._check_headers(request, signature)
        self._check_time(signature)
        secret = self.find_secret(signature.credential.key_id, signature.token)
        scope = signature.credential
        region = _GLOBAL_REGION if scope.service in _GLOBAL else self.region
        if scope.region != region:
            raise RefusedError(
                Problem.MISMATCH,
                f"Credential should be scoped to a valid region, not '{scope.region}'. "
                f"The stand-in is in {region}.",
            )
        if scope.service not in self.services:
            raise RefusedError(
                Problem.MISMATCH,
                "Credential should be scoped to correct service, and the stand-in has no "
                f"'{scope.service}'.",
            )
        return signature, secret

    @staticmethod
    def verify(request: RequestHead, body: bytes, signature: Signature, secret: str) -> None:
        """Calculate a request's signature, and compare it with the one in the request.

        Raises:
            RefusedError: they differ.
        """
        digest = hashlib.sha256(body).hexdigest()
        # Only S3 accepts bodies without a signed hash, and there is no S3 here.
        if any(value != digest for value in request.values("x-amz-content-sha256")):
            raise RefusedError(Problem.MISMATCH)
        expected = _expected(request, body, signature, secret)
        if not hmac.compare_digest(expected.encode(), signature.value.encode()):
            raise RefusedError(Problem.MISMATCH)

    @staticmethod
    def _check_headers(request: RequestHead, signature: Signature) -> None:
        if "host" not in signature.signed_headers:
            raise RefusedError(Problem.MISMATCH, "'Host' must be a 'SignedHeader'.")
        unsigned = {name for name, _ in request.headers if name.startswith("x-amz-")} - (
            signature.signed_headers
        )
        if unsigned:
            raise RefusedError(
                Problem.MISMATCH,
                f"These headers must be signed: {', '.join(sorted(unsigned))}.",
            )

    def _check_time(self, signature: Signature) -> None:
        try:
            signed_at = dt.datetime.strptime(signature.timestamp, SIGV4_TIMESTAMP).replace(
                tzinfo=dt.UTC
            )
        except ValueError:
            raise RefusedError(
                Problem.INCOMPLETE, "The signature's date must be in ISO-8601 basic format."
            ) from None
        if signature.credential.date != signature.timestamp[:8]:
            raise RefusedError(
                Problem.MISMATCH,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                "from HTTP.",
            )
        tolerance = _LONG_TOLERANCE if signature.credential.service in _TOLERANT else _TOLERANCE
        now = self.now()
        if signed_at > now + tolerance:
            raise RefusedError(
                Problem.MISMATCH,
                f"Signature not yet current: {signature.timestamp} is still later than "
                f"{now + tolerance:{SIGV4_TIMESTAMP}}.",
            )
        lifetime = tolerance if signature.lifetime is None else signature.lifetime
        if signed_at < now - lifetime:
            raise RefusedError(
                Problem.MISMATCH,
                f"Signature expired: {signature.timestamp} is now earlier than "
                f"{now - lifetime:{SIGV4_TIMESTAMP}}.",
            )


class _Signer(SigV4Auth):
    """botocore's signer, limited to the headers that the caller signed."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def _expected(request: RequestHead, body: bytes, signature: Signature, secret: str) -> str:
    query = request.query
    if signature.lifetime is not None:
        query = _SIGNATURE_PARAMETER.sub("", query).removeprefix("&")
    scope = signature.credential
    signer = _Signer(Credentials(scope.key_id, secret), scope.service, scope.region)
    unsigned = AWSRequest(
        method=request.method,
        # Only the path and the query matter; the host is signed as the header that was sent.
        url=f"http://localhost{request.path}?{query}",
        data=body,
    )
    for name, value in request.headers:
        if name in signature.signed_headers:
            unsigned.headers.add_header(name, value)
    unsigned.context["timestamp"] = signature.timestamp
    canonical = signer.canonical_request(unsigned)
    return str(signer.signature(signer.string_to_sign(unsigned, canonical), unsigned))
