"""Tokens in the claims function's log, and reads in CloudTrail's event history."""

import datetime as dt
import json
from typing import Any

import pytest

from automation.audit.records import names_secret, reads_in, tokens_in
from automation.rotation.clients import Client

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:p-dev-agent-credentials-12345678-AbCdEf"
NAME = "p-dev-agent-credentials-12345678"
AGENT = Client(
    name="agent",
    client_id="id1",
    secret_arn=ARN,
    enabled=True,
    token_validity=dt.timedelta(minutes=60),
    rotation_days=30,
    overlap=dt.timedelta(hours=24),
)
NOON = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


def log_event(message: str, at: dt.datetime = NOON) -> dict[str, Any]:
    """Return an event as FilterLogEvents does."""
    return {"timestamp": int(at.timestamp() * 1000), "message": message}


def token_line(client_id: str, *groups: str) -> str:
    """Return a line of the claims function, as Lambda's runtime writes it."""
    line = json.dumps({"message": "token", "aud": client_id, "groups": groups})
    return f"[INFO]\t2026-11-27T12:00:00.000Z\t6f1e\t{line}\n"


def read_event(secret: str | None = ARN, **record: object) -> dict[str, Any]:
    """Return an event as LookupEvents does.

    Args:
        secret: the secret as the request names it; None for a request without parameters.
        **record: what differs in the record.
    """
    described = {
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:session",
            "arn": "arn:aws:sts::111122223333:assumed-role/agent/session",
            "accountId": "111122223333",
        },
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "Boto3/1.43.106",
        "requestParameters": None if secret is None else {"secretId": secret},
        **record,
    }
    return {"EventTime": NOON, "CloudTrailEvent": json.dumps(described)}


def test_tokens_are_found_among_the_lines_of_lambda_oldest_first() -> None:
    later = NOON + dt.timedelta(seconds=1)
    events = [
        log_event("START RequestId: 6f1e Version: $LATEST\n"),
        log_event(token_line("id2", "writer"), later),
        log_event(token_line("id1", "reader", "writer")),
        log_event('{"message": "other"}'),
        log_event("REPORT {"),
    ]

    first, second = tokens_in(events, [AGENT])

    assert (first.client, first.client_id, first.groups) == ("agent", "id1", ("reader", "writer"))
    assert (second.client, second.client_id, second.at) == (None, "id2", later)


@pytest.mark.parametrize("named", [ARN, ARN.removesuffix("-AbCdEf"), NAME])
def test_a_secret_is_recognized_by_each_name_that_aws_accepts(named: str) -> None:
    assert names_secret(named, ARN)
    assert not names_secret(f"{named}x", ARN)


def test_reads_of_other_secrets_are_left_out() -> None:
    events = [read_event("other"), read_event(None), read_event(NAME)]

    (found,) = reads_in(events, [AGENT])

    assert found.client == "agent"
    assert found.caller == "arn:aws:sts::111122223333:assumed-role/agent/session"
    assert (found.address, found.agent, found.error) == ("198.51.100.7", "Boto3/1.43.106", "")


def test_a_refused_read_has_its_code() -> None:
    (found,) = reads_in([read_event(errorCode="AccessDenied")], [AGENT])

    assert found.error == "AccessDenied"


def test_a_caller_without_an_arn_is_named_by_what_there_is() -> None:
    identity = {"type": "AWSService", "invokedBy": "secretsmanager.amazonaws.com"}

    (found,) = reads_in([read_event(userIdentity=identity)], [AGENT])

    assert found.caller == "secretsmanager.amazonaws.com"
