"""Installs Debian packages where that is possible, and says what to do where it is not."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from localcloud.errors import LocalCloudError
from localcloud.progress import Progress

_TIMEOUT = 900
# Another apt-get may be at work, as on a machine that has just started.
_WAIT_FOR_OTHERS = "DPkg::Lock::Timeout=300"


def install_packages(progress: Progress, packages: Sequence[str], *, purpose: str) -> None:
    """Install Debian packages.

    Args:
        progress: where to tell what takes time.
        packages: their names.
        purpose: what they are for, as in "Docker Engine, which runs the server's image".

    Raises:
        LocalCloudError: this is not Debian, or not root, or apt-get failed.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise LocalCloudError(
            f"Missing: {purpose}. Install it with your system's package manager"
            f" (Debian's packages are {names}) and run this again."
        )
    if os.geteuid() != 0:
        raise LocalCloudError(f"Missing: {purpose}. Run: sudo apt-get install {names}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quietly = ["-y", "-qq", "--no-install-recommends", "-o", _WAIT_FOR_OTHERS]
    install = ["apt-get", "install", *quietly, *packages]
    with progress.step(f"Installing {names} from Debian", expect="about a minute, once"):
        # Package lists may be missing or stale: update first, as apt itself advises.
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(
                command,
                check=False,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
            )
            if done.returncode != 0:
                raise LocalCloudError(
                    f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}"
                )
