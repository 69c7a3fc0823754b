"""Runs a command that ends with its parent process, however that one ends.

Run as a script: `tether.py COMMAND ARGUMENT...`. The script replaces itself with the
command, so both are one process.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Ask Linux to kill this process with its parent, then run the command in its place."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    # A killed database recovers from its transaction log. One that ignored a gentler signal would
    # keep its files locked, and the next start would fail.
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent process has ended")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - its purpose; the parent names the command


if __name__ == "__main__":
    main()
