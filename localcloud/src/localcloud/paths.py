"""The folders and files of the stand-in cloud."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


def project_directory() -> Path:
    """Return the folder of the Pulumi program.

    Returns:
        `LOCALCLOUD_PROJECT` if it is set, else the nearest folder from the current one upwards
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
    """Return the folder with downloads and builds, which is safe to delete.

    All stand-ins of a person share it.

    Returns:
        `LOCALCLOUD_CACHE` if it is set, else a folder in the person's cache folder.
    """
    configured = os.environ.get("LOCALCLOUD_CACHE")
    if configured:
        return Path(configured).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neo4j-mcp-localcloud"


@dataclass(frozen=True)
class Home:
    """The folder with the state of one stand-in cloud.

    Attributes:
        directory: the folder, absolute; `down` removes it.
    """

    directory: Path

    @classmethod
    def default(cls) -> "Home":
        """Return the folder `LOCALCLOUD_HOME` if it is set, else `.localcloud` in the project."""
        configured = os.environ.get("LOCALCLOUD_HOME")
        return cls(
            Path(configured).absolute() if configured else project_directory() / ".localcloud"
        )

    @property
    def owner(self) -> str:
        """The name that marks everything this stand-in makes outside its folder."""
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]

    @property
    def lock(self) -> Path:
        """The lock of the command that is running; outside the folder, which `down` removes."""
        return cache_directory() / "locks" / f"{self.owner}.lock"

    @property
    def discarded(self) -> Path:
        """The folder's name while it is being removed."""
        return self.directory.with_name(f"{self.directory.name}.discarded")

    @property
    def description(self) -> Path:
        """The description of the running stand-in with its addresses (JSON)."""
        return self.directory / "cloud.json"

    @property
    def docker_host(self) -> Path:
        """The address of the Docker Engine in use."""
        return self.directory / "docker-host"

    @property
    def registries(self) -> Path:
        """The addresses of the registries with images in the Docker Engine, one per line."""
        return self.directory / "registries"

    @property
    def logs(self) -> Path:
        """The folder with one log per service."""
        return self.directory / "logs"

    @property
    def authority(self) -> Path:
        """The certificate authority."""
        return self.directory / "ca"

    @property
    def certificate_bundle(self) -> Path:
        """The certificates that the starting shell trusted, and the stand-in's own authority."""
        return self.directory / "ca-bundle.pem"

    @property
    def aws_credentials(self) -> Path:
        """The AWS endpoint's access key; only its owner can read it."""
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
        """The Pulumi CLI's folder and the backend."""
        return self.directory / "pulumi"

    @property
    def backend(self) -> Path:
        """The folder of the Pulumi backend, with the stacks' states."""
        return self.pulumi / "backend"

    @property
    def backend_url(self) -> str:
        """The URL of the Pulumi backend."""
        return f"file://{self.backend}"

    @property
    def engine(self) -> Path:
        """An installation of Pulumi as its tools expect it: the command is bin/pulumi."""
        return self.directory / "engine"

    @property
    def engine_command(self) -> Path:
        """The Pulumi command."""
        return self.engine / "bin" / "pulumi"

    @property
    def passphrase(self) -> Path:
        """The passphrase of the secrets in the stacks' states; only its owner can read it."""
        return self.pulumi / "passphrase"

    @property
    def workspace(self) -> Path:
        """The copies of Pulumi.yaml and Pulumi.local.yaml with this stand-in's addresses."""
        return self.directory / "workspace"
