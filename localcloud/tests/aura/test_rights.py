"""What each role can't do, by any query, and what it must be able to do.

Every query goes through the real gateway, driver and database.
"""

from typing import Final

import neo4j
import pytest
from neo4j.exceptions import Neo4jError

from aura.conftest import Bearer
from aura.instance import Aura

pytestmark = pytest.mark.stand_in

FORBIDDEN: Final = "Neo.ClientError.Security.Forbidden"

# Writes, directly and in every indirect way.
WRITES: Final = [
    "CREATE (n:Hacked)",
    "MERGE (n:Hacked)",
    "MATCH (n:Kept) SET n:Hacked",
    "MATCH (n:Kept) SET n.name = 'changed'",
    "MATCH (n:Kept) REMOVE n.name",
    "MATCH (n:Kept) DETACH DELETE n",
    "FOREACH (x IN [1] | CREATE (:Hacked))",
    "UNWIND [1] AS x CREATE (:Hacked)",
    "CALL () { CREATE (n:Hacked) }",
    "CALL () { CREATE (n:Hacked) } IN TRANSACTIONS",
    "UNWIND [1, 2] AS x CALL (x) { CREATE (:Hacked) } IN 2 CONCURRENT TRANSACTIONS",
    "CYPHER 5 CREATE (n:Hacked)",
    "CYPHER runtime=slotted CREATE (n:Hacked)",
    "PROFILE CREATE (n:Hacked)",
    "\n\t PROFILE\nCREATE (n:Hacked)",
    "USE neo4j CREATE (n:Hacked)",
    "/* EXPLAIN */ CREATE (n:Hacked)",
    "// EXPLAIN \nCREATE (n:Hacked)",
    r"\u0043REATE (n:Hacked)",
    "RETURN 'EXPLAIN' AS x UNION CREATE (n:Hacked) RETURN 'a' AS x",
    "CALL apoc.create.node(['Hacked'], {})",
    "CALL apoc.create.nodes(['Hacked'], [{}])",
    "MATCH (n:Kept) CALL apoc.create.addLabels([n], ['Hacked']) YIELD node RETURN node",
    "CALL apoc.merge.node(['Hacked'], {a: 1})",
    "MATCH (n:Kept) CALL apoc.atomic.add(n, 'age', 1) YIELD newValue RETURN newValue",
    "CALL apoc.example.movies()",
    "CALL db.createLabel('Hacked')",
    "CALL db.createProperty('hacked')",
    "CALL apoc.refactor.rename.label('Kept', 'Hacked')",
    "MATCH (n:Kept) CALL apoc.nodes.delete(n, 1) YIELD value RETURN value",
]

# Queries that would run Cypher which no plan shows.
HIDDEN_CYPHER: Final = [
    "CALL apoc.cypher.run('CREATE (n:Hacked)', {})",
    "CALL apoc.cypher.run('SHOW SETTINGS', {})",
    "CALL apoc.cypher.runTimeboxed('CREATE (n:Hacked)', {}, 1000)",
    "CALL apoc.cypher.runManyReadOnly('SHOW SETTINGS;', {})",
    "CALL apoc.cypher.runMany('CREATE (n:Hacked);', {})",
    "CALL apoc.cypher.doIt('CREATE INDEX hacked FOR (n:H) ON (n.x)', {})",
    "CALL apoc.cypher.runWrite('CREATE (n:Hacked)', {})",
    "CALL apoc.cypher.runSchema('CREATE INDEX hacked FOR (n:H) ON (n.x)', {})",
    "CALL `apoc`.`cypher`.`doIt`('CREATE (n:Hacked)', {})",
    "CALL apoc.when(true, 'SHOW SETTINGS', '')",
    "CALL apoc.case([true, 'SHOW SETTINGS'], '')",
    "CALL apoc.do.when(true, 'CREATE (n:Hacked)', '')",
    "CALL apoc.do.case([true, 'CREATE (n:Hacked)'], '')",
    "CALL apoc.graph.fromCypher('SHOW SETTINGS', {}, 'x', {})",
    "CALL apoc.meta.data.of('SHOW SETTINGS')",
    "CALL apoc.meta.graph.of('SHOW SETTINGS')",
    "CALL apoc.periodic.commit('CREATE (n:Hacked) RETURN 0')",
    "CALL apoc.periodic.iterate('RETURN 1 AS x', 'CREATE (n:Hacked)', {})",
    "CALL apoc.periodic.submit('hacked', 'CREATE (n:Hacked)')",
    "CALL apoc.periodic.repeat('hacked', 'CREATE (n:Hacked)', 1)",
    "CALL apoc.periodic.truncate()",
    "RETURN apoc.cypher.runFirstColumnMany('SHOW SETTINGS YIELD name RETURN name', {})",
    "RETURN apoc.cypher.runFirstColumnSingle('CALL dbms.listConfig() YIELD name RETURN name', {})",
    "RETURN apoc /**/ . cypher . `runFirstColumnMany`('SHOW SETTINGS', {})",
    r"RETURN \u0061poc.cypher.run\u0046irstColumnMany('SHOW SETTINGS', {})",
    "WITH apoc.cypher.runFirstColumnMany('TERMINATE TRANSACTION \"x\"', {}) AS x RETURN x",
]

