"""What the claims function's log and CloudTrail's event history show. Pure.

Sources: "CloudTrail record contents for management, data, and network activity events" in the AWS
CloudTrail User Guide; GetSecretValue in the AWS Secrets Manager API Reference.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from automation.rotation.clients import Client

ISSUED: Final = "token"
"""The message of the claims function for each token."""
_SUFFIX_LENGTH: Final = len("-AbCdEf")


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token that Cognito issued.

    Attributes:
        client: the client's name; None if the stack no longer has it.
        groups: Neo4j's groups in the token.
    """

    at: dt.datetime
    client: str | None
    client_id: str
    groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SecretRead:
    """An attempt to read a client's secret.

    Attributes:
        client: the client's name.
        caller: ARN of who read it; a service's or an account's name if it has none.
        address: where the request came from.
        agent: the caller's program, as it names itself.
        error: AWS's code if it was refused; empty if the value was read.
    """

    at: dt.datetime
    client: str
    caller: str
    address: str
    agent: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What happened since a moment.

    Attributes:
        tokens: the tokens, the oldest first.
        reads: the attempts to read a secret, the oldest first.
        unread: why a source couldn't be read, by its name.
    """

    stack: str
    since: dt.datetime
    until: dt.datetime
    tokens: Sequence[Token]
    reads: Sequence[SecretRead]
    unread: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "stack": self.stack,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "tokens": [
                {
                    "at": each.at.isoformat(),
                    "client": each.client,
                    "clientId": each.client_id,
                    "groups": list(each.groups),
                }
                for each in self.tokens
            ],
            "secretReads": [
                {
                    "at": each.at.isoformat(),
                    "client": each.client,
                    "caller": each.caller,
                    "address": each.address,
                    "agent": each.agent,
                    "error": each.error or None,
                }
                for each in self.reads
            ],
            "unread": dict(self.unread),
        }


def tokens_in(events: Iterable[Mapping[str, Any]], clients: Collection[Client]) -> list[Token]:
    """Find the tokens in the claims function's log.

    Args:
        events: as FilterLogEvents returns them.
        clients: the stack's clients.
    """
    names = {each.client_id: each.name for each in clients}
    found = []
    for event in events:
        line = _json_in(event["message"])
        if line.get("message") == ISSUED:
            client_id = str(line["aud"])
            found.append(
                Token(
                    at=dt.datetime.fromtimestamp(event["timestamp"] / 1000, dt.UTC),
                    client=names.get(client_id),
                    client_id=client_id,
                    groups=tuple(line["groups"]),
                )
            )
    return sorted(found, key=lambda each: each.at)


def reads_in(events: Iterable[Mapping[str, Any]], clients: Collection[Client]) -> list[SecretRead]:
    """Find the attempts to read the clients' secrets in CloudTrail's event history.

    Args:
        events: events named GetSecretValue, as LookupEvents returns them. A call of
            BatchGetSecretValue makes one for each secret.
        clients: the stack's clients.
    """
    found = [
        _read(event, record, client)
        for event in events
        for record in [json.loads(event["CloudTrailEvent"])]
        for client in clients
        if names_secret(_secret_named_in(record), client.secret_arn)
    ]
    return sorted(found, key=lambda each: each.at)


def names_secret(named: str, arn: str) -> bool:
    """Return whether a request names a secret: by its ARN, the ARN without its end, or its name."""
    partial = arn[:-_SUFFIX_LENGTH]
    return named in {arn, partial, partial.rpartition(":")[2]}


def _secret_named_in(record: Mapping[str, Any]) -> str:
    return str((record.get("requestParameters") or {}).get("secretId") or "")


def _read(event: Mapping[str, Any], record: Mapping[str, Any], client: Client) -> SecretRead:
    return SecretRead(
        at=event["EventTime"].astimezone(dt.UTC),
        client=client.name,
        caller=_caller(record.get("userIdentity") or {}),
        address=record.get("sourceIPAddress", ""),
        agent=record.get("userAgent", ""),
        error=record.get("errorCode", ""),
    )


def _caller(identity: Mapping[str, Any]) -> str:
    """Return who made a request, by the most precise name that CloudTrail has."""
    for name in ("arn", "invokedBy", "principalId", "accountId", "type"):
        if value := identity.get(name):
            return str(value)
    return "unknown"


def _json_in(message: str) -> Mapping[str, Any]:
    """Return the object at the end of a log line; an empty one if there is none."""
    _, brace, rest = message.partition("{")
    try:
        found = json.loads(brace + rest)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
