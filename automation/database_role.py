"""The Cypher that creates a Neo4j role with no more privileges than an agent needs. Pure."""

from collections.abc import Iterator
from typing import Final

# What reaches beyond the graph: other addresses, files, settings, or Cypher that runs later or with
# other privileges. A read-only call of one could send data out.
# Source: the overviews of procedures in the manuals of APOC, of its extended library, of the GenAI
# plugin and of the Graph Data Science library.
DENIED_PROCEDURES: Final = (
    "ai.*",
    "apoc.bolt.*",
    "apoc.config.*",
    "apoc.couchbase.*",
    "apoc.custom.*",
    "apoc.cypher.*",
    "apoc.dv.*",
    "apoc.es.*",
    "apoc.export.*",
    "apoc.import.*",
    "apoc.load.*",
    "apoc.log.*",
    "apoc.metrics.*",
    "apoc.ml.*",
    "apoc.model.*",
    "apoc.mongo*",
    "apoc.nlp.*",
    "apoc.periodic.*",
    "apoc.redis.*",
    "apoc.spatial.*",
    "apoc.systemdb.*",
    "apoc.trigger.*",
    "apoc.uuid.*",
    "apoc.vectordb.*",
    "gds.*export*",
    "genai.*",
)
DENIED_FUNCTIONS: Final = ("ai.*", "apoc.cypher.*", "apoc.load.*", "apoc.ml.*", "genai.*")


def role_commands(role: str, *, database: str, writes: bool) -> tuple[str, ...]:
    """Return the commands that create a role for agents, each without a semicolon.

    Denials are needed, because every user also has the role PUBLIC, which by default may load data
    from any address and execute every procedure. A denial takes precedence over a grant.

    Source: "Built-in roles and privileges", "Load privileges" and "The DBMS EXECUTE privileges" in
    the Neo4j Operations Manual, release 5.26.

    Args:
        role: the role's name: a letter, then letters, digits and underscores.
        database: the database that its holders may use.
        writes: whether they may write, and create labels, types and property names.
    """
    return tuple(_commands(role, f"`{database}`", writes=writes))


def _commands(role: str, database: str, *, writes: bool) -> Iterator[str]:
    yield f"CREATE ROLE {role} IF NOT EXISTS"
    yield f"GRANT ACCESS ON DATABASE {database} TO {role}"
    yield f"GRANT MATCH {{*}} ON GRAPH {database} TO {role}"
    yield f"GRANT SHOW INDEX ON DATABASE {database} TO {role}"
    yield f"GRANT SHOW CONSTRAINT ON DATABASE {database} TO {role}"
    if writes:
        yield f"GRANT WRITE ON GRAPH {database} TO {role}"
        yield f"GRANT NAME MANAGEMENT ON DATABASE {database} TO {role}"
    else:
        yield f"DENY WRITE ON GRAPH {database} TO {role}"
    yield f"DENY LOAD ON ALL DATA TO {role}"
    yield f"DENY EXECUTE ADMIN PROCEDURES ON DBMS TO {role}"
    yield f"DENY EXECUTE BOOSTED PROCEDURE * ON DBMS TO {role}"
    yield f"DENY EXECUTE BOOSTED USER DEFINED FUNCTION * ON DBMS TO {role}"
    yield f"DENY EXECUTE PROCEDURE {', '.join(DENIED_PROCEDURES)} ON DBMS TO {role}"
    yield f"DENY EXECUTE USER DEFINED FUNCTION {', '.join(DENIED_FUNCTIONS)} ON DBMS TO {role}"
