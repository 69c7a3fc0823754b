"""Prints what grants rights: the documents of IAM roles, and the Cypher of a database role."""

import enum
import json
import re
from collections.abc import Sequence
from typing import Annotated

import typer

from automation.commands.options import Stack, Workspace
from automation.database_role import role_commands
from automation.grants import Purpose, StackLocation
from automation.roles import (
    access_log_permissions,
    host_permissions,
    monitoring_permissions,
    permissions,
    subject,
    trust,
)
from automation.target import Project
from components.names import ResourceNames
from components.settings import Hosting

_ACCOUNT = re.compile(r"\d{12}")


# As the settings scopes.<name>.role and neo4jDatabase allow them.
_ROLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_DATABASE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{2,62}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class Document(enum.StrEnum):
    """One of the documents of an IAM role."""

    TRUST = "trust"
    PERMISSIONS = "permissions"
    HOST_PERMISSIONS = "host-permissions"
    MONITORING_PERMISSIONS = "monitoring-permissions"
    ACCESS_LOG_PERMISSIONS = "access-log-permissions"


def _role_name(value: str) -> str:
    if not _ROLE_NAME.fullmatch(value):
        raise typer.BadParameter("must be a letter, then letters, digits and underscores")
    return value


def _database_name(value: str) -> str:
    if not _DATABASE_NAME.fullmatch(value):
        raise typer.BadParameter("must be letters, digits, dots and hyphens")
    return value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise typer.BadParameter("must be 12 digits")
    return value


def role(  # noqa: PLR0913 - one parameter per option
    purpose: Annotated[Purpose, typer.Argument(help="What the role is for.")],
    *,
    document: Annotated[Document, typer.Option(help="Which of the role's documents to print.")],
    stack: Stack,
    account: Annotated[str, typer.Option(help="The AWS account id.", callback=_account)],
    region: Annotated[str, typer.Option(help="The stack's AWS region.")] = "us-east-1",
    repository: Annotated[
        str, typer.Option(help="The GitHub repository, OWNER/NAME; for the trust document.")
    ] = "",
    name_prefix: Annotated[
        str | None, typer.Option(help="The stack's namePrefix, if it sets one.")
    ] = None,
    hosting: Annotated[
        list[Hosting] | None,
        typer.Option(
            help="The stack's hosting. Repeatable for permissions: while a stack moves, give both.",
            show_default=Hosting.APP_RUNNER.value,
        ),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Print an IAM document of a role that a pipeline assumes, without calling AWS.

    docs/deploying.md shows how to create the roles.
    """
    hosts = hosting or [Hosting.APP_RUNNER]
    if document is Document.TRUST:
        if not _REPOSITORY.fullmatch(repository):
            raise typer.BadParameter("must be OWNER/NAME", param_hint="--repository")
        printed = trust(repository=repository, subject=subject(purpose, stack), account=account)
    else:
        project = Project.read(workspace)
        location = StackLocation(
            names=ResourceNames(prefix=name_prefix or project.name_prefix, stack=stack),
            project=project.name,
            account=account,
            region=region,
        )
        write = {
            Document.PERMISSIONS: permissions,
            Document.HOST_PERMISSIONS: _host_permissions,
            Document.MONITORING_PERMISSIONS: _monitoring_permissions,
            Document.ACCESS_LOG_PERMISSIONS: _access_log_permissions,
        }[document]
        printed = write(purpose, location, hosts)
    typer.echo(json.dumps(json.loads(printed), indent=2))


def _host_permissions(purpose: Purpose, location: StackLocation, hosts: Sequence[Hosting]) -> str:
    if len(hosts) > 1:
        raise typer.BadParameter("must be one host for this document", param_hint="--hosting")
    printed = host_permissions(purpose, location, hosts[0])
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of a host")
    return printed


def _monitoring_permissions(
    purpose: Purpose, location: StackLocation, hosts: Sequence[Hosting]
) -> str:
    printed = monitoring_permissions(purpose, location, hosts)
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of the monitoring")
    return printed


def _access_log_permissions(
    purpose: Purpose, location: StackLocation, _hosts: Sequence[Hosting]
) -> str:
    printed = access_log_permissions(purpose, location)
    if printed is None:
        raise typer.BadParameter(f"the role {purpose} needs nothing of the access logs")
    return printed


def print_database_role(
    name: Annotated[str, typer.Argument(help="The role's name.", callback=_role_name)],
    *,
    database: Annotated[
        str, typer.Option(help="The database that its holders may use.", callback=_database_name)
    ] = "neo4j",
    write: Annotated[bool, typer.Option("--write", help="Also allow writing.")] = False,
) -> None:
    """Print the Cypher that creates a Neo4j role for agents, with no more than they need.

    Its holders can't load data from other addresses, and can't call what reaches beyond the graph.
    docs/self-managed.md shows how to use it, which is the same on Aura.
    """
    for command in role_commands(name, database=database, writes=write):
        typer.echo(f"{command};")
