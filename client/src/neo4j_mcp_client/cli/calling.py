"""`token`, `tools`, `schema`, `read`, `write` and `call`: the commands that send one request."""

import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Annotated, Any, TypeVar

import typer

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.cli import arguments
from neo4j_mcp_client.cli.connection import connect, find_profile, token_provider
from neo4j_mcp_client.cli.console import (
    output,
    print_json,
    print_warning,
    reporting_errors,
    waiting,
)
from neo4j_mcp_client.cli.options import CaBundle, Json, ProfileName, RowFormat, row_format
from neo4j_mcp_client.cli.profiles import Profiles
from neo4j_mcp_client.cli.rows import as_table, print_rows
from neo4j_mcp_client.client import Neo4jMcp
from neo4j_mcp_client.values import LostValueWarning

Value = TypeVar("Value")

Query = Annotated[
    str | None,
    typer.Argument(help="The query; - for standard input.", show_default=False),
]
QueryFile = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help="A file with the query.", show_default=False),
]
Params = Annotated[
    str | None,
    typer.Option(
        "--params",
        metavar="JSON",
        help="The query's parameters: a JSON object, or @FILE.",
        show_default=False,
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME=VALUE",
        help="One parameter; the value is JSON, or text if it isn't JSON. Repeatable.",
        show_default=False,
    ),
]


def token(
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Print only the token.")] = False,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
    as_json: Json = False,
) -> None:
    """Print the claims of the cached token, or of a new one."""
    if raw and as_json:
        raise typer.BadParameter("--raw can't be combined with --json.")
    with reporting_errors(as_json=as_json):
        profiles = Profiles()
        found = find_profile(profile, profiles=profiles, ca_bundle=ca_bundle)
        with waiting("Requesting a token"):
            taken = token_provider(found, found.source(), profiles=profiles).token()
    if raw:
        # Only the token, so that it can be piped.
        output().file.write(f"{taken.value}\n")
    elif as_json:
        print_json({"claims": taken.claims, "expiresAt": _time(taken.expires_at)})
    else:
        output().print(as_table(_claim_rows(taken), ["claim", "value"]))


def tools(
    *, profile: ProfileName = None, ca_bundle: CaBundle = None, as_json: Json = False
) -> None:
    """List the server's tools."""
    found = _ask(lambda neo4j: neo4j.tools(), profile, ca_bundle, as_json=as_json)
    if as_json:
        print_json(
            [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "readOnly": tool.read_only,
                    "inputSchema": tool.input_schema,
                }
                for tool in found
            ]
        )
        return
    rows = [
        {
            "tool": tool.name,
            "changes the graph": "no" if tool.read_only else "possibly",
            "description": cleandoc(tool.description),
        }
        for tool in found
    ]
    output().print(as_table(rows))


def schema(
    *, profile: ProfileName = None, ca_bundle: CaBundle = None, as_json: Json = False
) -> None:
    """Show the graph's labels, relationship types and properties."""
    found = _ask(lambda neo4j: neo4j.schema(), profile, ca_bundle, as_json=as_json)
    if as_json:
        print_json(found)
    elif found:
        console = output()
        arrows = ("<-", "->") if console.options.ascii_only else ("←", "→")
        console.print(as_table([_schema_row(entry, arrows) for entry in found]))
    else:
        output().print("The graph is empty.")


def read(
    query: Query = None,
    *,
    file: QueryFile = None,
    params: Params = None,
    param: Param = None,
    form: RowFormat = None,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
    as_json: Json = False,
) -> None:
    """Run a read-only query.

    neo4j-mcp read 'MATCH (c:Character) RETURN c.name AS name LIMIT $n' --param n=3
    """
    chosen = row_format(form, as_json=as_json)
    text, values = _query(query, file), arguments.parameters(params, param or [])
    rows = _ask(lambda neo4j: neo4j.read(text, values), profile, ca_bundle, as_json=as_json)
    print_rows(rows, chosen, console=output())


def write(
    query: Query = None,
    *,
    file: QueryFile = None,
    params: Params = None,
    param: Param = None,
    form: RowFormat = None,
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
    as_json: Json = False,
) -> None:
    """Run a query that may write. It is never resent if it may have been executed.

    neo4j-mcp write 'MERGE (c:Character {name: $name})' --param name=Cosette
    """
    chosen = row_format(form, as_json=as_json)
    text, values = _query(query, file), arguments.parameters(params, param or [])
    rows = _ask(lambda neo4j: neo4j.write(text, values), profile, ca_bundle, as_json=as_json)
    print_rows(rows, chosen, console=output())


def call(
    tool: Annotated[str, typer.Argument(help="The tool's name; see `neo4j-mcp tools`.")],
    *,
    tool_arguments: Annotated[
        str,
        typer.Option(
            "--arguments", metavar="JSON", help="The tool's arguments: a JSON object, or @FILE."
        ),
    ] = "{}",
    profile: ProfileName = None,
    ca_bundle: CaBundle = None,
    as_json: Json = False,
) -> None:
    """Call a tool, and print its result as JSON.

    neo4j-mcp call read-cypher --arguments '{"query": "RETURN 1 AS one"}'
    """
    given = arguments.json_argument(tool_arguments, "--arguments")
    print_json(_ask(lambda neo4j: neo4j.call(tool, given), profile, ca_bundle, as_json=as_json))


def _ask(
    question: Callable[[Neo4jMcp], Value],
    profile: str | None,
    ca_bundle: str | None,
    *,
    as_json: bool,
) -> Value:
    profiles = Profiles()
    with reporting_errors(as_json=as_json), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LostValueWarning)
        with waiting("Waiting for the server"):
            found = find_profile(profile, profiles=profiles, ca_bundle=ca_bundle)
            with connect(found, profiles=profiles) as neo4j:
                answer = question(neo4j)
    for each in caught:
        print_warning(str(each.message))
    return answer


def _query(query: str | None, file: str | None) -> str:
    if (query is None) == (file is None):
        raise typer.BadParameter(
            "Pass the query as an argument, with --file, or on standard input with -."
        )
    if file is not None:
        return arguments.read_text(file)
    return arguments.read_text(query) if query == arguments.STANDARD_INPUT else str(query)


def _claim_rows(token: AccessToken) -> list[dict[str, Any]]:
    times = {"exp", "iat", "nbf", "auth_time"}
    return [
        {"claim": name, "value": _time(value) if name in times else value}
        for name, value in token.claims.items()
    ]


def _time(seconds: Any) -> Any:  # noqa: ANN401 - a claim is any JSON
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return seconds


def _schema_row(entry: Mapping[str, Any], arrows: tuple[str, str]) -> dict[str, Any]:
    try:
        value = entry.get("value", {})
        relationships = value.get("relationships", {})
        return {
            "name": entry.get("key"),
            "kind": value.get("type"),
            "properties": _lines(value.get("properties", {})),
            "relationships": "\n".join(
                _arrow(name, to, arrows) for name, to in relationships.items()
            ),
        }
    except (AttributeError, TypeError):
        # Not the shape that this server returns; show it unchanged.
        return {"name": entry}


def _arrow(name: str, relationship: Mapping[str, Any], arrows: tuple[str, str]) -> str:
    arrow = arrows[relationship.get("direction") != "in"]
    return f"{arrow} {name} {', '.join(relationship.get('labels', []))}"


def _lines(pairs: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs.items())