ADMINISTRATION: Final = [
    "SHOW USERS",
    "SHOW CURRENT USER YIELD *",
    "CREATE USER hacked SET PASSWORD 'hacked-hacked' CHANGE NOT REQUIRED",
    "ALTER USER neo4j SET PASSWORD 'hacked-hacked'",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'hacked-hacked'",
    "DROP USER neo4j",
    "RENAME USER neo4j TO hacked",
    "EXPLAIN SHOW USERS",
    "SHOW SETTINGS",
    "PROFILE SHOW SETTINGS",
    "/**/ SHOW SETTINGS YIELD name",
    "SHOW TRANSACTIONS",
    "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTION t YIELD message RETURN *",
    "CALL dbms.listConfig()",
    "CALL dbms./**/listConfig()",
    r"CALL dbms.list\u0043onfig()",
    "CALL dbms.listConnections()",
    "CALL dbms.killConnection('bolt-1')",
    "CALL dbms.killConnections(['bolt-1'])",
    "CALL dbms.queryJmx('*:*')",
    "CALL dbms.showCurrentUser()",
    "CALL dbms.upgrade()",
    "CALL db.clearQueryCaches()",
    "CALL db.prepareForReplanning()",
    "CALL db.stats.collect('QUERIES')",
    "CALL db.stats.retrieve('QUERIES')",
    "RETURN CASE WHEN EXISTS { CALL dbms.listConfig() YIELD name RETURN name } THEN 1 END",
    "RETURN [x IN [1] | COLLECT { CALL dbms.listConfig() YIELD name RETURN name }]",
    "RETURN [x IN [1] | COLLECT { CALL `dbms` . `listConfig`() YIELD name RETURN name }]",
    r"RETURN [x IN [1] | \u0043OLLECT { CALL dbms.list\u0043onfig() YIELD name RETURN name }]",
    "RETURN [x IN [1] WHERE COUNT { CALL db.stats.status() YIELD section RETURN 1 } > 0 | x]",
    (
        "CALL dbms.components() YIELD name RETURN [x IN [1] | COLLECT "
        "{ CALL dbms.listConnections() YIELD connectionId RETURN connectionId }]"
    ),
]

