import neo4j.exceptions
import pytest

from automation.drills.database import codes

FAILED = "Neo.TransientError.Security.AuthProviderFailed"


def transient(code: str) -> neo4j.exceptions.Neo4jError:
    error = neo4j.exceptions.TransientError("the words")
    error._neo4j_code = code
    return error


def test_a_code_is_found_where_the_database_answers_itself() -> None:
    assert codes(transient(FAILED)) == {FAILED}


def test_a_code_is_found_in_what_a_router_answered() -> None:
    wrapped = neo4j.exceptions.ServiceUnavailable("Unable to retrieve routing information")
    wrapped.__cause__ = ExceptionGroup("All failed", [ValueError(), transient(FAILED)])
    assert codes(wrapped) == {FAILED}


@pytest.mark.parametrize("error", [None, neo4j.exceptions.ServiceUnavailable("away")])
def test_a_failure_without_a_code_has_none(error: Exception | None) -> None:
    assert codes(error) == set()
