"""The rules of single configuration values: what is accepted, and in words what is wrong. Pure.

Each rule takes a value and returns it, perhaps normalised, or raises ValueError with the end of a
sentence that begins with the key.
"""

import base64
import binascii
import ipaddress
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from server.releases import RELEASES, unknown_release

# Bearer tokens travel to the database, so only verified TLS is allowed: neither neo4j://, which is
# in the clear, nor +ssc, which trusts any certificate.
_NEO4J_SCHEMES = ("neo4j+s", "bolt+s")

# Source: secretsmanager DeleteSecret, RecoveryWindowInDays; 0 is ForceDeleteWithoutRecovery.
_RECOVERY_DAYS = range(7, 31)

# Source: secretsmanager RotationRulesType, AutomaticallyAfterDays, from 1. Every day would leave no
# time for an overlap.
_ROTATION_DAYS = range(2, 1001)
# Source: wafv2 RateLimit.
_EDGE_REQUESTS = range(10, 2_000_000_001)

# What a subscription delivers to, by its protocol.
# Source: "endpoint" of Subscribe in the Amazon SNS API reference.
_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:[0-9]{{12}}:"
_ENDPOINTS: Mapping[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "https": (r"https://[^\s]+", "a URL that begins with https://"),
    "sqs": (_ARN.format(service="sqs") + r"[A-Za-z0-9_-]{1,80}", "the ARN of a standard queue"),
    "lambda": (
        _ARN.format(service="lambda") + r"function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?",
        "the ARN of a function",
    ),
}

_PEM_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+?)\s-----END CERTIFICATE-----"
)

# Stricter than urllib.parse, which drops tabs and line breaks and accepts any host.
_ADDRESS = re.compile(
    r"(?P<scheme>[^:/?#]*)://(?:(?P<user>[^/?#]*)@)?"
    r"(?P<host>\[[^]/?#]*\]|[^]\[:/?#]*)(?::(?P<port>[^/?#]*))?(?P<rest>.*)"
)
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# Source: RFC 1035, 2.3.4, without the length octet of the first label and the root.
_HOST_LENGTH = 253
_LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Accepts text that matches a regular expression as a whole.

    Attributes:
        regex: the regular expression.
        words: what it accepts, after "must be".
        maximum: the longest text accepted, in characters.
    """

    regex: str
    words: str
    maximum: int

    def __call__(self, value: str) -> str:
        """Return the value, or raise ValueError."""
        if len(value) > self.maximum:
            raise ValueError(f"must be at most {self.maximum} characters long, not {len(value)}")
        if not re.fullmatch(self.regex, value):
            raise ValueError(f"must be {self.words}")
        return value


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """Accepts one of some numbers.

    Attributes:
        values: the numbers.
        unit: what they count.
    """

    values: tuple[int, ...]
    unit: str

    def __call__(self, value: int) -> int:
        """Return the value, or raise ValueError."""
        if value not in self.values:
            raise ValueError(f"must be one of {', '.join(map(str, self.values))} {self.unit}")
        return value


def boolean(value: object) -> bool:
    """Accept Pulumi's own spellings, and not yes, on or 1."""
    if value == "true" or value is True:
        return True
    if value == "false" or value is False:
        return False
    raise ValueError("must be true or false")


def whole_number(value: object) -> object:
    """Refuse what pydantic would accept as an integer: true, surrounding spaces and 1_024."""
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value)
    ):
        raise ValueError("must be a whole number")
    return value


def positive_number(value: object) -> object:
    """Refuse what pydantic would accept as a number: true, infinity, NaN and 1_024."""
    if isinstance(value, bool) or (
        isinstance(value, str) and not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", value)
    ):
        raise ValueError("must be a number above 0")
    if isinstance(value, int | float | str) and not 0 < float(value) < float("inf"):
        raise ValueError("must be a number above 0")
    return value


def subscription_endpoint(protocol: str, endpoint: str) -> None:
    """Require what the protocol of a subscription delivers to.

    Raises:
        ValueError: the endpoint is of another kind.
    """
    regex, words = _ENDPOINTS[protocol]
    if not re.fullmatch(regex, endpoint):
        raise ValueError(f"has the protocol {protocol}, so endpoint must be {words}")


def text(value: object) -> object:
    """Restore text, of which `pulumi config set --path` makes a boolean or a number."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def empty_is_unset(value: object) -> object:
    """Return None for an empty value.

    Pulumi demands a value for every key without a default, so Pulumi.yaml declares empty ones.
    """
    return None if value in ("", {}) else value


def neo4j_uri(value: str) -> str:
    """Accept a database's address over verified TLS, without credentials, path or query."""
    address = _address(value)
    if address.scheme not in _NEO4J_SCHEMES:
        raise ValueError(
            f"must begin with {' or '.join(f'{scheme}://' for scheme in _NEO4J_SCHEMES)}, "
            "because tokens travel over it (for a private authority, set trustedCertificates)"
        )
    if address.rest not in {"", "/"}:
        raise ValueError("must end after the host and port; the database is neo4jDatabase")
    return value.rstrip("/")


