"""Writes results to standard output and everything else to standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from neo4j_mcp_client.cli.exit_codes import exit_code_of
from neo4j_mcp_client.cli.rows import json_text, printable
from neo4j_mcp_client.errors import MAY_HAVE_RUN, Neo4jMcpError


def output() -> Console:
    """Return standard output; a new console each time, since tests and pipes replace the stream."""
    return _console(stderr=False)


def messages() -> Console:
    """Return standard error."""
    return _console(stderr=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - any JSON
    """Write a document as JSON to standard output."""
    stream = output().file
    stream.write(json_text(document, stream, indent=2) + "\n")


@contextmanager
def reporting_errors(*, as_json: bool) -> Iterator[None]:
    """Report a failure on standard error, and exit with its status.

    Raises:
        typer.Exit: the block raised a `Neo4jMcpError`.
    """
    try:
        yield
    except Neo4jMcpError as error:
        code = exit_code_of(error)
        if as_json:
            stream = messages().file
            stream.write(json_text({"error": error_document(error)}, stream) + "\n")
        else:
            _print_failure(error)
        raise typer.Exit(code) from None


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a spinner on a terminal; write nothing elsewhere."""
    console = messages()
    if not console.is_terminal:
        yield
        return
    # The default's dots exist only in Unicode encodings.
    with console.status(what, spinner="line" if console.options.ascii_only else "dots"):
        yield


def _console(*, stderr: bool) -> Console:
    # Text from outside may contain [red] or :secret:, which must not become markup.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def error_document(error: Neo4jMcpError) -> dict[str, Any]:
    """Return what `--json` writes for a failure."""
    described = {
        "type": type(error).__name__,
        "hop": str(error.hop),
        "message": error.message,
        "remedy": error.remedy,
        "mayHaveRun": error.may_have_run,
        "exitCode": int(exit_code_of(error)),
    }
    code = getattr(error, "code", None)
    return described | ({"code": code} if code else {})


def print_warning(text: str) -> None:
    """Warn a person on standard error; a result on standard output stays as it is."""
    messages().print(Text.assemble(("warning: ", "bold yellow"), printable(text)), soft_wrap=True)


def _print_failure(error: Neo4jMcpError) -> None:
    console = messages()
    console.print(
        Text.assemble(("error: ", "bold red"), printable(f"{error.hop}: {error.message}")),
        soft_wrap=True,
    )
    if error.may_have_run:
        console.print(MAY_HAVE_RUN, soft_wrap=True)
    if error.remedy:
        console.print(Text(error.remedy), soft_wrap=True)
