#!/usr/bin/env python3
"""Records the tools and values of the deployed server: `make record`.

Two files come of it. The tools and instructions of the server's release go into the package, where
the bridge serves them until it has seen a server. The answers for a value of each Cypher type go
into `docs/values.json`, of which the table in `docs/clients.md` is made. A test compares both with
the server.
"""

import json
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neo4j_mcp_client import Neo4jMcp, Neo4jMcpError, calls
from neo4j_mcp_client.values import LostValueWarning

CLIENT = Path(__file__).resolve().parent
RELEASE = CLIENT / "src/neo4j_mcp_client/bridge/release.json"
VALUES = CLIENT.parent / "docs/values.json"

_INITIALIZE = {
    "protocolVersion": calls.PROTOCOL_VERSION,
    "capabilities": {},
    "clientInfo": {"name": "record", "version": "1"},
}
_LABEL = "ValueSample"
_CLEAN_UP = f"MATCH (n:{_LABEL}) DETACH DELETE n"
# Different in each database.
_IDS = {
    "Id": 0,
    "StartId": 0,
    "EndId": 1,
    "ElementId": "…",
    "StartElementId": "…",
    "EndElementId": "…",
}


@dataclass(frozen=True)
class Sample:
    """A value of one Cypher type.

    Attributes:
        type: the type, as people say it.
        value: a Cypher expression of that type.
        remark: what a caller has to know; empty where the answer says it all.
        before: clauses before RETURN.
        parameter: the value of `$value`.
    """

    type: str
    value: str
    remark: str = ""
    before: str = ""
    parameter: Any = None


_LOST = "Lost: return `toString(value)`"
_FAILS = "The whole call fails with `ToolError`: filter it out with `isNaN` or `CASE`"
SAMPLES = (
    Sample("Null", "null"),
    Sample("Boolean", "true"),
    Sample("Integer", "9223372036854775807", "`int`, exact to 64 bits"),
    Sample("Float", "0.1", "`float`, exact"),
    Sample("Whole float", "1.0", "An `int`: convert it with `float(value)`"),
    Sample("NaN", "0.0 / 0.0", _FAILS),
    Sample("Infinity", "1.0 / 0.0", _FAILS),
    Sample("String", "'Łódź'"),
    Sample(
        "Bytes", "apoc.util.compress('abc', {compression: 'NONE'})", "Base64: `base64.b64decode`"
    ),
    Sample("List", "[1, 'a', null]"),
    Sample("Map", "{a: 1, b: null}"),
    Sample("Empty map", "{}", "Looks like a lost date"),
    Sample("Vector", "[0.25, 0.5, 1.0]", "An embedding is a list of floats: leave it out"),
    Sample("Date", "date('2025-09-04')", _LOST),
    Sample("Local time", "localtime('10:11:12')", _LOST),
    Sample("Time", "time('10:11:12+02:00')", _LOST),
    Sample("Local date-time", "localdatetime('2025-09-04T10:11:12')", _LOST),
    Sample(
        "Date-time with an offset",
        "datetime('2025-09-04T10:11:12+02:00')",
        "`datetime.fromisoformat`",
    ),
    Sample(
        "Date-time with a zone",
        "datetime('2025-09-04T10:11:12[Europe/Berlin]')",
        "The offset is kept, and the zone's name lost",
    ),
    Sample(
        "Duration",
        "duration('P1Y2M3DT4H5M6.7S')",
        "Four numbers: months, days, seconds, nanoseconds",
    ),
    Sample("Point, Cartesian", "point({x: 1, y: 2.5})", "`SpatialRefId` is the SRID"),
    Sample("Point, 3D", "point({x: 1, y: 2.5, z: 3})"),
    Sample(
        "Point, WGS 84",
        "point({longitude: 13.4, latitude: 52.5})",
        "`X` is the longitude, `Y` the latitude",
    ),
    Sample(
        "Node",
        "n",
        "Return the properties that you need",
        before=f"CREATE (n:{_LABEL} {{name: 'Bo'}})",
    ),
    Sample(
        "Relationship",
        "r",
        "Return the properties that you need",
        before=f"CREATE (:{_LABEL})-[r:KNOWS {{since: 2020}}]->(:{_LABEL})",
    ),
    Sample(
        "Path",
        "p",
        "Return `nodes(p)` or their properties",
        before=f"CREATE p = (:{_LABEL} {{name: 'Bo'}})-[:KNOWS]->(:{_LABEL})",
    ),
    Sample("Parameter `7`", "valueType($value)", "", parameter=7),
    Sample("Parameter `1.0`", "valueType($value)", "A float stays one", parameter=1.0),
    Sample(
        "Parameter `2**63`",
        "valueType($value)",
        "`ParameterError`, before anything is sent: pass a string, and `toFloat($value)`",
        parameter=2**63,
    ),
)


def release_of(neo4j: Neo4jMcp) -> dict[str, Any]:
    """Fetch a server's instructions and tools."""
    introduction = neo4j.send(_raw("initialize", _INITIALIZE))
    return {
        "version": introduction["serverInfo"]["version"],
        "instructions": introduction["instructions"],
        "tools": neo4j.send(_raw("tools/list", {}))["tools"],
    }


def answers_of(neo4j: Neo4jMcp) -> list[dict[str, Any]]:
    """Fetch a value of each type."""
    try:
        return [_recorded(neo4j, sample) for sample in SAMPLES]
    finally:
        neo4j.write(_CLEAN_UP)


def _recorded(neo4j: Neo4jMcp, sample: Sample) -> dict[str, Any]:
    record: dict[str, Any] = {
        "type": sample.type,
        "value": sample.value,
        "remark": sample.remark,
    }
    query = f"{sample.before} RETURN {sample.value} AS value".strip()
    params = None if sample.parameter is None else {"value": sample.parameter}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LostValueWarning)
            (row,) = neo4j.write(query, params)
    except Neo4jMcpError as error:
        return record | {"failure": type(error).__name__}
    return record | {"answer": _without_ids(row["value"]), "warns": bool(caught)}


def _without_ids(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {
            name: _IDS[name] if name in _IDS else _without_ids(each) for name, each in value.items()
        }
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


def _raw(method: str, params: Mapping[str, Any]) -> calls.Call[dict[str, Any]]:
    return calls.request(method, params, read=calls.parse_result, read_only=True)


def main() -> None:
    """Record the tools and values of the stack whose outputs are on standard input."""
    outputs = json.load(sys.stdin)
    with Neo4jMcp.from_secret(outputs["clients"]["writer"]["secretArn"]) as neo4j:
        for path, document in ((RELEASE, release_of(neo4j)), (VALUES, answers_of(neo4j))):
            text = json.dumps(document, ensure_ascii=False, indent=2)
            path.write_text(f"{text}\n", encoding="utf-8")
            sys.stdout.write(f"Recorded {os.path.relpath(path)}.\n")


if __name__ == "__main__":
    main()
