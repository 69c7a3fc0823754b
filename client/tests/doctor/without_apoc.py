"""An emulated Aura without APOC: `python -m client.tests.doctor.without_apoc`."""

import typer

from localcloud.aura import __main__ as aura
from localcloud.aura.credentials import Credentials
from localcloud.aura.neo4j_process import Installation


class WithoutApoc(Installation):
    """A Neo4j without the plugin."""

    def prepare(self, credentials: Credentials) -> None:
        """Prepare all but the plug-in."""
        super().prepare(credentials)
        for plugin in (self.home / "plugins").iterdir():
            plugin.unlink()


if __name__ == "__main__":
    aura.Installation = WithoutApoc  # type: ignore[attr-defined]  # where the command takes it from
    typer.run(aura.main)
