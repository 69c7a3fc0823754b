"""P4: the single sign-on settings of the database, and how it treats the clients' tokens."""

from typing import Any, Final

import neo4j
from neo4j.exceptions import DriverError, Neo4jError

from automation.checks.context import read_claims
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed, expect, expect_equal
from components.aura import USERNAME_CLAIM, sso_settings
from neo4j_mcp_client.doctor.judging import roles_by_group

_QUERY_TIMEOUT: Final = 30.0
# Every user of Neo4j has this role.
# Source: "Built-in roles" in the Neo4j Operations Manual.
_PUBLIC_ROLE: Final = "PUBLIC"


@check("P4-aura-sso")
def aura_sso(probe: Probe) -> None:
    """The output auraSso matches the configuration and the claims of the clients' tokens."""
    context = probe.context
    found = context.outputs["auraSso"]
    ids = [client["clientId"] for client in context.clients.values()]
    wanted = sso_settings(context.outputs["discoveryUrl"], ids, context.settings.scopes)
    probe.note("The output auraSso", found)
    expect_equal("the fields of auraSso, sorted", sorted(found), sorted(wanted))
    for field in sorted(wanted.keys() - {"audience"}):
        expect_equal(f"auraSso's {field}", found[field], wanted[field])
    expect_equal("auraSso's audience, sorted", sorted(found["audience"]), sorted(ids))
    mapped = roles_by_group(found["groupToRoleMapping"]).keys()
    for name in context.clients:
        claims = _read_claims(probe, name)
        audience = claims.get("aud")
        expect(
            audience in found["audience"], f"auraSso's audience lacks {name}'s aud, {audience!r}"
        )
        user = claims.get(found["usernameClaim"])
        expect(user, f"{name}'s token has no claim {found['usernameClaim']}")
        groups = claims.get(found["groupsClaim"]) or []
        unmapped = sorted(set(groups) - mapped)
        expect(groups, f"{name}'s token has no claim {found['groupsClaim']}")
        expect(not unmapped, f"auraSso maps no role to {name}'s groups {', '.join(unmapped)}")


@check("P4-driver")
def driver(probe: Probe) -> None:
    """Every client's token can log on to the database directly, and read."""
    context = probe.context
    for name in context.clients:
        rows = _run_query(probe, name, "RETURN 40 + 2 AS answer")
        expect_equal(f"{name}'s result", rows, [{"answer": 42}])
        (user,) = _run_query(probe, name, "SHOW CURRENT USER")
        expect_equal(
            f"{name}'s user in the database",
            user["user"],
            _read_claims(probe, name)[USERNAME_CLAIM],
        )


@check("P4-roles")
def roles(probe: Probe) -> None:
    """The database grants each client exactly the roles of its scopes."""
    context = probe.context
    for name in context.clients:
        (user,) = _run_query(probe, name, "SHOW CURRENT USER")
        found = sorted(set(user["roles"]) - {_PUBLIC_ROLE})
        expect_equal(f"{name}'s roles", found, sorted(context.roles(name)))


def _read_claims(probe: Probe, name: str) -> dict[str, Any]:
    claims = read_claims(probe.context.token(name))
    probe.note(f"Claims of {name}'s token", claims)
    return claims


def _run_query(probe: Probe, name: str, cypher: str) -> list[dict[str, Any]]:
    """Run a query with a client's token, through the driver instead of the server."""
    context = probe.context
    what = f"{cypher} as {name}, through the driver at {context.database_uri}"
    query = neo4j.Query(cypher, timeout=_QUERY_TIMEOUT)
    database = context.settings.neo4j_database
    try:
        with (
            context.driver(context.token(name)) as connected,
            connected.session(database=database, default_access_mode="READ") as session,
        ):
            rows = session.run(query).data()
    except Neo4jError as error:
        probe.note(what, f"{error.code}: {error.message}")
        raise Failed(f"the database refuses {name}: {error.code}") from error
    except DriverError as error:
        probe.note(what, str(error))
        raise Failed(f"the database doesn't respond to {name}: {error}") from error
    probe.note(what, rows)
    return rows
