"""The credentials of functions."""

from typing import Any

from localcloud.aws.lambda_.credentials import RoleSessions


class Sts:
    """Keeps the sessions that are registered."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}

    def register_session(self, key_id: str, session: dict[str, Any]) -> None:
        self.sessions[key_id] = session


def config(name: str, role: str = "reader") -> dict[str, str]:
    return {"FunctionName": name, "Role": f"arn:aws:iam::000000000000:role/path/{role}"}


def test_a_function_has_a_session_of_its_role() -> None:
    sts = Sts()
    found = RoleSessions(sts).credentials(config("function"))
    session = sts.sessions[found["AWS_ACCESS_KEY_ID"]]
    assert found["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert session["Arn"] == "arn:aws:sts::000000000000:assumed-role/reader/function"
    assert (session["SecretAccessKey"], session["SessionToken"]) == (
        found["AWS_SECRET_ACCESS_KEY"],
        found["AWS_SESSION_TOKEN"],
    )


def test_environments_of_a_function_share_a_session_until_its_role_changes() -> None:
    sessions = RoleSessions(Sts())
    first = sessions.credentials(config("function"))
    assert sessions.credentials(config("function")) == first
    others = [
        sessions.credentials(config("other")),
        sessions.credentials(config("function", role="writer")),
    ]
    secrets = {each["AWS_SECRET_ACCESS_KEY"] for each in [first, *others]}
    assert len(secrets) == 3


def test_a_sessions_name_is_not_longer_than_sts_allows() -> None:
    sts = Sts()
    found = RoleSessions(sts).credentials(config("f" * 70))
    session = sts.sessions[found["AWS_ACCESS_KEY_ID"]]
    assert session["Arn"].rpartition("/")[2] == "f" * 64
