"""Every procedure does what docs/procedures.md says, by the page's own commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from automation.deployment import Deployment
from components.settings import Hosting
from localcloud.cloud import Cloud
from localcloud.workspace import STACK
from tests.end_to_end.alarms.monitored import Monitored, monitored
from tests.end_to_end.alarms.runbook import Runbook
from tests.end_to_end.procedures.page import Commands, read_page
from tests.end_to_end.procedures.rehearsal import Procedure, Rehearsal
from tests.end_to_end.procedures.rehearsals import PROCEDURES
from tests.stand_in import Aws

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_SETTINGS: Final[dict[Hosting, dict[str, Any]]] = {
    Hosting.APP_RUNNER: {},
    # The tests' calls are no reason to start more tasks.
    Hosting.FARGATE: {"requestsPerTarget": 10_000},
    Hosting.LAMBDA: {},
}


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest,
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    aws: Aws,
) -> Iterator[Monitored]:
    """The stack with alarms on a procedure's host."""
    assert outputs
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        settings = _SETTINGS[request.param]
        with monitored(request.param, running, deployed, aws, **settings) as stack:
            yield stack


@pytest.mark.parametrize(
    ("stack", "procedure"),
    [
        pytest.param(each.hosting, each, id=f"{each.key}-{each.hosting}")
        for each in sorted(PROCEDURES, key=lambda each: list(Hosting).index(each.hosting))
    ],
    indirect=["stack"],
    scope="module",
)
def test_a_procedure_does_what_the_page_says(
    stack: Monitored, procedure: Procedure, pipeline: dict[str, str], tmp_path: Path
) -> None:
    book = Runbook(environment=pipeline, folder=tmp_path, stack=STACK, page=read_page())
    commands = Commands(key=procedure.key, book=book)
    with stack.configuration_kept():
        procedure.rehearse(Rehearsal(monitored=stack, commands=commands, folder=tmp_path))
        commands.require_all_run()
