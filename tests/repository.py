"""Where the repository is, and which configuration keys it has."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def configuration_keys() -> set[str]:
    """Return every key of the configuration, as Pulumi.yaml declares them."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return set(project["config"])
