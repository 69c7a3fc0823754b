"""The Cypher of `database-role`, as Neo4j's own parser reads it.

Community Edition has no roles: it parses and checks these commands, and then answers that they are
not supported. Whether Enterprise Edition enforces them is Neo4j's own to test.
"""

import neo4j
import pytest
from neo4j.exceptions import ClientError

from automation.database_role import role_commands

pytestmark = pytest.mark.stand_in

_UNSUPPORTED = "Neo.ClientError.Statement.UnsupportedAdministrationCommand"


def _refusal(driver: neo4j.Driver, command: str) -> str | None:
    with pytest.raises(ClientError) as caught, driver.session(database="system") as session:
        session.run(command).consume()
    return caught.value.code


@pytest.mark.parametrize("writes", [False, True])
def test_neo4j_parses_every_command(administrator: neo4j.Driver, *, writes: bool) -> None:
    commands = role_commands("agent", database="neo4j", writes=writes)

    assert {each: _refusal(administrator, each) for each in commands} == dict.fromkeys(
        commands, _UNSUPPORTED
    )


def test_neo4j_notices_a_mistake_in_a_command(administrator: neo4j.Driver) -> None:
    mistaken = "DENY LOAD ON EVERY DATA TO agent"

    assert _refusal(administrator, mistaken) == "Neo.ClientError.Statement.SyntaxError"
