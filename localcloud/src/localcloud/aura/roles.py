"""Permissions of Neo4j's built-in roles, decided from a query's plan.

Neo4j Community has no roles, so the gateway logs on to it as its administrator and enforces the
roles here. It relies on three things that a query's author can't forge: the plan that the database
itself makes of the query, READ transactions (which the database enforces), and, for calls that a
plan doesn't show, the words of the query.

Source: Neo4j's operations manual, "Built-in roles and privileges".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Role(IntEnum):
    """The built-in roles that the emulated Aura has; each includes those before it."""

    READER = 1
    PUBLISHER = 2
    ARCHITECT = 3
    ADMIN = 4

    @property
    def role_name(self) -> str:
        """Neo4j's name of the role."""
        return self.name.lower()


UNSUPPORTED_ROLES: Final = frozenset({"editor"})
"""Built-in roles rejected by name: Community can't stop an editor from creating new labels."""


@dataclass(frozen=True)
class Procedure:
    """A procedure of the database, as in SHOW PROCEDURES.

    Attributes:
        name: its qualified name.
        mode: READ, WRITE, SCHEMA, DBMS or DEFAULT.
        admin: whether Neo4j reserves it for administrators.
    """

    name: str
    mode: str
    admin: bool


@dataclass(frozen=True)
class Plan:
    """The database's plan of a query, as returned by EXPLAIN.

    Attributes:
        query_type: r, rw, w or s.
        operators: each operator of the plan with its details, both in the database's spelling.
    """

    query_type: str
    operators: tuple[tuple[str, str], ...]


# Their text argument is the caller's own Cypher, which no plan shows: it could be SHOW SETTINGS,
# TERMINATE TRANSACTIONS and, in separate transactions, anything at all.
_RUNS_CYPHER: Final = re.compile(
    r"apoc\.(cypher|do)\..*|apoc\.(when|case)|apoc\.graph\.fromCypher|apoc\.meta\.(data|graph)\.of"
    r"|apoc\.periodic\.(cancel|commit|countdown|iterate|repeat|submit|truncate)"
)
_CYPHER_FUNCTIONS: Final = (
    "apoc.cypher.runFirstColumnMany",
    "apoc.cypher.runFirstColumnSingle",
)
_OPEN_DBMS_PROCEDURES: Final = frozenset(
    {"dbms.components", "dbms.info", "dbms.listCapabilities", "tx.getMetaData", "tx.setMetaData"}
)
_ADMINISTRATION: Final = re.compile(
    r"AdministrationCommand|(Show|Terminate)(Settings?|Transactions?)"
)
_SCHEMA_COMMAND: Final = re.compile(r"(Create|Drop).*(Index|Constraint).*|DoNothingIf.*")
# Possessive, since two runs of spaces that can give way to each other take quadratic time.
_SHOW_DATABASES: Final = re.compile(
    r"\s*+(EXPLAIN\s++)?SHOW\s++(DATABASES?|HOME\s++DATABASE|DEFAULT\s++DATABASE)\s*+;?\s*+",
    re.IGNORECASE | re.ASCII,
)
_SHOW_CURRENT_USER: Final = re.compile(
    r"\s*+(EXPLAIN\s++)?SHOW\s++CURRENT\s++USER\s*+;?\s*+", re.IGNORECASE | re.ASCII
)
_EXPLAIN: Final = re.compile(r"[ \t\r\n]*EXPLAIN[ \t\r\n]", re.IGNORECASE | re.ASCII)
_PROFILE: Final = re.compile(r"([ \t\r\n]*)PROFILE([ \t\r\n])", re.IGNORECASE | re.ASCII)
_SUBQUERY: Final = re.compile(r"\b(exists|count|collect)\b", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Z0-9_]+", re.IGNORECASE)
_UNICODE_ESCAPE: Final = re.compile(r"\\u+([0-9a-fA-F]{4})")
_MAX_ESCAPES: Final = 10


