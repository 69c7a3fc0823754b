"""Probes of the URLs of Lambda's functions."""

from typing import Any, Final

import httpx2

from automation.probes.connections import watch
from automation.probes.families.exchanges import unfinished
from automation.probes.families.sources import DOC_LAMBDA, doc
from automation.probes.observations import UNDOCUMENTED, Observation
from automation.probes.probe import Family
from automation.probes.sandbox import Sandbox

FUNCTION_URLS: Final = Family("lambda", "iam", "logs")
_CHANGE_SECONDS: Final = 60.0
_WATCH_SECONDS: Final = 130.0
_LIMIT_SECONDS: Final = 3
_TOO_LARGE: Final = 7 * 1024 * 1024
_ECHO: Final = """
def handler(event, context):
    return {"statusCode": 200, "body": "probe"}
"""
_SLOW: Final = """
import time

def handler(event, context):
    if event["rawPath"] == "/slow":
        time.sleep(15)
    return {"statusCode": 200, "body": "probe"}
"""
_ANSWERS: Final = """
import json

def handler(event, context):
    path = event["rawPath"]
    if path == "/error":
        raise ValueError("the probe's failure")
    if path == "/large":
        return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
    if path == "/challenge":
        return {"statusCode": 401, "headers": {"www-authenticate": "Bearer"}, "body": ""}
    return {"statusCode": 200, "body": event["headers"].get("x-probe", "")}
"""


def _function_url(box: Sandbox, code: str) -> str:
    """Create a function with a URL that nobody may call yet, and return the URL."""
    box.function(code)
    created = box.client("lambda").create_function_url_config(
        FunctionName=box.name, AuthType="NONE"
    )
    url = str(created["FunctionUrl"])
    box.placeholders.learn("host", [str(httpx2.URL(url).host)])
    return url


def _allow(box: Sandbox, action: str, **more: Any) -> None:  # noqa: ANN401 - boto3's
    box.client("lambda").add_permission(
        FunctionName=box.name,
        StatementId=action.partition(":")[2],
        Action=action,
        Principal="*",
        **more,
    )


def _open(box: Sandbox) -> None:
    """Let everybody call the function's URL."""
    _allow(box, "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    _allow(box, "lambda:InvokeFunction", InvokedViaFunctionUrl=True)


def _wait_for_status(box: Sandbox, url: str, status: int) -> None:
    box.until(
        lambda: box.around.http.get(url).status_code == status,
        _CHANGE_SECONDS,
        f"status {status} of the function's URL",
    )


@FUNCTION_URLS.probe(
    "lambda-url-permissions",
    rows=["Function URL with `AuthType: NONE`", "More calls than are reserved"],
    documented={
        "without permission": 403,
        "with the first": 403,
        "with both": 200,
        "none reserved": 429,
    },
    source=doc(f"{DOC_LAMBDA}/dg/urls-auth.html"),
    seconds=90,
)
def _url_permissions(box: Sandbox) -> Observation:
    """Which permissions does a public function URL need, and what if no call is reserved?"""
    url = _function_url(box, _ECHO)
    http = box.around.http
    _wait_for_status(box, url, 403)
    without = http.get(url).status_code
    _allow(box, "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    # Until it takes effect, an answer proves nothing.
    box.around.sleep(box.around.propagation)
    first = http.get(url).status_code
    _allow(box, "lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    _wait_for_status(box, url, 200)
    both = http.get(url).status_code
    box.client("lambda").put_function_concurrency(
        FunctionName=box.name, ReservedConcurrentExecutions=0
    )
    _wait_for_status(box, url, 429)
    return {
        "without permission": without,
        "with the first": first,
        "with both": both,
        "none reserved": http.get(url).status_code,
    }


@FUNCTION_URLS.probe(
    "lambda-url-answers",
    rows=[
        "Error of the function",
        "Result over 6 MB",
        "Request to a function URL over 6 MB",
        "`WWW-Authenticate` in a function URL's response",
        "Equal headers of a request",
    ],
    documented={
        "error": 502,
        "error's text": UNDOCUMENTED,
        "large result": 502,
        "large request": 413,
        "www-authenticate": UNDOCUMENTED,
        "remapped": UNDOCUMENTED,
        "equal headers": "a,b",
    },
    source=doc(f"{DOC_LAMBDA}/dg/urls-invocation.html"),
    seconds=60,
)
def _url_answers(box: Sandbox) -> Observation:
    """How does a function URL answer errors, large bodies and its own headers?"""
    url = _function_url(box, _ANSWERS)
    _open(box)
    _wait_for_status(box, url, 200)
    http = box.around.http
    error = http.get(f"{url}error")
    challenge = http.get(f"{url}challenge")
    equal = http.get(url, headers=[("x-probe", "a"), ("x-probe", "b")])
    box.messages.append(error.text)
    return {
        "error": error.status_code,
        "error's text": "probe" in error.text,
        "large result": http.get(f"{url}large").status_code,
        "large request": http.post(url, content=b"x" * _TOO_LARGE).status_code,
        "www-authenticate": challenge.headers.get("www-authenticate"),
        "remapped": challenge.headers.get("x-amzn-remapped-www-authenticate"),
        "equal headers": equal.text,
    }


@FUNCTION_URLS.probe(
    "lambda-url-time-limit",
    rows=["Function URL of a function that exceeds its time limit"],
    documented={"status": UNDOCUMENTED, "answered before the function's end": True},
    source=doc(f"{DOC_LAMBDA}/dg/configuration-timeout.html"),
    seconds=60,
)
def _url_time_limit(box: Sandbox) -> Observation:
    """How does a function URL answer if the function exceeds its time limit?"""
    url = _function_url(box, _SLOW)
    _open(box)
    box.client("lambda").update_function_configuration(
        FunctionName=box.name, Timeout=_LIMIT_SECONDS
    )
    box.settle_function()
    _wait_for_status(box, url, 200)
    answer = box.around.http.get(f"{url}slow")
    box.messages.append(answer.text)
    return {
        "status": answer.status_code,
        "answered before the function's end": not answer.is_success,
    }


@FUNCTION_URLS.probe(
    "lambda-url-idle-limits",
    rows=[
        "Idle connection to App Runner or a function URL",
        "Unfinished request to App Runner or a function URL",
    ],
    documented=dict.fromkeys(
        ("after an answer", "header without an end", "body without an end", "slow body"),
        UNDOCUMENTED,
    ),
    source="nothing: it isn't documented",
    seconds=_WATCH_SECONDS + 60,
)
def _url_idle_limits(box: Sandbox) -> Observation:
    """After how long does a function URL end idle connections and slow requests?"""
    url = _function_url(box, _ECHO)
    _open(box)
    _wait_for_status(box, url, 200)
    endings = watch(
        url,
        unfinished(url, healthy="/", called="/"),
        longest=_WATCH_SECONDS,
        tls=box.around.tls,
    )
    return {name: ending.text() for name, ending in endings.items()}
