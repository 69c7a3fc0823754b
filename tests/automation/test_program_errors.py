"""How the engine reports the program's errors."""

from pathlib import Path

import pulumi.automation

from automation.program_errors import readable

REASON = "GetAuthorizationToken: AccessDeniedException: not authorized\nto perform it"
TOKEN = "aws:ecr/getAuthorizationToken:getAuthorizationToken"
TRACEBACK = """
Traceback (most recent call last):
  File "/x/pulumi/automation/_server.py", line 95, in run
    loop.run_until_complete(run_in_stack(self.program))
"""


def test_a_lookup_that_fails_is_reported_without_a_traceback() -> None:
    said = f"invoke of {TOKEN} failed: invocation of {TOKEN} returned an error: {REASON}"
    message = f"python inline source runtime error: {said}{TRACEBACK}Exception: {said}\n"
    assert readable(message) == f"{TOKEN} failed: {REASON}"
    assert readable(f"an unhandled error occurred: {message}") == (
        f"an unhandled error occurred: {TOKEN} failed: {REASON}"
    )


def test_a_lookup_that_is_refused_before_the_call_is_too() -> None:
    said = f"invoke of {TOKEN} failed: name is required"
    message = f"python inline source runtime error: {said}{TRACEBACK}Exception: {said}"
    assert readable(message) == f"{TOKEN} failed: name is required"


def test_a_bug_keeps_its_traceback() -> None:
    message = f"python inline source runtime error: division by zero{TRACEBACK}ZeroDivisionError"
    assert readable(message) == message


def test_the_automation_api_still_reports_exceptions_in_this_form() -> None:
    server = Path(pulumi.automation.__file__).with_name("_server.py")
    expected = 'f"python inline source runtime error: {exn}\\n{traceback.format_exc()}"'
    assert expected in server.read_text(encoding="utf-8")
