"""Lists what programs are made of."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automation.commands.options import AsJson, Workspace
from automation.deployment import Deployment, DeploymentError
from automation.report.files import REPORTS
from automation.sbom.subjects import SpecVersion, Subject
from automation.target import PROJECT_DIRECTORY, stack_settings, target

if TYPE_CHECKING:
    from automation.sbom.descriptions import DeployedStack

_STACKS_SUBJECTS = (Subject.SERVER, Subject.FUNCTIONS)


def sbom(
    subjects: Annotated[
        list[Subject] | None,
        typer.Argument(help="What to describe.", show_default="all of them"),
    ] = None,
    *,
    stack: Annotated[
        str | None,
        typer.Option(
            help="Describe the server and the functions that this stack runs.",
            show_default="what this checkout would deploy",
        ),
    ] = None,
    workspace: Workspace = None,
    spec_version: Annotated[
        SpecVersion, typer.Option(help="The version of CycloneDX; Amazon Inspector reads 1.5 only.")
    ] = SpecVersion.V1_6,
    output: Annotated[Path, typer.Option(help="The folder for the files.")] = REPORTS / "sbom",
    as_json: AsJson = False,
) -> None:
    """Write software bills of materials in CycloneDX, for reviews and scanners.

    The content comes from files of this checkout: the server's binary, the functions' packages and
    the lock files. With --stack, the command fails if the stack runs something else. The same
    content makes the same bytes; set SOURCE_DATE_EPOCH to have a time in them. docs/supply-chain.md
    has what each file contains, and how to scan it.
    """
    from automation.sbom.descriptions import describe  # noqa: PLC0415 - only this needs CycloneDX
    from automation.sbom.documents import document_time  # noqa: PLC0415 - the same
    from automation.sbom.files import write  # noqa: PLC0415 - the same

    time = document_time(os.environ)
    deployed = _deployed(stack, workspace) if stack else None
    chosen = subjects or [*(_STACKS_SUBJECTS if stack else Subject)]
    folder = output / stack if stack else output
    documents = {
        each: describe(each, PROJECT_DIRECTORY, deployed) for each in dict.fromkeys(chosen)
    }
    written = {
        each: write(found, folder, each, time, spec_version) for each, found in documents.items()
    }
    if as_json:
        files = {
            each: {"path": str(found.path), "components": found.components}
            for each, found in written.items()
        }
        typer.echo(json.dumps(files, indent=2))
    else:
        for found in written.values():
            typer.echo(f"{found.path}: {found.components} components")


def _deployed(stack: str, workspace: Path | None) -> "DeployedStack":
    from automation.sbom.descriptions import DeployedStack  # noqa: PLC0415 - see above

    deployment = Deployment(target(stack, workspace), reads_only=True)
    outputs = deployment.outputs()
    if not outputs:
        raise DeploymentError(
            f"The stack {stack} isn't deployed. Run: python -m automation deploy --stack {stack}"
        )
    return DeployedStack(
        stack=stack,
        settings=stack_settings(deployment, deployment.configuration()),
        outputs=outputs,
        state=deployment.state(),
    )
