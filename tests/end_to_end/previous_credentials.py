"""The component ClientCredentials of the program's version without a rotation function.

The test of an upgrade deploys the program with this file as components/credentials.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.identity import AppClient, UserPool
from components.suffixes import random_suffix

_APP_CLIENTS: dict[str, aws.cognito.UserPoolClient] = {}


def _remember(args: pulumi.ResourceTransformationArgs) -> None:
    if isinstance(args.resource, aws.cognito.UserPoolClient):
        _APP_CLIENTS[args.name.removeprefix("identity-client-")] = args.resource


# The component Identity no longer returns the secrets that Cognito generates.
pulumi.runtime.register_stack_transformation(_remember)


@dataclass(frozen=True, kw_only=True)
class ClientCredentialsArgs:
    """What ClientCredentials needs."""

    context: StackContext
    user_pool: UserPool
    clients: Mapping[str, AppClient]
    token_url: pulumi.Input[str]
    mcp_url: pulumi.Input[str]


class ClientCredentials(pulumi.ComponentResource):
    """One secret per client, with a value from the state."""

    secret_arns: Mapping[str, pulumi.Output[str]]
    rotation_function: pulumi.Output[str]

    def __init__(self, name: str, args: ClientCredentialsArgs) -> None:
        """Declare the secrets."""
        super().__init__("neo4j-mcp:credentials:ClientCredentials", name)
        self.secret_arns = {client: self._secret(args, client).arn for client in args.clients}
        self.rotation_function = pulumi.Output.from_input("")
        self.register_outputs({"secretArns": self.secret_arns})

    def _secret(self, args: ClientCredentialsArgs, client: str) -> aws.secretsmanager.Secret:
        context = args.context
        logical_name = f"{self.pulumi_resource_name}-{client}"
        suffix = random_suffix(f"{logical_name}-suffix", context, parent=self)
        secret = aws.secretsmanager.Secret(
            logical_name,
            name=pulumi.Output.concat(context.names.secret(client), "-", suffix),
            description=f"How {client} calls the Neo4j MCP server",
            recovery_window_in_days=context.protection.secret_recovery_days,
            tags=context.tags,
            opts=context.options(aws.secretsmanager.Secret, parent=self),
        )
        values = pulumi.Output.all(
            clientId=args.clients[client].client_id,
            clientSecret=_APP_CLIENTS[client].client_secret,
            tokenUrl=args.token_url,
            scopes=list(args.clients[client].scopes),
            mcpUrl=args.mcp_url,
        )
        aws.secretsmanager.SecretVersion(
            f"{logical_name}-value",
            secret_id=secret.id,
            secret_string=values.apply(json.dumps),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret
