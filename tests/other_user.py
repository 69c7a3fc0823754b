"""Runs a program as another user of this machine, one without any rights."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

as_nobody = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

_NOBODY = 65534
_TIMEOUT = 60
_BECOME = f"""
import os
os.setgroups([])
os.setgid({_NOBODY})
os.setuid({_NOBODY})
assert os.geteuid() == {_NOBODY}
"""


def run(imports: str, program: str, **parameters: object) -> Any:  # noqa: ANN401 - whatever the program prints
    """Run a program as nobody.

    Args:
        imports: what it imports, while it can still read the interpreter's files.
        program: the program; it finds the parameters as a dict, and prints one JSON document.
        parameters: what it is given on its standard input.
    """
    read = "import json, sys\nparameters = json.load(sys.stdin)\n"
    done = subprocess.run(
        # A name is resolved with a codec that is imported no sooner.
        [sys.executable, "-c", f"import encodings.idna\n{imports}\n{_BECOME}\n{read}\n{program}"],
        input=json.dumps(parameters),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
