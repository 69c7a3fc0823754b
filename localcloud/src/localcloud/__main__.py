"""`python -m localcloud`: runs the commands of `cli`, if every part is installed."""

import importlib
import sys


def main() -> None:
    """Run the command line."""
    try:
        cli = importlib.import_module("localcloud.cli")
    except ModuleNotFoundError as error:
        sys.exit(
            f"error: {error.name} isn't installed. This command needs every part of the stand-in:"
            " pip install 'localcloud[all]'"
        )
    cli.main()


if __name__ == "__main__":
    main()
