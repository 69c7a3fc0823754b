"""A stack in memory: a token endpoint, an MCP server, and the database behind it."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

import neo4j

from automation.proxy import Request, Response


class FakeStack:
    """Answers the requests of callers.

    Attributes:
        graph: how often each write was executed.
        queries: the queries of the writes.
        tokens: how many tokens were issued.
        executes: how often each write is executed.
        answers: whether a write is answered, or its connection is reset.
        merges: whether MERGE finds what exists.
        acknowledges: the id in the answers; None for the right one.
    """

    def __init__(self) -> None:
        self.graph: Counter[str] = Counter()
        self.queries: list[str] = []
        self.tokens = 0
        self.executes = 1
        self.answers = True
        self.merges = True
        self.acknowledges: str | None = None
        self._lock = threading.Lock()

    def respond(self, request: Request) -> Response | None:
        """Respond to a token request or a call."""
        if request.path == "/oauth2/token":
            with self._lock:
                self.tokens += 1
                token = {"access_token": f"token-{self.tokens}", "expires_in": 3600}
            return Response(status=200, body=json.dumps(token).encode())
        call = json.loads(request.body)
        arguments = call["params"]["arguments"]
        if call["params"]["name"] == "read-cypher":
            return _rows(call, {"one": 1})
        write = arguments["params"].get("id")
        if write is None:
            return _rows(call)
        with self._lock:
            self.queries.append(arguments["query"])
            if not (self.merges and "MERGE" in arguments["query"] and self.graph[write]):
                self.graph[write] += self.executes
        return _rows(call, {"id": self.acknowledges or write}) if self.answers else None

    def driver(self) -> neo4j.Driver:
        """Connect to the database."""
        connection: Any = _Driver(self.graph)
        return connection  # type: ignore[no-any-return] # it has what is used of a driver


class _Driver:
    def __init__(self, graph: Counter[str]) -> None:
        self._graph = graph

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def execute_query(self, query: str, _: Mapping[str, object]) -> Any:  # noqa: ANN401 - as the driver's
        if "DELETE" in query:
            rows: list[dict[str, object]] = [{"deleted": len(self._graph)}]
            self._graph.clear()
        else:
            rows = [{"id": write, "times": times} for write, times in (+self._graph).items()]
        return _Result(rows)


class _Result:
    def __init__(self, records: list[dict[str, object]]) -> None:
        self.records = records


def _rows(call: Mapping[str, Any], *rows: Mapping[str, object]) -> Response:
    content = [{"type": "text", "text": json.dumps(rows)}]
    result = {"content": content, "isError": False}
    answer = {"jsonrpc": "2.0", "id": call["id"], "result": result}
    return Response(status=200, body=json.dumps(answer).encode())