SCHEMA: Final = [
    "CREATE INDEX hacked FOR (n:Kept) ON (n.name)",
    "CREATE INDEX hacked IF NOT EXISTS FOR (n:Kept) ON (n.name)",
    "CREATE TEXT INDEX hacked FOR (n:Kept) ON (n.name)",
    "CREATE FULLTEXT INDEX hacked FOR (n:Kept) ON EACH [n.name]",
    (
        "CREATE VECTOR INDEX hacked FOR (n:Kept) ON n.v OPTIONS "
        "{indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
    ),
    "CREATE CONSTRAINT hacked FOR (n:Kept) REQUIRE n.name IS UNIQUE",
    "DROP INDEX kept",
    "CYPHER 5 DROP INDEX kept IF EXISTS",
    "PROFILE CREATE INDEX hacked FOR (n:Kept) ON (n.name)",
    "CALL apoc.schema.assert({}, {})",
    "CALL db.index.vector.createNodeIndex('hacked', 'Kept', 'v', 3, 'cosine')",
]

ORDINARY: Final = [
    "MATCH (n) RETURN n",
    "PROFILE MATCH (n) RETURN n",
    "MATCH (n) WHERE EXISTS { (n)-->() } RETURN count(n), collect(n.name)",
    "RETURN 'CREATE (n) SHOW USERS dbms.listConfig' AS text // SHOW SETTINGS",
    "CALL apoc.meta.schema()",
    "CALL apoc.meta.stats()",
    "CALL db.labels()",
    "CALL db.schema.visualization()",
    "CALL dbms.components()",
    "CALL dbms.info()",
    "SHOW DATABASES",
    "SHOW INDEXES",
    "SHOW CONSTRAINTS",
    "SHOW PROCEDURES YIELD name RETURN count(*)",
    "SHOW FUNCTIONS YIELD name RETURN count(*)",
    "SHOW CURRENT USER",
    "EXPLAIN SHOW CURRENT USER",
    "RETURN apoc.coll.max([1, 2]), apoc.version()",
    "EXPLAIN CREATE (n:Hacked)",
    "CALL tx.setMetaData({app: 'test'})",
]


@pytest.fixture
def graph(aura: Aura) -> Aura:
    """A graph with one node and one index, which must not change."""
    with aura.driver(aura.admin) as driver:
        driver.execute_query("CREATE (:Kept {name: 'kept'})")
        driver.execute_query("CREATE INDEX kept IF NOT EXISTS FOR (n:Kept) ON (n.other)")
    return aura


def _outcome(driver: neo4j.Driver, query: str) -> str:
    with driver.session() as session:
        try:
            session.run(query).consume()
        except Neo4jError as error:
            return str(error.code)
    return "done"


def _state(aura: Aura) -> tuple[object, ...]:
    with aura.driver(aura.admin) as driver:
        nodes = driver.execute_query(
            "MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties"
        ).records
        indexes = driver.execute_query("SHOW INDEXES YIELD name").records
        constraints = driver.execute_query("SHOW CONSTRAINTS YIELD name").records
        users = driver.execute_query("SHOW USERS YIELD user").records
        jobs = driver.execute_query("CALL apoc.periodic.list()").records
    return (
        [record.data() for record in nodes],
        sorted(record["name"] for record in indexes),
        [record["name"] for record in constraints],
        [record["user"] for record in users],
        [record.data() for record in jobs],
    )


@pytest.mark.parametrize(
    ("group", "queries"),
    [
        ("reader", [*WRITES, *HIDDEN_CYPHER, *ADMINISTRATION, *SCHEMA]),
        ("writer", [*HIDDEN_CYPHER, *ADMINISTRATION, *SCHEMA]),
        ("architect", [*HIDDEN_CYPHER, *ADMINISTRATION]),
    ],
)
def test_no_query_exceeds_its_role(
    graph: Aura, bearer: Bearer, group: str, queries: list[str]
) -> None:
    assert len(queries) > 40
    before = _state(graph)
    driver = bearer(group)
    outcomes = {query: _outcome(driver, query) for query in queries}
    allowed = {query: code for query, code in outcomes.items() if code != FORBIDDEN}
    # The parser rejects these for every role.
    assert {
        query: code for query, code in allowed.items() if not code.endswith("SyntaxError")
    } == {}
    assert _state(graph) == before