def denial(role: Role, text: str, plan: Plan, procedures: Mapping[str, Procedure]) -> str | None:
    """Decide whether a role may run a query.

    It doesn't check the writes of a reader, whose transactions are READ ones.

    Args:
        role: the caller's role.
        text: the query.
        plan: the database's plan of it.
        procedures: the database's procedures by name.

    Returns:
        What isn't allowed, as the beginning of Neo4j's message; None if everything is allowed.
    """
    if role is Role.ADMIN:
        return None
    operators = [(operator.partition("@")[0], details) for operator, details in plan.operators]
    called = [name for step in operators if (name := _procedure(*step)) is not None]
    for name in called:
        if not _may_call(role, procedures.get(name)):
            return f"Executing procedure '{name}' is"
    if hidden := _hidden_call(role, text, procedures.values()):
        return f"Executing '{hidden}' is"
    return _denied_command(role, text, plan, [name for name, _ in operators], calls=bool(called))


def _denied_command(
    role: Role, text: str, plan: Plan, operators: list[str], *, calls: bool
) -> str | None:
    if any(_ADMINISTRATION.fullmatch(name) for name in operators):
        return None if _SHOW_DATABASES.fullmatch(text) else "Executing administration commands is"
    if any(_SCHEMA_COMMAND.fullmatch(name) for name in operators):
        return None if role >= Role.ARCHITECT else "Schema operations are"
    # Unknown commands, which neither read nor write, are denied.
    return "Executing this command is" if plan.query_type == "s" and not calls else None


def is_show_current_user(text: str) -> bool:
    """Return whether a query is exactly SHOW CURRENT USER, with or without EXPLAIN.

    Only the gateway knows the current user.
    """
    return _SHOW_CURRENT_USER.fullmatch(text) is not None


def is_explain(text: str) -> bool:
    """Return whether EXPLAIN is the first word of a query, so that it is never executed."""
    return _EXPLAIN.match(text) is not None


def with_explain(text: str) -> str:
    """Put EXPLAIN in front of a query, in place of a leading PROFILE."""
    return (
        "EXPLAIN " + _PROFILE.sub(r"\1\2", text, count=1)
        if _PROFILE.match(text)
        else ("EXPLAIN " + text)
    )


def _procedure(operator: str, details: str) -> str | None:
    """Return the name of the procedure that an operator calls; None if it calls none."""
    if operator == "ProcedureCall":
        return details.partition("(")[0].strip()
    # On the system database the operator has the procedure's name.
    return operator if "." in operator else None


def _may_call(role: Role, procedure: Procedure | None) -> bool:
    if procedure is None or procedure.admin or _RUNS_CYPHER.fullmatch(procedure.name):
        return False
    match procedure.mode:
        case "READ" | "DEFAULT" | "WRITE":
            return True
        case "SCHEMA":
            return role >= Role.ARCHITECT or procedure.name in {
                "apoc.schema.nodes",
                "apoc.schema.relationships",
            }
        case _:
            return procedure.name in _OPEN_DBMS_PROCEDURES


def _hidden_call(role: Role, text: str, procedures: Iterable[Procedure]) -> str | None:
    """Return a forbidden name that the query may call without a trace in its plan.

    Functions, and procedures in a subquery inside an expression, are not operators of the plan.
    A query that calls one contains all parts of its name, whatever the quotes, spaces or comments
    between them. So a query without them is safe, and a query with them is denied.
    """
    resolved = resolve_escapes(text)
    if resolved is None:
        return "escapes within escapes"
    readings = {text, resolved}
    forbidden = list(_CYPHER_FUNCTIONS)
    if any(_SUBQUERY.search(each, 0, each.rfind("{") + 1) for each in readings):
        forbidden += [each.name for each in procedures if not _may_call(role, each)]
    words = [{word.casefold() for word in _WORD.findall(each)} for each in readings]
    for name in forbidden:
        parts = set(name.casefold().split("."))
        if any(parts <= each for each in words):
            return name
    return None


def resolve_escapes(text: str) -> str | None:
    """Resolve the Unicode escapes that Cypher allows anywhere in a query.

    Returns:
        The query as the database's parser reads it, resolved until nothing changes; None if that
        takes more than ten rounds, since each may resolve a single escape.
    """
    for _ in range(_MAX_ESCAPES):
        resolved = _UNICODE_ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)
        if resolved == text:
            return text
        text = resolved
    return None
