import pytest

from localcloud.aura.roles import (
    Plan,
    Procedure,
    Role,
    denial,
    is_explain,
    is_show_current_user,
    resolve_escapes,
    with_explain,
)

PROCEDURES = {
    each.name: each
    for each in [
        Procedure("apoc.meta.schema", "DEFAULT", admin=False),
        Procedure("apoc.create.node", "WRITE", admin=False),
        Procedure("apoc.cypher.doIt", "WRITE", admin=False),
        Procedure("apoc.schema.assert", "SCHEMA", admin=False),
        Procedure("db.stats.retrieve", "READ", admin=True),
        Procedure("dbms.components", "DBMS", admin=False),
        Procedure("dbms.listConfig", "DBMS", admin=True),
    ]
}


def _call(name: str, query_type: str = "r") -> Plan:
    return Plan(
        query_type,
        (("ProduceResults@neo4j", ""), ("ProcedureCall@neo4j", f"{name}() :: (a :: ANY)")),
    )


def _command(operator: str, query_type: str = "s") -> Plan:
    return Plan(query_type, ((f"{operator}@system", ""),))


@pytest.mark.parametrize(
    ("text", "plan", "least"),
    [
        ("MATCH (n) RETURN n", Plan("r", (("AllNodesScan@neo4j", "n"),)), Role.READER),
        ("CALL apoc.meta.schema()", _call("apoc.meta.schema"), Role.READER),
        ("CALL dbms.components()", _call("dbms.components", "s"), Role.READER),
        ("CALL dbms.components()", _command("dbms.components"), Role.READER),
        ("CALL apoc.schema.assert({},{})", _call("apoc.schema.assert", "rw"), Role.ARCHITECT),
        ("CREATE INDEX ...", _command("CreateIndex"), Role.ARCHITECT),
        ("DROP CONSTRAINT ...", _command("DropConstraint"), Role.ARCHITECT),
        ("CREATE INDEX ...", _command("DoNothingIfExists(INDEX)"), Role.ARCHITECT),
        ("CALL apoc.cypher.doIt('x', {})", _call("apoc.cypher.doIt", "rw"), Role.ADMIN),
        ("CALL db.stats.retrieve('x')", _call("db.stats.retrieve"), Role.ADMIN),
        ("CALL dbms.listConfig()", _command("dbms.listConfig"), Role.ADMIN),
        ("CALL what.is.this()", _call("what.is.this"), Role.ADMIN),
        ("SHOW USERS", _command("AdministrationCommand"), Role.ADMIN),
        ("SHOW DATABASES", _command("AdministrationCommand"), Role.READER),
        ("EXPLAIN SHOW DATABASES", _command("AdministrationCommand"), Role.READER),
        ("SHOW DATABASES YIELD *", _command("AdministrationCommand"), Role.ADMIN),
        ("SHOW SETTINGS", _command("ShowSettings", "r"), Role.ADMIN),
        ("SHOW TRANSACTIONS", _command("ShowTransactions", "r"), Role.ADMIN),
        ("TERMINATE TRANSACTION 'a'", _command("TerminateTransactions", "r"), Role.ADMIN),
        ("something new", _command("SomethingNew"), Role.ADMIN),
    ],
)
def test_a_query_requires_its_role(text: str, plan: Plan, least: Role) -> None:
    allowed = {role for role in Role if denial(role, text, plan, PROCEDURES) is None}
    assert allowed == {role for role in Role if role >= least}


