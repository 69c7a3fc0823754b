#!/usr/bin/env python3
"""Generate the tables of the documents from the code and data that they describe.

`python docs/tables.py` writes the tables; `--check` only compares them.
"""

import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from neo4j_mcp_client import Neo4jMcpError, errors
from neo4j_mcp_client.cli.exit_codes import MEANINGS, ExitCode
from neo4j_mcp_client.doctor.faults import FAULTS, Fault

REPOSITORY = Path(__file__).resolve().parent.parent
# A script has only its own folder on the path, not the repository's packages.
sys.path.insert(0, str(REPOSITORY))

_PARITY = "docs/parity.md"
_FEW = 3
_KINDS = {str: "string", bool: "boolean", int: "integer", dict: "object"}

if TYPE_CHECKING:
    from automation.checks import Check
    from automation.drills import Drill
    from automation.probes.evidence import ProbesByRow
    from automation.probes.probe import Probe
    from components.hosting.definition import HostDefinition
    from components.monitoring.alarm import Alarm


class MarkerError(Exception):
    """A document lacks a table's markers, or has them twice or in the wrong order."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A generated table in a document.

    Attributes:
        document: the document's path, relative to the repository.
        name: the name in the table's markers.
        source: where the content comes from, for messages.
        content: generates the table.
    """

    document: str
    name: str
    source: str
    content: Callable[[], str]

    @property
    def path(self) -> Path:
        """The document's absolute path."""
        return REPOSITORY / self.document


def configuration_table(
    config: Mapping[str, Mapping[str, Any]],
    *,
    required: Collection[str],
    kinds: Mapping[str, str],
) -> str:
    """Return the table of configuration keys, followed by a list of what is too long for a cell.

    A cell has the first sentence of a description; the other sentences, and defaults that are
    objects, are in the list.

    Args:
        config: the keys as Pulumi.yaml declares them, with default and description.
        required: the keys that every stack has to set.
        kinds: the types of the keys that only some hosts have.
    """
    rows = ["| Key | Type | Default | Description |", "|---|---|---|---|"]
    notes = []
    for key, declared in config.items():
        default = declared["default"]
        summary, _, details = declared["description"].partition(". ")
        cell = "**required**" if key in required else _default(default)
        if key in kinds:
            cell = "[by host](docs/hosting.md#settings)"
        if isinstance(default, dict) and default:
            details = f"{details} The default is {_code(json.dumps(default))}.".strip()
            cell = "see below"
        kind = kinds.get(key, _KINDS[type(default)])
        rows.append(f"| `{key}` | {kind} | {cell} | {_cell(summary.rstrip('.'))} |")
        if details:
            notes.append(f"- **`{key}`**: {_prose(details)}")
    return "\n".join([*rows, "", *notes] if notes else rows)


def host_keys_table(definitions: Collection["HostDefinition"]) -> str:
    """Return the table of the keys that only some hosts have, with their ranges and defaults."""
    names = [definition.hosting.value for definition in definitions]
    keys = dict.fromkeys(key for each in definitions for key in each.settings.names_by_key())
    return "\n".join(
        [
            f"| Key | {' | '.join(f'`{name}`' for name in names)} |",
            f"|---|{'---|' * len(names)}",
            *(
                f"| `{key}` | {' | '.join(_host_key(each, key) for each in definitions)} |"
                for key in keys
            ),
        ]
    )


