"""Whether CloudWatch Logs may use the stack's key, before a deployment."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from automation.deployment import Changes, Step
from automation.preflight.findings import Plan, PreflightError
from automation.preflight.log_key import check_log_keys, key_statement
from automation.sessions import Clients
from docs.tables import REPOSITORY
from tests.automation.preflight.plans import plan, stubbed

REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/0a"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOGS = {"Service": f"logs.{REGION}.amazonaws.com"}
ADMINISTRATORS = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def step(operation: str = "create", key: str | None = KEY, **inputs: str) -> Step:
    properties = ("kmsKeyId",) if operation == "update" else ()
    return Step(
        urn=f"urn:pulumi:dev::neo4j-mcp::{GROUP}::logs",
        type=GROUP,
        operation=operation,
        inputs={"kmsKeyId": key, **inputs},
        properties=properties,
    )


def planned(*steps: Step) -> Plan:
    return replace(plan({"logKeyArn": KEY}), changes=Changes(counts={}, resources={}, steps=steps))


@pytest.fixture
def kms() -> tuple[Callable[[str | None], Clients], Stubber]:
    clients, stub = stubbed("kms")
    return lambda _region: clients, stub


def describe(stub: Stubber, **metadata: str) -> None:
    found = {"KeyId": "0a", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", **metadata}
    stub.add_response("describe_key", {"KeyMetadata": found}, {"KeyId": KEY})


def have_policy(stub: Stubber, *statements: dict[str, Any]) -> None:
    stub.add_response(
        "get_key_policy",
        {"Policy": json.dumps({"Statement": [ADMINISTRATORS, *statements]})},
        {"KeyId": KEY, "PolicyName": "default"},
    )


def statement(
    principal: object = LOGS, action: str | Sequence[str] = "kms:*", **others: object
) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **others}


Kms = tuple[Callable[[str | None], Clients], Stubber]


@pytest.mark.parametrize(
    "allowing",
    [
        key_statement(REGION, "123456789012"),
        statement(),
        statement({"Service": ["lambda.amazonaws.com", f"logs.{REGION}.amazonaws.com"]}),
        statement("*"),
        statement({"AWS": "*"}),
        statement(action="KMS:*"),
        {"Effect": "Allow", "NotPrincipal": {"AWS": "someone"}, "Action": "kms:*"},
        {"Effect": "Allow", "Principal": LOGS, "NotAction": "kms:CreateGrant"},
    ],
)
def test_a_key_that_may_be_for_cloudwatch_logs_is_right(kms: Kms, allowing: dict[str, Any]) -> None:
    clients, stub = kms
    describe(stub)
    have_policy(stub, allowing)

    # The same key for all groups is looked up once.
    assert list(check_log_keys(planned(step(), step("update"), step()), clients)) == []
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    "other",
    [
        statement({"Service": "logs.us-east-1.amazonaws.com"}),
        statement({"Service": "lambda.amazonaws.com"}),
        statement(Effect="Deny"),
    ],
)
def test_a_policy_without_cloudwatch_logs_is_an_error_with_the_statement(
    kms: Kms, other: dict[str, Any]
) -> None:
    clients, stub = kms
    describe(stub)
    have_policy(stub, other)

    with pytest.raises(PreflightError, match="has no statement for CloudWatch Logs") as raised:
        list(check_log_keys(planned(step()), clients))

    shown = str(raised.value)
    assert f"aws kms get-key-policy --region {REGION} --key-id {KEY}" in shown
    assert json.loads(shown[shown.index("{") :]) == key_statement(REGION, "123456789012")


def test_a_policy_with_too_few_actions_is_a_notice(kms: Kms) -> None:
    clients, stub = kms
    describe(stub)
    have_policy(stub, statement(action=["kms:GenerateDataKey*", "kms:Decrypt", "kms:Describe*"]))

    (notice,) = check_log_keys(planned(step()), clients)

    assert "(kms:Encrypt, kms:ReEncryptFrom, kms:ReEncryptTo)" in notice


@pytest.mark.parametrize(
    ("metadata", "fix"),
    [
        ({"KeyState": "Disabled"}, f"aws kms enable-key --region {REGION} --key-id {KEY}"),
        ({"KeyState": "PendingDeletion"}, "aws kms cancel-key-deletion"),
        ({"KeyState": "Unavailable"}, "aws kms describe-key"),
        ({"KeySpec": "RSA_2048"}, "symmetric keys only"),
    ],
)
def test_a_key_that_cannot_encrypt_is_an_error(
    kms: Kms, metadata: dict[str, str], fix: str
) -> None:
    clients, stub = kms
    describe(stub, **metadata)

    with pytest.raises(PreflightError, match=re.escape(fix)) as raised:
        list(check_log_keys(planned(step()), clients))

    assert "pulumi config set --stack dev logKeyArn" in str(raised.value)


def test_a_missing_key_is_an_error(kms: Kms) -> None:
    clients, stub = kms
    stub.add_client_error("describe_key", "NotFoundException", f"Key '{KEY}' does not exist")

    with pytest.raises(PreflightError, match=r"doesn't exist.*0a.*\n.*rm --stack dev logKeyArn"):
        list(check_log_keys(planned(step()), clients))


@pytest.mark.parametrize("operation", ["describe_key", "get_key_policy"])
def test_what_may_not_be_read_stays_unknown(kms: Kms, operation: str) -> None:
    clients, stub = kms
    if operation == "get_key_policy":
        describe(stub)
    stub.add_client_error(operation, "AccessDeniedException", "not authorized")

    assert list(check_log_keys(planned(step()), clients)) == []


def test_another_error_is_a_notice(kms: Kms) -> None:
    clients, stub = kms
    stub.add_client_error("describe_key", "KMSInternalException", "try again")

    (notice,) = check_log_keys(planned(step()), clients)

    assert "isn't known" in notice


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step(key=None),),
        (step("same"),),
        (step("delete"),),
        (replace(step("update"), properties=("retentionInDays",)),),
    ],
)
def test_nothing_is_looked_up_without_a_group_that_gets_a_key(
    kms: Kms, steps: tuple[Step, ...]
) -> None:
    clients, _ = kms
    assert list(check_log_keys(planned(*steps), clients)) == []


def test_a_key_of_another_region_is_an_error(kms: Kms) -> None:
    clients, _ = kms
    other = KEY.replace(REGION, "eu-north-1")

    with pytest.raises(PreflightError, match=f"must be in {REGION}, where the log groups are"):
        list(check_log_keys(planned(step(key=other)), clients))


def test_the_edges_log_group_is_looked_up_in_its_region() -> None:
    asked: list[str | None] = []
    clients, stub = stubbed("kms")
    stub.add_client_error("describe_key", "AccessDeniedException", "not authorized")

    def clients_in(region: str | None) -> Clients:
        asked.append(region)
        return clients

    assert list(check_log_keys(planned(step(region="us-west-1")), clients_in)) == []
    assert asked == ["us-west-1"]


def test_the_page_on_logs_has_the_statement() -> None:
    page = (REPOSITORY / "docs" / "logs.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert json.loads(block) == key_statement("<region>", "<account>")