@pytest.mark.parametrize(
    "text",
    [
        "RETURN [x IN [1] | COLLECT { CALL dbms.listConfig() YIELD name RETURN name }]",
        "RETURN [x IN [1] | collect/**/{ CALL dbms . `listConfig`() YIELD name RETURN name }]",
        r"RETURN [x IN [1] WHERE EXISTS { CALL dbms.list\u0043onfig() YIELD name RETURN name }]",
        r"RETURN [x IN [1] WHERE \u0045XISTS { CALL dbms.listConfig() YIELD name RETURN name }]",
        "RETURN COUNT { CALL db./* a */stats./* b */retrieve('x') YIELD section RETURN 1 } > 0",
        "RETURN apoc.cypher.runFirstColumnMany('SHOW SETTINGS', {})",
        "RETURN apoc\n.\ncypher . `runFirstColumnSingle`('SHOW SETTINGS', {})",
        r"RETURN \u0061poc.cypher.runFirst\uu0043olumnMany('SHOW SETTINGS', {})",
    ],
)
@pytest.mark.parametrize("role", [Role.READER, Role.PUBLISHER, Role.ARCHITECT])
def test_calls_that_are_not_in_the_plan_are_found(role: Role, text: str) -> None:
    plan = Plan("r", (("Projection@neo4j", "x"),))
    assert denial(role, text, plan, PROCEDURES) is not None


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n) WHERE EXISTS { (n)-->() } RETURN n.listConfig",
        "MATCH (n {stats: 1}) RETURN count(n)",
        "RETURN 'CALL dbms.listConfig()'",
    ],
)
def test_ordinary_queries_are_allowed(text: str) -> None:
    plan = Plan("r", (("Projection@neo4j", "x"),))
    assert denial(Role.READER, text, plan, PROCEDURES) is None


@pytest.mark.parametrize("text", ["EXPLAIN CREATE (n)", " \n explain\tCREATE (n)"])
def test_explain_is_recognized(text: str) -> None:
    assert is_explain(text)


@pytest.mark.parametrize(
    "text",
    ["CREATE (explain)", "// \nEXPLAIN x", "/* EXPLAIN */ CREATE (n)", "EXPLAINCREATE", ""],
)
def test_other_queries_are_not_mistaken_for_explain(text: str) -> None:
    assert not is_explain(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MATCH (n) RETURN n", "EXPLAIN MATCH (n) RETURN n"),
        ("PROFILE CREATE (n)", "EXPLAIN  CREATE (n)"),
        ("// a\nPROFILE CREATE (n)", "EXPLAIN // a\nPROFILE CREATE (n)"),
    ],
)
def test_explain_is_put_in_front_of_a_query(text: str, expected: str) -> None:
    assert with_explain(text) == expected


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("SHOW CURRENT USER", True),
        (" show  current\nuser ; ", True),
        ("EXPLAIN SHOW CURRENT USER", True),
        ("SHOW CURRENT USER YIELD *", False),
        ("SHOW USERS", False),
    ],
)
def test_only_the_whole_command_is_show_current_user(text: str, *, asks: bool) -> None:
    assert is_show_current_user(text) is asks


def test_escapes_are_resolved_until_nothing_changes() -> None:
    assert resolve_escapes(r"a\u0041\u005cu0042") == "aAB"


def test_too_many_nested_escapes_are_denied() -> None:
    nested = "\\" + "u005c" * 100_000 + "u0041"
    assert resolve_escapes(nested) is None
    plan = Plan("r", (("Projection@neo4j", "x"),))
    assert denial(Role.READER, nested, plan, PROCEDURES) == "Executing 'escapes within escapes' is"


@pytest.mark.parametrize(
    "text",
    [
        "SHOW CURRENT USER" + " " * 1_000_000 + "x",
        "EXPLAIN" + " " * 1_000_000 + "SHOW",
        "SHOW DATABASES" + " " * 1_000_000 + "x",
        "count " * 150_000,
        "{" + "exists count collect " * 50_000,
        "collect { apoc. " * 60_000,
        "\\u0041" * 150_000,
        "\\" + "u" * 1_000_000,
    ],
    ids=lambda text: text[:16].strip(),
)
def test_no_query_takes_quadratic_time(text: str) -> None:
    plan = Plan("s", (("AdministrationCommand@system", ""),))
    is_show_current_user(text)
    is_explain(text)
    with_explain(text)
    denial(Role.READER, text, plan, PROCEDURES)