def host_sizes_table(sizes: Mapping[str, Mapping[int, tuple[int, ...]]]) -> str:
    """Return the table of the megabytes that each host offers for each number of CPU units.

    Args:
        sizes: of each host, by its title.
    """
    units = dict.fromkeys(each for offered in sizes.values() for each in offered)
    rows = (
        (f"`{each}`", *(_ranges(offered.get(each, ())) for offered in sizes.values()))
        for each in units
    )
    return "\n".join(
        [
            f"| `cpu` | {' | '.join(f'`memory` on {title}' for title in sizes)} |",
            f"|---|{'---|' * len(sizes)}",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
    )


def _ranges(offered: tuple[int, ...]) -> str:
    """Name a few numbers, or of many the first, the second and the last."""
    if len(offered) <= _FEW:
        return ", ".join(map(str, offered))
    first, second, *_, last = offered
    return f"{first}, {second} and so on to {last}"


def _host_key(definition: "HostDefinition", key: str) -> str:
    name = definition.settings.names_by_key().get(key)
    if name is None:
        return ""
    field = definition.settings.model_fields[name]
    limits = {
        type(each).__name__: each.ge if isinstance(each, Ge) else each.le
        for each in field.metadata
        if isinstance(each, Ge | Le)
    }
    least, most = limits.get("Ge"), limits.get("Le")
    default = to_jsonable_python(field.get_default(call_default_factory=True), by_alias=True)
    cell = "not set" if default is None else f"`{json.dumps(default)}`"
    return _cell(cell if least is None else f"{cell}, {least} to {most}")


def checks_table(checks: Iterable["Check"]) -> str:
    """Return the table of checks."""
    rows = [f"| `{check.id}` | {_cell(check.sentence)} |" for check in checks]
    return "\n".join(["| Check | What it proves |", "|---|---|", *rows])


def policy_table(rules: Mapping[str, Callable[..., object]]) -> str:
    """Return the table of the policy's rules, with the first line of their docstrings."""
    rows = [
        f"| `{name}` | {_cell((rule.__doc__ or '').partition(chr(10))[0].rstrip('.'))} |"
        for name, rule in rules.items()
    ]
    return "\n".join(["| Rule | What it does |", "|---|---|", *rows])


def drills_table(drills: Iterable["Drill"]) -> str:
    """Return the table of drills."""
    rows = [
        f"| `{drill.name}` | {_cell(drill.sentence)} | {_cell(drill.touches)} |" for drill in drills
    ]
    return "\n".join(["| Drill | What it proves | What it touches |", "|---|---|---|", *rows])


def probes_table(probes: Iterable["Probe"]) -> str:
    """Return the table of probes."""
    lines = [
        f"| `{probe.key}` | {_cell(probe.question)} | {probe.seconds:g} |"
        f" {_cell(probe.needs.words if probe.needs else '')} |"
        f" {'✓' if probe.disruptive else ''} |"
        for probe in probes
    ]
    return "\n".join(
        [
            "| Probe | Question | Seconds on AWS | Needs | Disruptive |",
            "|---|---|---|---|---|",
            *lines,
        ]
    )


def unprobed_table(behaviors: Mapping[str, Collection[str]]) -> str:
    """Return the table of behaviors without a probe.

    Args:
        behaviors: by the reason why they have none, as Markdown.
    """
    lines = [f"| {reason} | {'; '.join(each)} |" for reason, each in behaviors.items()]
    return "\n".join(["| Why there is no probe | Behaviors |", "|---|---|", *lines])


def alarms_table(
    alarms: Mapping[str, "Alarm"], titles: Mapping[str, Collection[str]], hosts: Collection[str]
) -> str:
    """Return the table of alarms.

    Args:
        alarms: the alarms by key.
        titles: the hosts that have each, by key.
        hosts: all hosts.
    """
    rows = [
        "| Alarm | Severity | Raised if | Hosts | Callers affected |",
        "|---|---|---|---|---|",
    ]
    for key, alarm in alarms.items():
        having = titles[key]
        where = "All" if len(having) == len(hosts) else ", ".join(having)
        condition = alarm.condition
        if key == "instances-at-maximum":
            condition = condition.replace(f"{alarm.threshold:g} instances", "`maxInstances`")
        affected = "✓" if alarm.affects_callers else ""
        rows.append(
            f"| [`{key}`](runbook.md#{key})<br>{_cell(alarm.title)} | {alarm.severity} |"
            f" {_cell(condition[0].upper() + condition[1:])} | {where} | {affected} |"
        )
    return "\n".join(rows)


def error_table(kinds: list[type[Neo4jMcpError]]) -> str:
    """Return the table of the client library's exceptions, followed by the list of remedies."""
    rows = [
        "| Exception | Hop | What happened |",
        "|---|---|---|",
        *(f"| `{kind.__name__}` | {kind.hop} | {_cell(_summary(kind))} |" for kind in kinds),
        "",
        "What to do about each (the message of an exception that isn't listed says it):",
        "",
        *(f"- **`{kind.__name__}`**: {_prose(kind.remedy)}" for kind in kinds if kind.remedy),
    ]
    return "\n".join(rows)


def exit_code_table(meanings: Mapping[ExitCode, str]) -> str:
    """Return the table of the command line's exit statuses."""
    rows = [
        "| Status | Meaning |",
        "|---|---|",
        *(f"| {int(code)} | {_cell(meaning)} |" for code, meaning in meanings.items()),
    ]
    return "\n".join(rows)


def fault_table(faults: Collection[Fault]) -> str:
    """Return the table of the doctor's faults, followed by the list of remedies."""
    rows = [
        "| Fault | What it is | Where it is set |",
        "|---|---|---|",
        *(f"| `{fault.name}` | {_cell(fault.what)} | {_cell(fault.where)} |" for fault in faults),
        "",
        "How to fix each:",
        "",
        *(f"- **`{fault.name}`**: {_prose(fault.remedy)}" for fault in faults),
    ]
    return "\n".join(rows)


def values_table(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the table of Cypher's types and the server's answers.

    Args:
        records: the records that `client/record.py` wrote.
    """
    rows = [
        "| Cypher | Example | Answer | Note |",
        "|---|---|---|---|",
        *(
            f"| {_cell(record['type'])} | {_cell(_code(record['value']))} |"
            f" {_cell(_answer(record))} | {_cell(record['remark'])} |"
            for record in records
        ),
    ]
    return "\n".join(rows)


def client_errors() -> list[type[Neo4jMcpError]]:
    """Return the client library's exceptions except the base, in the order of definition."""
    return [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, Neo4jMcpError) and kind is not Neo4jMcpError
    ]


def replace_table(document: str, name: str, table: str) -> str:
    """Return a document with the table between its markers replaced.

    Raises:
        MarkerError: the markers don't occur exactly once each and in order.
    """
    first, last = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end or first in rest or last in after:
        raise MarkerError(f"needs {first} and, below it, {last}, once each")
    return f"{before}{first}\n{table}\n{last}{after}"


def _default(default: object) -> str:
    # Pulumi requires a value for every key without a default, so "not set" is an empty default.
    if default in ("", {}):
        return "not set"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _answer(record: Mapping[str, Any]) -> str:
    if "failure" in record:
        return _code(record["failure"])
    warning = ", with a warning" if record["warns"] else ""
    return _code(json.dumps(record["answer"], ensure_ascii=False)) + warning


def _code(text: str) -> str:
    return f"`{text}`"


def _prose(text: str) -> str:
    # Outside code, an angle bracket would start an HTML tag.
    parts = text.split("`")
    parts[::2] = [prose.replace("<", "&lt;") for prose in parts[::2]]
    return "`".join(parts)


def _cell(text: str) -> str:
    # A bar would end the cell, even in code.
    return _prose(text).replace("|", r"\|")


def _summary(kind: type[Neo4jMcpError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _configuration() -> str:
    from components.hosting.definitions import DEFINITIONS  # noqa: PLC0415 - as in _checks
    from components.settings import CommonSettings  # noqa: PLC0415 - as in _checks

    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    fields = CommonSettings.model_fields.values()
    kinds = {
        key: _kind(definition.settings.model_fields[name])
        for definition in DEFINITIONS.values()
        for key, name in definition.settings.names_by_key().items()
    }
    required = {field.alias for field in fields if field.alias and field.is_required()}
    return configuration_table(project["config"], required=required, kinds=kinds)


def _kind(field: FieldInfo) -> str:
    for kind, name in ((bool, "boolean"), (int, "integer"), (str, "string")):
        if isinstance(field.annotation, type) and issubclass(field.annotation, kind):
            return name
    return "object"


def _host_keys() -> str:
    from components.hosting.definitions import DEFINITIONS  # noqa: PLC0415 - as in _checks

    return host_keys_table(DEFINITIONS.values())


def _host_sizes() -> str:
    from components.hosting.apprunner import settings as app_runner  # noqa: PLC0415 - as in _checks
    from components.hosting.fargate import settings as fargate  # noqa: PLC0415 - as in _checks

    return host_sizes_table({"App Runner": app_runner.SIZES, "Fargate": fargate.SIZES})


def _alarms() -> str:
    from components.hosting.definitions import DEFINITIONS  # noqa: PLC0415 - as in _checks
    from components.monitoring.alarms import host_alarms  # noqa: PLC0415 - as in _checks

    alarms: dict[str, Alarm] = {}
    titles: dict[str, list[str]] = {}
    for definition in DEFINITIONS.values():
        for alarm in host_alarms(definition):
            alarms.setdefault(alarm.key, alarm)
            titles.setdefault(alarm.key, []).append(definition.title)
    hosts = [each.title for each in DEFINITIONS.values()]
    return alarms_table(alarms, titles, hosts)


def _values() -> str:
    return values_table(json.loads((REPOSITORY / "docs/values.json").read_text(encoding="utf-8")))


def _checks() -> str:
    # Imported here, because it loads the whole program.
    from automation.checks import CHECKS  # noqa: PLC0415

    return checks_table(sorted(CHECKS.values(), key=lambda check: check.id))


def _policy() -> str:
    from automation.policy.changes import CHANGE_RULES  # noqa: PLC0415 - as in _checks
    from automation.policy.rules import RULES  # noqa: PLC0415

    return policy_table({**CHANGE_RULES, **RULES})


def _drills() -> str:
    from automation.drills import DRILLS  # noqa: PLC0415 - as in _checks

    return drills_table(DRILLS.values())


def _faults() -> str:
    from automation.chaos.figures import faults_table  # noqa: PLC0415 - as in _checks

    return faults_table()


def _bounds() -> str:
    from automation.chaos.figures import bounds_table  # noqa: PLC0415 - as in _checks

    return bounds_table()


def _measured() -> str:
    from automation.chaos.figures import measured_table, read_figures  # noqa: PLC0415 - as in _checks

    return measured_table(read_figures(REPOSITORY / "docs" / "chaos.json"))


def _bench() -> str:
    from demo.figures import figures_table, read_figures  # noqa: PLC0415 - as in _checks

    return figures_table(read_figures(REPOSITORY / "docs" / "bench.json"))


def _cost_of_hosts() -> str:
    from automation.cost.tables import hosts_table  # noqa: PLC0415 - as in _checks

    return hosts_table()


def _cost_of_parts() -> str:
    from automation.cost.tables import parts_table  # noqa: PLC0415 - as in _checks

    return parts_table()


def _prices() -> str:
    from automation.cost.tables import prices_table  # noqa: PLC0415 - as in _checks

    return prices_table()


def _sizes() -> str:
    from automation.size.tables import sizes_table  # noqa: PLC0415 - as in _checks

    return sizes_table()


def _measured_parameters() -> str:
    from automation.size.tables import parameters_table  # noqa: PLC0415 - as in _checks

    return parameters_table()


def _measurements() -> str:
    from automation.size.tables import measurements_table  # noqa: PLC0415 - as in _checks

    return measurements_table()


def _parity(name: str) -> str:
    from automation.probes.evidence import with_evidence  # noqa: PLC0415 - as in _checks

    return with_evidence(_parity_table(name), _probes_by_row())


def _parity_table(name: str) -> str:
    document = (REPOSITORY / _PARITY).read_text(encoding="utf-8")
    return document.partition(f"<!-- table: {name} -->\n")[2].partition("<!-- end:")[0]


def _probes_by_row() -> "ProbesByRow":
    from automation.probes.evidence import ProbesByRow  # noqa: PLC0415 - as in _checks
    from automation.probes.recordings import committed  # noqa: PLC0415 - as in _checks
    from automation.probes.registry import PROBES  # noqa: PLC0415 - as in _checks

    return ProbesByRow.of(PROBES.values(), committed(REPOSITORY))


def _probes() -> str:
    from automation.probes.registry import PROBES  # noqa: PLC0415 - as in _checks

    return probes_table(PROBES.values())


def _unprobed() -> str:
    from automation.probes.evidence import rows  # noqa: PLC0415 - as in _checks
    from automation.probes.unprobed import reasons  # noqa: PLC0415 - as in _checks

    known = _probes_by_row()
    without = [each for each in rows(_parity_table("equal")) if each[0] not in known.probes]
    return unprobed_table(reasons(without))


def _roles() -> str:
    from automation.role_lists.tables import roles_table  # noqa: PLC0415 - as in _checks

    return roles_table()


def _validation() -> str:
    from automation.size.tables import validation_table  # noqa: PLC0415 - as in _checks

    return validation_table()


TABLES = (
    Table(
        document=_PARITY,
        name="equal",
        source="the probes in automation/probes/ and the recordings in tests/fixtures/aws/",
        content=lambda: _parity("equal"),
    ),
    Table(
        document=_PARITY,
        name="different",
        source="the probes in automation/probes/ and the recordings in tests/fixtures/aws/",
        content=lambda: _parity("different"),
    ),
    Table(
        document="docs/probes.md",
        name="probes",
        source="automation/probes/families/",
        content=_probes,
    ),
    Table(
        document="docs/probes.md",
        name="unprobed",
        source="docs/parity.md and automation/probes/unprobed.py",
        content=_unprobed,
    ),
    Table(
        document="README.md",
        name="configuration",
        source="Pulumi.yaml",
        content=_configuration,
    ),
    Table(
        document="docs/hosting.md",
        name="host-keys",
        source="components/hosting/",
        content=_host_keys,
    ),
    Table(
        document="docs/hosting.md",
        name="host-sizes",
        source="SIZES in components/hosting/",
        content=_host_sizes,
    ),
    Table(
        document="docs/monitoring.md",
        name="alarms",
        source="the alarms in components/",
        content=_alarms,
    ),
    Table(
        document="docs/cost.md",
        name="hosts",
        source="automation/cost/",
        content=_cost_of_hosts,
    ),
    Table(
        document="docs/cost.md",
        name="parts",
        source="automation/cost/",
        content=_cost_of_parts,
    ),
    Table(
        document="docs/cost.md",
        name="prices",
        source="automation/cost/prices.py",
        content=_prices,
    ),
    Table(
        document="docs/performance.md",
        name="sizes",
        source="automation/size/, with the measurements in stand_in.json",
        content=_sizes,
    ),
    Table(
        document="docs/performance.md",
        name="parameters",
        source="automation/size/, with the measurements in stand_in.json",
        content=_measured_parameters,
    ),
    Table(
        document="docs/performance.md",
        name="measurements",
        source="automation/size/, with the measurements in stand_in.json",
        content=_measurements,
    ),
    Table(
        document="docs/performance.md",
        name="validation",
        source="automation/size/, with the measurements in stand_in.json",
        content=_validation,
    ),
    Table(
        document="docs/checks.md",
        name="checks",
        source="automation/checks/",
        content=_checks,
    ),
    Table(
        document="docs/checks.md",
        name="policy",
        source="automation/policy/",
        content=_policy,
    ),
    Table(
        document="docs/security.md",
        name="roles",
        source="automation/role_lists/",
        content=_roles,
    ),
    Table(
        document="docs/drills.md",
        name="drills",
        source="automation/drills/",
        content=_drills,
    ),
    Table(
        document="docs/resilience.md",
        name="chaos-faults",
        source="automation/chaos/faults.py",
        content=_faults,
    ),
    Table(
        document="docs/resilience.md",
        name="bounds",
        source="automation/chaos/bounds.py",
        content=_bounds,
    ),
    Table(
        document="docs/resilience.md",
        name="measured",
        source="docs/chaos.json, which `make chaos` writes",
        content=_measured,
    ),
    Table(
        document="docs/performance.md",
        name="bench",
        source="docs/bench.json, which `make bench` writes",
        content=_bench,
    ),
    Table(
        document="docs/clients.md",
        name="errors",
        source="client/src/neo4j_mcp_client/errors.py",
        content=lambda: error_table(client_errors()),
    ),
    Table(
        document="docs/clients.md",
        name="exit-codes",
        source="client/src/neo4j_mcp_client/cli/exit_codes.py",
        content=lambda: exit_code_table(MEANINGS),
    ),
    Table(
        document="docs/clients.md",
        name="values",
        source="docs/values.json, which `make record` writes",
        content=_values,
    ),
    Table(
        document="docs/doctor.md",
        name="faults",
        source="client/src/neo4j_mcp_client/doctor/faults.py",
        content=lambda: fault_table(FAULTS.values()),
    ),
)
"""Every generated table."""


def main(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Compare, and exit with status 1 if they differ.")
    ] = False,
) -> None:
    """Write the tables of the documents, or compare them with their sources."""
    differs = False
    for table in TABLES:
        document = table.path.read_text(encoding="utf-8")
        try:
            updated = replace_table(document, table.name, table.content())
        except MarkerError as error:
            typer.echo(f"{table.document} {error}.", err=True)
            raise typer.Exit(1) from None
        if document == updated:
            continue
        differs = True
        if check:
            typer.echo(
                f"{table.document}'s table of {table.name} differs from {table.source}. "
                "Run: .venv/bin/python docs/tables.py",
                err=True,
            )
        else:
            table.path.write_text(updated, encoding="utf-8")
    if check and differs:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
