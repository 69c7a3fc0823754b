import neo4j.exceptions
import pytest

from automation.drills.database import codes

FAILED = "Neo.TransientError.Security.AuthProviderFailed"


class AuthProviderFailed(neo4j.exceptions.TransientError):
    @property
    def code(self) -> str:
        return FAILED


def test_a_code_is_found_in_an_error_of_the_database() -> None:
    assert codes(AuthProviderFailed()) == {FAILED}


def test_a_code_is_found_in_an_error_of_a_router() -> None:
    wrapped = neo4j.exceptions.ServiceUnavailable("Unable to retrieve routing information")
    wrapped.__cause__ = ExceptionGroup("All failed", [ValueError(), AuthProviderFailed()])
    assert codes(wrapped) == {FAILED}


@pytest.mark.parametrize("error", [None, neo4j.exceptions.ServiceUnavailable("away")])
def test_a_failure_without_a_code_has_none(error: Exception | None) -> None:
    assert codes(error) == set()
