"""Probes of Lambda's functions, their versions and aliases."""

import json
from typing import Final

from automation.probes.families.sources import DOC_LAMBDA, REPORT, doc, model
from automation.probes.observations import ACCEPTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

FUNCTIONS: Final = Family("lambda", "iam", "logs")
_UNRESERVED_AT_LEAST: Final = 100
_LOG_SECONDS: Final = 120.0
_ECHO: Final = """
def handler(event, context):
    return {"statusCode": 200, "body": "probe"}
"""
_LOGGING: Final = """
import logging

def handler(event, context):
    logging.getLogger().info("not shown by default")
    logging.getLogger().warning("a warning")
    print("printed")
    raise ValueError("the probe's failure")
"""


@FUNCTIONS.probe(
    "lambda-version-unchanged",
    rows=[
        "Version published without a change",
        "Alias of a version that doesn't exist",
        "Version published during a change",
    ],
    documented={
        "first version": "1",
        "without a change": "1",
        "alias of a missing version": "ResourceNotFoundException",
        "during a change": "ResourceConflictException",
        "after a change": "2",
    },
    source=model("lambda"),
    seconds=45,
)
def _versions(box: Sandbox) -> Observation:
    """What does PublishVersion do without a change, and during one?"""
    box.function(_ECHO)
    client = box.client("lambda")

    def publish() -> str:
        return str(client.publish_version(FunctionName=box.name)["Version"])

    first, second = publish(), publish()
    missing = box.outcome(
        lambda: client.create_alias(FunctionName=box.name, Name="probe", FunctionVersion="99")
    )
    client.update_function_configuration(FunctionName=box.name, MemorySize=192)
    during = box.outcome(publish)
    box.settle_function()
    return {
        "first version": first,
        "without a change": second,
        "alias of a missing version": missing,
        "during a change": during,
        "after a change": publish(),
    }


@FUNCTIONS.probe(
    "lambda-reserved-concurrency",
    rows=["Reservation that leaves less than 100 of the account's concurrency"],
    documented={"all but 99": "InvalidParameterValueException"},
    source=doc(f"{DOC_LAMBDA}/dg/configuration-concurrency.html"),
    seconds=30,
)
def _reserved_concurrency(box: Sandbox) -> Observation:
    """Is a reservation refused that leaves less than 100 of the account's concurrency?"""
    box.function(_ECHO)
    client = box.client("lambda")
    limits = client.get_account_settings()["AccountLimit"]
    # A new account has less than 100, so that it can't reserve any.
    most = max(limits["UnreservedConcurrentExecutions"] - _UNRESERVED_AT_LEAST, 0)
    code = box.outcome(
        lambda: client.put_function_concurrency(
            FunctionName=box.name, ReservedConcurrentExecutions=most + 1
        )
    )
    if code == ACCEPTED:
        # Other functions may need it.
        client.delete_function_concurrency(FunctionName=box.name)
    return {"all but 99": code}


@FUNCTIONS.probe(
    "lambda-policy-statement-ids",
    rows=["Statement ids of a function's policy"],
    documented={
        "for the function": ACCEPTED,
        "for the function again": "ResourceConflictException",
        "for an alias": ACCEPTED,
    },
    source=model("lambda"),
    seconds=30,
    differs=["for an alias"],
)
def _statement_ids(box: Sandbox) -> Observation:
    """Is a statement's id unique in a function's policy, or in each alias's?"""
    box.function(_ECHO)
    client = box.client("lambda")
    version = client.publish_version(FunctionName=box.name)["Version"]
    client.create_alias(FunctionName=box.name, Name="probe", FunctionVersion=version)

    def allow(**more: str) -> str:
        return box.outcome(
            lambda: client.add_permission(
                FunctionName=box.name,
                StatementId="probe",
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                **more,
            )
        )

    return {
        "for the function": allow(),
        "for the function again": allow(),
        "for an alias": allow(Qualifier="probe"),
    }


@FUNCTIONS.probe(
    "lambda-logs",
    rows=[
        "What a Python function logs from INFO on, prints and raises",
        "Exception or timeout of a function",
    ],
    documented={
        "error": "Unhandled",
        "kinds": ["END", "REPORT", "START", "error", "print", "warning"],
        "error's event": "[ERROR] ValueError: the probe's failure",
    },
    source=doc(f"{DOC_LAMBDA}/dg/python-logging.html"),
    seconds=60,
)
def _logs(box: Sandbox) -> Observation:
    """Which events does an invocation leave in the function's log group?"""
    group = f"/aws/lambda/{box.name}"
    box.function(
        _LOGGING,
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:*:{box.account}:log-group:{group}*",
        },
    )
    logs = box.client("logs")
    logs.create_log_group(logGroupName=group)

    def messages() -> list[str]:
        box.client("lambda").invoke(FunctionName=box.name)
        found = logs.filter_log_events(logGroupName=group)["events"]
        seen = [str(each["message"]) for each in found]
        return seen if any("REPORT" in each for each in seen) else []

    answer = box.client("lambda").invoke(FunctionName=box.name)
    found = box.until(messages, _LOG_SECONDS, "the function's log")
    error = next((each for each in found if "ValueError" in each), "")
    return {
        "error": answer.get("FunctionError"),
        "kinds": sorted({_kind(each) for each in found} - {""}),
        "error's event": error.partition("\n")[0],
    }


def _kind(message: str) -> str:
    for word in ("START", "END", "REPORT"):
        if message.startswith(word):
            return word
    for part, kind in (("ValueError", "error"), ("a warning", "warning"), ("printed", "print")):
        if part in message:
            return kind
    return "info" if "not shown" in message else ""


@FUNCTIONS.probe(
    "lambda-invocation-error",
    rows=["Error of an invoked function"],
    documented={"status": 200, "error": "Unhandled", "type": "ValueError"},
    source=f"{doc(f'{DOC_LAMBDA}/dg/python-exceptions.html')}; {REPORT}",
    seconds=30,
)
def _invocation_error(box: Sandbox) -> Observation:
    """How does Invoke report an exception of the function?"""
    box.function(_LOGGING)
    answer = box.client("lambda").invoke(FunctionName=box.name)
    return {
        "status": answer["StatusCode"],
        "error": answer.get("FunctionError"),
        "type": json.loads(answer["Payload"].read()).get("errorType"),
    }
