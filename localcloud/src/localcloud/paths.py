"""Where the stand-in cloud keeps what it makes."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


def project_directory() -> Path:
    """Find the folder of the Pulumi program.

    Returns:
        `LOCALCLOUD_PROJECT` where it is set, else the nearest folder from the current one upwards
        with a Pulumi.yaml, else the current folder.
    """
    configured = os.environ.get("LOCALCLOUD_PROJECT")
    if configured:
        return Path(configured).absolute()
    current = Path.cwd()
    return next(
        (each for each in (current, *current.parents) if (each / "Pulumi.yaml").is_file()), current
    )


def cache_directory() -> Path:
    """Downloads and builds that every stand-in of this person shares, safe to delete.

    Returns:
        `LOCALCLOUD_CACHE` where it is set, else a folder in the person's cache folder.
    """
    configured = os.environ.get("LOCALCLOUD_CACHE")
    if configured:
        return Path(configured).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neo4j-mcp-localcloud"


@dataclass(frozen=True)
class Home:
    """The folder with one stand-in cloud's state.

    Attributes:
        directory: the folder, absolute; it goes with the stand-in.
    """

    directory: Path

    @classmethod
    def default(cls) -> "Home":
        """Find the state folder of this checkout.

        Returns:
            The folder of `LOCALCLOUD_HOME` where it is set, else the project's `.localcloud/`.
        """
        configured = os.environ.get("LOCALCLOUD_HOME")
        return cls(
            Path(configured).absolute() if configured else project_directory() / ".localcloud"
        )

    @property
    def owner(self) -> str:
        """The name under which this stand-in marks what it makes outside its folder."""
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]

    @property
    def lock(self) -> Path:
        """Held by the command at work on the stand-in; outside the folder, which goes with it."""
        return cache_directory() / "locks" / f"{self.owner}.lock"

    @property
    def discarded(self) -> Path:
        """What the folder is called while it is being removed."""
        return self.directory.with_name(f"{self.directory.name}.discarded")

    @property
    def description(self) -> Path:
        """What runs, and where it answers (JSON)."""
        return self.directory / "cloud.json"

    @property
    def docker_host(self) -> Path:
        """The address of the Docker Engine in use."""
        return self.directory / "docker-host"

    @property
    def registries(self) -> Path:
        """The addresses of the registries whose images are in the Docker Engine, a line each."""
        return self.directory / "registries"

    @property
    def logs(self) -> Path:
        """One log a service."""
        return self.directory / "logs"

    @property
    def authority(self) -> Path:
        """The certificate authority."""
        return self.directory / "ca"

    @property
    def certificate_bundle(self) -> Path:
        """What the shell that started the stand-in trusted, and the stand-in's own authority."""
        return self.directory / "ca-bundle.pem"

    @property
    def aws_credentials(self) -> Path:
        """The access key that signs requests to the AWS endpoint; readable by its owner only."""
        return self.directory / "aws-credentials"

    @property
    def aws(self) -> Path:
        """The AWS endpoint's keys and functions."""
        return self.directory / "aws"

    @property
    def aura(self) -> Path:
        """The emulated Aura's database and settings."""
        return self.directory / "aura"

    @property
    def pulumi(self) -> Path:
        """The Pulumi CLI's own folder and the backend with the stacks' states."""
        return self.directory / "pulumi"

    @property
    def backend(self) -> Path:
        """The Pulumi backend's folder, with the stacks' states."""
        return self.pulumi / "backend"

    @property
    def backend_url(self) -> str:
        """The Pulumi backend with the stacks' states."""
        return f"file://{self.backend}"

    @property
    def engine(self) -> Path:
        """An installation of Pulumi as its tools expect one: the command is bin/pulumi."""
        return self.directory / "engine"

    @property
    def engine_command(self) -> Path:
        """The Pulumi command."""
        return self.engine / "bin" / "pulumi"

    @property
    def passphrase(self) -> Path:
        """What encrypts the secrets in the stacks' states; readable by its owner only."""
        return self.pulumi / "passphrase"

    @property
    def workspace(self) -> Path:
        """Pulumi.yaml and the stack's settings with this stand-in's addresses."""
        return self.directory / "workspace"
