"""Runs a command that ends when its starter does, however that one ends.

Run as a script: `tether.py COMMAND ARGUMENT...`. It becomes the command, so that its process
and the command's are one.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Ask Linux to kill this process with its parent, then become the command."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    # A killed database recovers from its transaction log; one that ignores a gentler signal
    # would hold its files against the next start.
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the starter has gone")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - that is its purpose; the starter names it


if __name__ == "__main__":
    main()