@pytest.mark.parametrize("group", ["reader", "writer", "architect", "admin"])
def test_every_role_can_read(graph: Aura, bearer: Bearer, group: str) -> None:
    before = _state(graph)
    driver = bearer(group)
    outcomes = {query: _outcome(driver, query) for query in ORDINARY}
    assert {query: code for query, code in outcomes.items() if code != "done"} == {}
    assert _state(graph) == before


@pytest.mark.usefixtures("graph")
def test_a_writer_can_write_and_create_labels(bearer: Bearer) -> None:
    driver = bearer("writer")
    queries = [query for query in WRITES if "\\u" not in query and "UNION" not in query]
    outcomes = {query: _outcome(driver, query) for query in queries}
    assert {query: code for query, code in outcomes.items() if code != "done"} == {}


@pytest.mark.usefixtures("graph")
def test_an_architect_can_change_the_schema(bearer: Bearer) -> None:
    driver = bearer("architect")
    assert _outcome(driver, "CREATE INDEX made FOR (n:Kept) ON (n.name)") == "done"
    assert _outcome(driver, "DROP INDEX made") == "done"


@pytest.mark.usefixtures("graph")
def test_an_admin_can_administer(bearer: Bearer) -> None:
    driver = bearer("admin")
    for query in ("SHOW USERS", "SHOW SETTINGS", "SHOW TRANSACTIONS", "CALL dbms.listConfig()"):
        assert _outcome(driver, query) == "done"


@pytest.mark.parametrize("group", ["reader", "writer"])
def test_the_system_database_is_closed_to_other_roles(
    aura: Aura, bearer: Bearer, group: str
) -> None:
    assert aura.console
    with bearer(group).session(database="system") as session:
        for query in ("SHOW USERS", "CREATE USER hacked SET PASSWORD 'hacked-hacked'"):
            with pytest.raises(Neo4jError) as caught:
                session.run(query).consume()
            assert caught.value.code == FORBIDDEN
        transaction = session.begin_transaction()
        with pytest.raises(Neo4jError) as caught:
            transaction.run("SHOW USERS").consume()
        assert caught.value.code == FORBIDDEN
        transaction.close()


# Access that a server not locked down like Aura would allow; closed even to the administrator.
OUTSIDE: Final = [
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "LOAD CSV FROM 'file:/etc/passwd' AS line RETURN line",
    "LOAD CSV FROM 'jar:file:///etc/passwd!/x' AS line RETURN line",
    "LOAD CSV FROM $console AS line RETURN line",
    "LOAD CSV FROM 'ftp://127.0.0.1:1/x' AS line RETURN line",
    "LOAD CSV FROM 'http://[::1]:1/x' AS line RETURN line",
    "CALL apoc.load.json('file:///etc/passwd')",
    "CALL apoc.load.json($console)",
    "CALL apoc.load.xml('file:///etc/passwd')",
    "CALL apoc.import.csv([{fileName: 'file:///etc/passwd', labels: []}], [], {})",
    "CALL apoc.import.json('file:///etc/passwd')",
    "CALL apoc.import.graphml('file:///etc/passwd', {})",
    "CALL apoc.export.csv.all('/tmp/hacked.csv', {})",
    "CALL apoc.export.cypher.all(null, {stream: true})",
    "CALL apoc.export.json.query('SHOW SETTINGS', null, {stream: true})",
    "CALL apoc.spatial.geocode('London')",
    "CALL apoc.log.stream('neo4j.log')",
    "CALL apoc.trigger.install('neo4j', 'x', 'RETURN 1', {})",
    "CALL apoc.trigger.list()",
    "CALL apoc.warmup.run()",
    "CALL gds.list()",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_only_the_graph_can_be_reached(aura: Aura, query: str) -> None:
    with aura.driver(aura.admin) as driver, pytest.raises(Neo4jError) as caught:
        driver.execute_query(query, {"console": f"{aura.console}/sso"})
    assert str(caught.value.code) in {
        "Neo.ClientError.Procedure.ProcedureNotFound",
        "Neo.ClientError.Statement.ExternalResourceFailed",
    }
