"""P4: what the Aura console must hold, and what the database makes of the tokens."""

import re
from typing import Any, Final

import jwt
import neo4j
from neo4j.exceptions import DriverError, Neo4jError

from automation.checks.inspection import Inspection
from automation.checks.registry import check
from automation.checks.verdicts import Failed, expect, expect_equal
from components.aura import USERNAME_CLAIM, sso_settings

_QUERY_SECONDS: Final = 30.0
_MAPPED: Final = re.compile(r'"([^"]+)"=([^;]+)')
# Every user of Neo4j has it. Source: "Built-in roles" in the Neo4j Operations Manual.
_EVERYBODY: Final = "PUBLIC"


@check("P4-aura-sso")
def aura_sso(inspection: Inspection) -> None:
    """The output auraSso fits the settings, and what the clients' tokens carry."""
    context = inspection.context
    found = context.outputs["auraSso"]
    ids = [client["clientId"] for client in context.clients.values()]
    wanted = sso_settings(context.outputs["discoveryUrl"], ids, context.settings.scopes)
    inspection.note("The output auraSso", found)
    expect_equal("the fields of auraSso, sorted", sorted(found), sorted(wanted))
    for field in sorted(wanted.keys() - {"audience"}):
        expect_equal(f"auraSso's {field}", found[field], wanted[field])
    expect_equal("auraSso's audience, sorted", sorted(found["audience"]), sorted(ids))
    roles = _roles_by_group(found["groupToRoleMapping"])
    for name in context.clients:
        claims = _claims(inspection, name)
        audience = claims.get("aud")
        expect(
            audience in found["audience"], f"auraSso's audience lacks {name}'s aud, {audience!r}"
        )
        user = claims.get(found["usernameClaim"])
        expect(user, f"{name}'s token has no claim {found['usernameClaim']}")
        groups = claims.get(found["groupsClaim"]) or []
        unmapped = sorted(set(groups) - roles.keys())
        expect(groups, f"{name}'s token has no claim {found['groupsClaim']}")
        expect(not unmapped, f"auraSso maps no role to {name}'s groups {', '.join(unmapped)}")


@check("P4-driver")
def driver(inspection: Inspection) -> None:
    """Every client's token logs on to the database directly, and reads."""
    context = inspection.context
    for name in context.clients:
        rows = _run(inspection, name, "RETURN 40 + 2 AS answer")
        expect_equal(f"{name}'s answer", rows, [{"answer": 42}])
        (user,) = _run(inspection, name, "SHOW CURRENT USER")
        expect_equal(
            f"{name}'s user in the database",
            user["user"],
            _claims(inspection, name)[USERNAME_CLAIM],
        )


@check("P4-roles")
def roles(inspection: Inspection) -> None:
    """The database gives each client the roles that its scopes are configured with."""
    context = inspection.context
    mapped = context.outputs["scopes"]
    for name, client in context.clients.items():
        (user,) = _run(inspection, name, "SHOW CURRENT USER")
        found = sorted(set(user["roles"]) - {_EVERYBODY})
        wanted = sorted({mapped[scope] for scope in client["scopes"]})
        expect_equal(f"{name}'s roles", found, wanted)


def _claims(inspection: Inspection, name: str) -> dict[str, Any]:
    # Who verifies a token is the database.
    token = inspection.context.token(name)
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    inspection.note(f"Claims of {name}'s token", claims)
    return claims


def _roles_by_group(mapping: str) -> dict[str, list[str]]:
    return {group: names.split(",") for group, names in _MAPPED.findall(mapping)}


def _run(inspection: Inspection, name: str, cypher: str) -> list[dict[str, Any]]:
    """Run a query as a client, directly."""
    context = inspection.context
    what = f"{cypher} as {name}, by the driver at {context.database_uri}"
    query = neo4j.Query(cypher, timeout=_QUERY_SECONDS)
    database = context.settings.neo4j_database
    try:
        with (
            context.driver(context.token(name)) as connected,
            connected.session(database=database, default_access_mode="READ") as session,
        ):
            rows = session.run(query).data()
    except Neo4jError as error:
        inspection.note(what, f"{error.code}: {error.message}")
        raise Failed(f"the database refuses {name}: {error.code}") from error
    except DriverError as error:
        inspection.note(what, str(error))
        raise Failed(f"the database doesn't answer {name}: {error}") from error
    inspection.note(what, rows)
    return rows
