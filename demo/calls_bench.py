"""`make bench`: what a call costs, as ratios that are each measured within one run.

It runs on the stack that `make demo` deployed: the server against the Python peer on the same
database, the client library against a loop without it, the bridge against the library, and the
functions in Lambda against a loop without them. Only ratios mean something, since the load, the
server and the database share the machine.
"""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from automation.commands.exit_statuses import COMMAND_FAILED
from automation.deployment import Deployment
from automation.failures import reporting_errors
from automation.interruption import graceful_shutdown
from automation.load.mix import DEFAULT, read_mix
from automation.load.plan import concurrent
from automation.load.results import LoadReport
from automation.load.run import Options, choose_client, make_load
from automation.load.targets import HOST, Compared
from automation.size.calibration import measurable
from automation.target import WORKSPACE_VARIABLE, checked_context, target
from components.settings import StackSettings
from demo.figures import BenchError, Figure, Figures
from demo.functions_bench import of_the_functions
from localcloud.terminal import console
from localcloud.workspace import STACK

_REPOSITORY: Final = Path(__file__).resolve().parent.parent
_CLIENT_BENCH: Final = _REPOSITORY / "client" / "bench.py"
_CLIENT_SECONDS: Final = 900.0
_SECONDS: Final = 48.0
_WARM_UP: Final = 5.0
_ROUNDS: Final = 8
_PROCESSOR: Final = 1024
"""CPU units of the one processor that the Python peer uses, which nothing limits."""
_MEMORY: Final = 2048
TIMES_THE_PEER: Final[Mapping[int, float]] = {8: 2.0, 32: 2.5}
"""By the number of connections, how many times the Python peer's calls per second are required."""


def require_a_processor(settings: StackSettings) -> None:
    """Require that an instance of the server has a whole processor, as the peer has.

    Raises:
        BenchError: it has less; the message has the commands that change it.
        CalibrationError: there may be several instances.
    """
    size, _ = measurable(settings)
    if size.cpu is None:
        raise BenchError(
            "On Lambda, each call has an environment, so the peer isn't comparable. Run: make demo"
            " HOST=apprunner"
        )
    if size.cpu < _PROCESSOR:
        set_key = f"\n  pulumi config set --stack {STACK} --path neo4j-mcp:"
        commands = "".join(
            f"{set_key}{settings.host_key(key)} {value}"
            for key, value in (("cpu", _PROCESSOR), ("memory", _MEMORY))
        )
        raise BenchError(
            f"An instance has {size.cpu} CPU units, and the peer a whole processor. Give the server"
            f' as much, in a shell after eval "$(make -s env)":{commands}\n  python -m automation'
            f" deploy --stack {STACK}"
        )


def compared_with_peer(report: LoadReport, connections: int) -> Figure:
    """Return how many times the peer's calls per second the server makes.

    Raises:
        BenchError: the peer couldn't be called.
    """
    for ratio in report.ratios:
        if (ratio.of, ratio.to, ratio.metric) == (HOST, Compared.PEER.value, "rate"):
            return Figure(
                what=f"Calls per second with {connections} connections, to the Python peer's",
                value=ratio.median,
                low=ratio.low,
                high=ratio.high,
                at_least=TIMES_THE_PEER[connections],
            )
    reason = report.skipped.get(Compared.PEER.value, "no call of it succeeded")
    raise BenchError(f"The Python peer couldn't be compared: {reason}")


def of_the_client(results: Mapping[str, Any]) -> Iterator[Figure]:
    """Return the figures of the client library and its bridge.

    Args:
        results: what `client/bench.py --json` prints.
    """
    yield Figure(
        what="Time of a call by the library, to a bare loop's",
        value=results["ratio"],
        at_most=1.05,
    )
    yield Figure(
        what=f"Token requests in three lifetimes, for {results['calls']:,} calls of 64 threads",
        value=results["token_requests"],
        at_most=3,
    )
    yield Figure(
        what="Requests to the server for a call through the bridge",
        value=results["bridge_requests"],
        at_least=1,
        at_most=1,
    )
    yield Figure(
        what="Time of a call through the bridge, to the library's", value=results["bridge_ratio"]
    )


def main(
    record: Annotated[
        Path | None,
        typer.Option(help="A file to write the figures to, which docs/tables.py reads."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Measure what calls cost; the exit status is 1 if a figure isn't as required."""
    figures = Figures(
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        cores=os.cpu_count() or 1,
        figures=tuple(_measure()),
    )
    if record is not None:
        record.write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(figures.model_dump_json(indent=2))
    else:
        _show(figures)
    raise typer.Exit(0 if all(figure.met for figure in figures.figures) else 1)


def _measure() -> Iterator[Figure]:
    workspace = os.environ.get(WORKSPACE_VARIABLE)
    if workspace is None:
        raise BenchError(f"{WORKSPACE_VARIABLE} isn't set. Run: make bench")
    deployment = Deployment(target(STACK, Path(workspace)), reads_only=True)
    context = checked_context(deployment, STACK, longest_wait=0.0, interleavings=0)
    require_a_processor(context.settings)
    mix = read_mix(DEFAULT)
    for connections in TIMES_THE_PEER:
        report = make_load(
            context,
            concurrent(connections, warm_up=_WARM_UP, seconds=_SECONDS),
            mix,
            client=choose_client(STACK, context.outputs, None, writes=mix.writes),
            most=connections,
            environment={},
            notify=_note,
            options=Options(targets=(Compared.PEER,), rounds=_ROUNDS),
        )
        yield compared_with_peer(report, connections)
    _note("… The functions in Lambda, for a minute")
    yield from of_the_functions(context.settings, context.outputs)
    _note("… The client library and the bridge, for some two minutes")
    yield from of_the_client(_client_results(context.outputs))


def _client_results(outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        ended = subprocess.run(
            [sys.executable, str(_CLIENT_BENCH), "--json"],
            input=json.dumps(dict(outputs)),
            stdout=subprocess.PIPE,
            text=True,
            timeout=_CLIENT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"client/bench.py took more than {_CLIENT_SECONDS:.0f} s") from error
    # Its exit status is 1 if a figure isn't as required, which the table shows.
    try:
        results: Mapping[str, Any] = json.loads(ended.stdout)
    except ValueError as error:
        raise BenchError(f"client/bench.py ended with status {ended.returncode}") from error
    return results


def _show(figures: Figures) -> None:
    table = Table(title=f"On {figures.cores} processors, which everything shares")
    for column in ("Ratio or count", "Value", "95 % interval", "Required", ""):
        table.add_column(column)
    for figure in figures.figures:
        table.add_row(*figure.cells, "✓" if figure.met else "✗")
    console().print(table)


def _note(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    with graceful_shutdown(), reporting_errors(COMMAND_FAILED):
        typer.run(main)
