"""What is wrong with a stack's configuration, as a person reads it: key, cause, command. Pure."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from components.conflicts import KeyPath

# A legal value of each leaf, for the commands that fix a problem; by the leaf's own key.
EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "neo4jUri": "'neo4j+s://<instance>.databases.neo4j.io'",
        "neo4jDatabase": "neo4j",
        "readOnly": "true",
        "namePrefix": "neo4j-mcp",
        "resourceServerIdentifier": "neo4j-mcp",
        "description": "'Read the graph'",
        "role": "reader",
        "scopes": "reader",
        "tokenValidityMinutes": "60",
        "cognitoDomainPrefix": "my-own-prefix",
        "name": "auth.example.com",
        "certificateArn": "'arn:aws:acm:us-east-1:<account>:certificate/<id>'",
        "userPoolTier": "ESSENTIALS",
        "hosting": "apprunner",
        "cpu": "1024",
        "memory": "2048",
        "minInstances": "1",
        "maxInstances": "3",
        "maxConcurrency": "50",
        "protocol": "HTTP",
        "path": "/healthz",
        "interval": "10",
        "timeout": "5",
        "healthyThreshold": "1",
        "unhealthyThreshold": "5",
        "subnetIds": "'subnet-<id>'",
        "securityGroupIds": "'sg-<id>'",
        "allowUnauthenticatedPing": "true",
        "allowUnauthenticatedToolsList": "true",
        "serverVersion": "1.6.1",
        "imageRetention": "10",
        "logLevel": "info",
        "logRetentionDays": "30",
        "schemaSampleSize": "100",
        "tracing": "false",
        "tags": "'<value>'",
        "deletionProtection": "true",
        "secretRecoveryDays": "30",
        "retainClaimsLog": "true",
        "trustedCertificates": '"$(cat <file>.pem)"',
        "region": "us-east-1",
        "cognitoIdp": "http://localhost:4566",
        "cognitoDomain": "http://localhost:4566",
    }
)
# Where an object or a list is missing or empty, the leaf to begin with.
_FIRST_LEAF: Mapping[KeyPath, KeyPath] = MappingProxyType(
    {
        ("scopes",): ("reader", "role"),
        ("scopes", "*"): ("role",),
        ("clients",): ("agent", "scopes", 0),
        ("clients", "*"): ("scopes", 0),
        ("clients", "*", "scopes"): (0,),
        ("customDomain",): ("name",),
        ("healthCheck",): ("path",),
        ("vpcConnector",): ("subnetIds", 0),
        ("vpcConnector", "subnetIds"): (0,),
        ("vpcConnector", "securityGroupIds"): (0,),
        ("tags",): ("Team",),
        ("endpointOverrides",): ("cognitoIdp",),
    }
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        key: where it is set, as `pulumi config` spells it.
        says: what is wrong; it holds no configured secret.
        commands: what fixes it; one of them is enough.
    """

    key: str
    says: str
    commands: tuple[str, ...]

    def __str__(self) -> str:
        """Write the problem as a person reads it."""
        return "\n      ".join([f"{self.key}: {self.says}", *_alternatives(self.commands)])


def problem_at(project: str, path: KeyPath, says: str, *commands: str) -> Problem:
    """Describe a problem of one key.

    Args:
        project: the project's name, which is the configuration's namespace.
        path: the key, as a path of configuration keys.
        says: what is wrong.
        commands: what fixes it; one of them is enough.

    Returns:
        The problem.
    """
    return Problem(key=_key(project, path), says=says, commands=commands)


def command_to_set(project: str, path: KeyPath, value: str | None = None) -> str:
    """Write the command that gives a key a legal value.

    Args:
        project: the project's name.
        path: the key; for an object or a list, the command begins with one leaf of it.
        value: the value; an example where it is None.

    Returns:
        The command.
    """
    leaf = (*path, *_first_leaf(path))
    named = [step for step in leaf if isinstance(step, str)]
    example = value or EXAMPLES.get(named[-1]) or EXAMPLES.get(named[0], "'<value>'")
    return f"pulumi config set {_argument(project, leaf)} {example}"


def command_to_define_scope(project: str, scope: str) -> str:
    """Write the command that adds a scope to the stack.

    Args:
        project: the project's name.
        scope: the scope's short name.

    Returns:
        The command.
    """
    role = command_to_set(project, ("scopes", scope, "role"), "'<role>'")
    description = command_to_set(project, ("scopes", scope, "description"), "'<what it allows>'")
    return f"{role} && {description}"


def command_to_replace(project: str, path: KeyPath) -> str:
    """Write the command that puts a legal value where there is one of another kind.

    Args:
        project: the project's name.
        path: the key of an object or a list.

    Returns:
        The command; `pulumi config set --path` alone would be refused there.
    """
    return f"{command_to_remove(project, path)} && {command_to_set(project, path)}"


def command_to_remove(project: str, path: KeyPath) -> str:
    """Write the command that takes a key out of the configuration.

    Args:
        project: the project's name.
        path: the key.

    Returns:
        The command.
    """
    return f"pulumi config rm {_argument(project, path)}"


def _alternatives(commands: Iterable[str]) -> Iterator[str]:
    for index, command in enumerate(commands):
        yield f"or {command}" if index else command


def _first_leaf(path: KeyPath) -> KeyPath:
    pattern = (path[0], "*", *path[2:]) if path[0] in {"scopes", "clients"} else path
    return _FIRST_LEAF.get(path if len(path) == 1 else pattern, ())


def _key(project: str, path: KeyPath) -> str:
    return f"{project}:{path[0]}{''.join(map(_step, path[1:]))}"


def _step(step: str | int) -> str:
    # Source: "Structured configuration" in Pulumi's documentation.
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[\w-]+", step) else f"[{json.dumps(step)}]"


def _argument(project: str, path: KeyPath) -> str:
    key = shlex.quote(_key(project, path))
    return key if len(path) == 1 else f"--path {key}"
