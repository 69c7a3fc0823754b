"""The demo's graph: which characters of Les Misérables appear together in a chapter.

The data is Donald Knuth's co-appearance network (The Stanford GraphBase, 1993), which the
networkx package ships.
"""

from dataclasses import dataclass
from typing import Any

import networkx as nx

LOAD = """
UNWIND $pairs AS pair
MERGE (a:Character {name: pair.a})
MERGE (b:Character {name: pair.b})
MERGE (a)-[together:APPEARS_WITH]->(b)
SET together.chapters = pair.chapters
"""

SIZE = """
MATCH (:Character)-[together:APPEARS_WITH]->(:Character)
WITH count(together) AS pairs
MATCH (character:Character)
RETURN count(character) AS characters, pairs
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about the graph.

    Attributes:
        column: the column of the first row that has the answer.
    """

    text: str
    cypher: str
    column: str


QUESTIONS = (
    Question(
        text="Who appears with the most others?",
        cypher=(
            "MATCH (c:Character)-[:APPEARS_WITH]-(other)"
            " RETURN c.name AS name, count(other) AS others ORDER BY others DESC LIMIT 1"
        ),
        column="name",
    ),
    Question(
        text="With whom does Valjean share most chapters?",
        cypher=(
            "MATCH (:Character {name: 'Valjean'})-[t:APPEARS_WITH]-(other)"
            " RETURN other.name AS name, t.chapters AS chapters ORDER BY chapters DESC LIMIT 1"
        ),
        column="name",
    ),
    Question(
        text="How many steps from Napoleon to Gavroche?",
        cypher=(
            "MATCH path = shortestPath((:Character {name: 'Napoleon'})"
            "-[:APPEARS_WITH*]-(:Character {name: 'Gavroche'}))"
            " RETURN length(path) AS steps"
        ),
        column="steps",
    ),
)


def network() -> "nx.Graph[str]":
    """Return the characters as nodes; each edge's `weight` is the number of shared chapters."""
    graph: nx.Graph[str] = nx.les_miserables_graph()
    return graph


def pairs(graph: "nx.Graph[str]") -> list[dict[str, Any]]:
    """Return the network as the parameter of `LOAD`, with one object per pair."""
    return [
        {"a": a, "b": b, "chapters": attributes["weight"]}
        for a, b, attributes in graph.edges(data=True)
    ]


def expected_answers(graph: "nx.Graph[str]") -> tuple[object, ...]:
    """Answer each of `QUESTIONS` from the network itself, without a database."""
    degrees = dict(graph.degree())
    valjean = graph["Valjean"]
    return (
        max(degrees, key=lambda name: degrees[name]),
        max(valjean, key=lambda name: valjean[name]["weight"]),
        nx.shortest_path_length(graph, "Napoleon", "Gavroche"),
    )