def user_database(value: str) -> str:
    """Refuse Neo4j's system databases, which hold no graph."""
    if value.lower().startswith("system"):
        raise ValueError("must name a database with a graph; Neo4j reserves system…")
    return value


def base_url(value: str) -> str:
    """Accept an http:// or https:// URL without query or fragment."""
    address = _address(value)
    if address.scheme not in {"http", "https"}:
        raise ValueError("must be an http:// or https:// URL")
    if not re.fullmatch(r"(?:/[^?#]*)?", address.rest):
        raise ValueError("must be a plain URL, without query or fragment")
    return value.rstrip("/")


def certificates(value: str) -> str:
    """Accept certificate authorities in PEM form, and normalise line ends and spaces."""
    if not value.strip():
        return ""
    blocks = _PEM_CERTIFICATE.findall(value)
    if not blocks or _PEM_CERTIFICATE.sub("", value).strip():
        raise ValueError("must be certificates in PEM form and nothing else")
    # Encoded again, so that line ends and spaces don't make another image.
    return "".join(
        ssl.DER_cert_to_PEM_cert(_authority(block, f"certificate {number} of {len(blocks)}"))
        for number, block in enumerate(blocks, start=1)
    )


def recovery_days(value: int) -> int:
    """Accept the recovery windows of Secrets Manager, and 0 for none."""
    if value != 0 and value not in _RECOVERY_DAYS:
        raise ValueError("must be 0, or from 7 to 30 days")
    return value


def rotation_days(value: int) -> int:
    """Accept the intervals of a rotation, and 0 for none."""
    if value != 0 and value not in _ROTATION_DAYS:
        raise ValueError("must be 0, or from 2 to 1000 days")
    return value


def edge_requests(value: int) -> int:
    """Accept the limits of a web ACL's rate-based rule, and 0 for none."""
    if value != 0 and value not in _EDGE_REQUESTS:
        raise ValueError("must be 0, or from 10 to 2000000000 requests")
    return value


def pinned_version(value: str) -> str:
    """Accept a version of the server that server/releases.py pins."""
    if value not in RELEASES:
        raise ValueError(unknown_release(value))
    return value


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list with repeated entries."""
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"names {', '.join(repeated)} more than once")
    return values


def distinct_if_set(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse a list with repeated entries; accept none."""
    return None if values is None else distinct(values)


class _Address(NamedTuple):
    scheme: str
    rest: str


def _address(value: str) -> _Address:
    """Split a URI, and refuse what is wrong in any kind of URI."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError(
            "must contain no spaces, line breaks, control characters or letters outside ASCII "
            "(an international host name is written as xn--…)"
        )
    parts = _ADDRESS.fullmatch(value)
    if parts is None:
        raise ValueError("must be a URI: scheme://host, optionally with a port")
    if parts["user"] is not None:
        raise ValueError(
            "must contain no credentials: every request brings its own token "
            "(and change the password that was here: it may be in the stack's history)"
        )
    port = parts["port"]
    port_is_valid = port is None or (
        re.fullmatch(r"[0-9]{1,5}", port) is not None and 1 <= int(port) <= _LAST_PORT
    )
    if not port_is_valid or not _is_host(parts["host"]):
        raise ValueError(f"must name a host, optionally with a port from 1 to {_LAST_PORT}")
    return _Address(scheme=parts["scheme"], rest=parts["rest"])


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            # A zone, as in fe80::1%eth0, is valid on one machine only.
            return "%" not in host and bool(ipaddress.IPv6Address(host[1:-1]))
        labels = host.split(".")
        if labels[-1].isdigit():
            return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
    return len(host) <= _HOST_LENGTH and all(map(_HOST_LABEL.fullmatch, labels))


def _authority(encoded: str, name: str) -> bytes:
    try:
        certificate = base64.b64decode("".join(encoded.split()), validate=True)
        store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        store.load_verify_locations(cadata=certificate)
    except (binascii.Error, ssl.SSLError):
        raise ValueError(f"{name} is damaged: copy it again") from None
    authorities = store.get_ca_certs(binary_form=True)
    if not authorities:
        raise ValueError(f"{name} isn't an authority's: set the one that signed the database's")
    # OpenSSL also reads several certificates, and ignores what follows the first.
    if authorities != [certificate]:
        raise ValueError(f"{name} is damaged: copy it again")
    expiry = str(store.get_ca_certs()[0]["notAfter"])
    if ssl.cert_time_to_seconds(expiry) < time.time():
        raise ValueError(f"{name} expired on {expiry}")
    return certificate
