"""Installs Debian packages if possible; otherwise the error says what to install."""

import os
import shutil
from collections.abc import Sequence

from localcloud import commands
from localcloud.errors import LocalCloudError
from localcloud.progress import Progress

_TIMEOUT = 900
# Another apt-get may be running, as on a machine that has just started.
_WAIT_FOR_OTHERS = "DPkg::Lock::Timeout=300"


def install_packages(progress: Progress, packages: Sequence[str], *, purpose: str) -> None:
    """Install Debian packages.

    Args:
        progress: reports slow steps.
        packages: their names.
        purpose: what they are for, as in "Docker Engine, which runs the server's image".

    Raises:
        LocalCloudError: this isn't Debian, the user isn't root, or apt-get failed.
    """
    require_installable(packages, purpose=purpose)
    names = " ".join(packages)
    quietly = ["-y", "-qq", "--no-install-recommends", "-o", _WAIT_FOR_OTHERS]
    with progress.step(f"Installing {names} from Debian", expect="about a minute, once"):
        # Package lists may be missing or stale: update first, as apt itself advises.
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", *quietly, *packages],
        ):
            commands.run(
                command,
                purpose=f"Installing {packages[0]} with {command[0]} {command[1]}",
                timeout=_TIMEOUT,
                remedy=(
                    f"{purpose}, is missing. Once `apt-get install {names}` works, run this again."
                ),
                environment={"DEBIAN_FRONTEND": "noninteractive"},
            )


def require_installable(packages: Sequence[str], *, purpose: str) -> None:
    """Check that Debian packages can be installed; nothing is installed.

    Raises:
        LocalCloudError: this isn't Debian, or the user isn't root.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise LocalCloudError(
            f"{purpose}, is missing. Install it with your system's package manager"
            f" (Debian's packages are {names}) and run this again."
        )
    if os.geteuid() != 0:
        raise LocalCloudError(f"{purpose}, is missing. Run: sudo apt-get install {names}")
