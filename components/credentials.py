"""ClientCredentials: what each client needs to call the server, in one secret per client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.identity import AppClient
from components.suffixes import random_suffix


@dataclass(frozen=True, kw_only=True)
class ClientCredentialsArgs:
    """What ClientCredentials needs.

    Attributes:
        context: what the stack's components share.
        clients: the app clients, by name.
        token_url: where clients get tokens.
        mcp_url: where clients call the server.
    """

    context: StackContext
    clients: Mapping[str, AppClient]
    token_url: pulumi.Input[str]
    mcp_url: pulumi.Input[str]


class ClientCredentials(pulumi.ComponentResource):
    """One secret per client, with all it needs (``neo4j-mcp:credentials:ClientCredentials``).

    Creates a Secrets Manager secret per client. Its value is a JSON object with ``clientId``,
    ``clientSecret``, ``tokenUrl``, ``scopes`` (a list of full names) and ``mcpUrl``. Whoever can
    read a client's secret is that client, so grant access to one secret's ARN at a time.

    Deletion protection covers the secrets. With or without it, a deleted secret can be restored
    for ``secretRecoveryDays``. Its name stays taken as long, so each name ends in a random suffix,
    and a client or stack of the same name can be created again at once.

    Idle cost: 0.40 USD per secret and month.

    Attributes:
        secret_arns: ARN of each client's secret, by the client's name.
    """

    secret_arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: ClientCredentialsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the secrets."""
        super().__init__("neo4j-mcp:credentials:ClientCredentials", name, None, opts)
        self.secret_arns = {client: self._secret(args, client).arn for client in args.clients}
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
        aws.secretsmanager.SecretVersion(
            f"{logical_name}-value",
            secret_id=secret.id,
            secret_string=_credentials(
                args.clients[client], token_url=args.token_url, mcp_url=args.mcp_url
            ),
            opts=context.options(aws.secretsmanager.SecretVersion, parent=self),
        )
        return secret


def _credentials(
    client: AppClient, *, token_url: pulumi.Input[str], mcp_url: pulumi.Input[str]
) -> pulumi.Output[str]:
    # The client's secret makes the whole output a Pulumi secret.
    values = pulumi.Output.all(
        clientId=client.client_id,
        clientSecret=client.client_secret,
        tokenUrl=token_url,
        scopes=list(client.scopes),
        mcpUrl=mcp_url,
    )
    return values.apply(json.dumps)
