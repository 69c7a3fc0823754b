"""The runbook's commands run as a person would paste them."""

import os
from pathlib import Path

import pytest

from tests.end_to_end.alarms.runbook import Runbook
from tests.runbook_page import RunbookPage

_PAGE = """# Runbook

```sh
stack=prod
name=neo4j-mcp-$stack
greet() { echo "hello $1"; }
```

## broken

**Meaning.** Prose, and a command of another language.

```python
raise SystemExit(1)
```

**Diagnosis.**

```sh
greet "$name"
false
echo still here
```

**Mitigation.** First

```sh
client=agent
echo "$client of $stack"
```

then

```sh
echo again
echo "$client"
```

**Over.**

```sh
false
echo not reached
```

## wrong

**Diagnosis.**

```sh
no-such-command
echo not reached
```

**Mitigation.**

```sh
echo one | false | cat
```

**Over.** No command.

## endless

**Over.**

```sh
echo waiting
sleep 600 | cat
```
"""


@pytest.fixture
def runbook(tmp_path: Path) -> Runbook:
    return Runbook(
        environment={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        stack="local",
        page=RunbookPage.parse(_PAGE),
    )


def test_a_part_runs_after_the_introduction_with_the_stacks_name(runbook: Runbook) -> None:
    assert runbook.run("broken", "Diagnosis") == "hello neo4j-mcp-local\nstill here\n"


def test_all_blocks_of_a_part_run_with_the_readers_values(runbook: Runbook) -> None:
    output = runbook.run("broken", "Mitigation", client="it's mine")
    assert output == "it's mine of local\nagain\nit's mine\n"


def test_a_block_runs_after_the_assignments_of_those_before(runbook: Runbook) -> None:
    assert runbook.run_block("broken", "Mitigation", 0, client="mine") == "mine of local\n"
    assert runbook.run_block("broken", "Mitigation", 1, client="mine") == "again\nmine\n"


def test_a_value_that_no_line_assigns_is_refused(runbook: Runbook) -> None:
    with pytest.raises(LookupError, match="no line assigns client in Diagnosis of broken"):
        runbook.run("broken", "Diagnosis", client="mine")


def test_a_part_without_commands_is_refused(runbook: Runbook) -> None:
    with pytest.raises(LookupError, match="wrong has no commands in Over"):
        runbook.run("wrong", "Over")


def test_commands_that_change_something_must_succeed(runbook: Runbook) -> None:
    with pytest.raises(AssertionError, match=r"Over of broken ends with status 1:\n") as raised:
        runbook.run("broken", "Over")
    assert "\nnot reached\n" not in str(raised.value)


def test_every_command_of_a_pipeline_must_succeed(runbook: Runbook) -> None:
    with pytest.raises(AssertionError, match="Mitigation of wrong ends with status 1"):
        runbook.run("wrong", "Mitigation")


def test_a_diagnosis_may_not_have_a_wrong_command(runbook: Runbook) -> None:
    with pytest.raises(AssertionError, match="Diagnosis of wrong ends with status 127") as raised:
        runbook.run("wrong", "Diagnosis")
    assert "\nnot reached\n" not in str(raised.value)


def test_commands_that_take_too_long_are_ended(tmp_path: Path) -> None:
    runbook = Runbook(
        environment={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        stack="local",
        page=RunbookPage.parse(_PAGE),
        seconds=1.0,
    )
    with pytest.raises(AssertionError, match="Over of endless takes 1 s:\n"):
        runbook.run("endless", "Over")
