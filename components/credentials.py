"""ClientCredentials: what each client needs to call the server, in a secret per client."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.identity import AppClient
from components.names import ResourceNames
from components.settings import StackSettings
from components.suffixes import random_suffix


@dataclass(frozen=True, kw_only=True)
class ClientCredentialsArgs:
    """What ClientCredentials needs.

    Attributes:
        settings: the stack's settings.
        names: the stack's names.
        tags: the stack's tags.
        clients: the app clients, by name.
        token_url: where clients get tokens.
        mcp_url: where clients call the server.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]
    clients: Mapping[str, AppClient]
    token_url: pulumi.Input[str]
    mcp_url: pulumi.Input[str]


class ClientCredentials(pulumi.ComponentResource):
    """One secret per client, with all that it needs (``neo4j-mcp:credentials:ClientCredentials``).

    It makes a Secrets Manager secret per client, holding a JSON object with ``clientId``,
    ``clientSecret``, ``tokenUrl``, ``scopes`` (a list of full names) and ``mcpUrl``. Whoever may
    read a client's secret is that client, so each is readable by its own ARN. With deletion
    protection on, the secrets are protected. Protected or not, a deleted secret can be restored
    for ``secretRecoveryDays``; its name is taken as long, so each name ends in a random suffix,
    and a client or a stack of the same name can be made again at once. Idle, each secret costs
    0.40 USD a month.

    Attributes:
        secret_arns: ARN of each client's secret, by the client's name.
    """

    secret_arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: ClientCredentialsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the secrets.

        Args:
            name: logical name.
            args: what it needs.
            opts: Pulumi's resource options.
        """
        super().__init__("neo4j-mcp:credentials:ClientCredentials", name, None, opts)
        protected = args.settings.deletion_protection
        arns: dict[str, pulumi.Output[str]] = {}
        for client_name, client in args.clients.items():
            suffix = random_suffix(f"{name}-{client_name}-suffix", parent=self)
            secret = aws.secretsmanager.Secret(
                f"{name}-{client_name}",
                name=pulumi.Output.concat(args.names.secret(client_name), "-", suffix),
                description=f"How {client_name} calls the Neo4j MCP server",
                recovery_window_in_days=args.settings.secret_recovery_days,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self, protect=protected),
            )
            aws.secretsmanager.SecretVersion(
                f"{name}-{client_name}-value",
                secret_id=secret.id,
                secret_string=_credentials(client, token_url=args.token_url, mcp_url=args.mcp_url),
                # Never protected: a new address or secret replaces it.
                opts=pulumi.ResourceOptions(parent=self),
            )
            arns[client_name] = secret.arn
        self.secret_arns = arns
        self.register_outputs({"secretArns": arns})


def _credentials(
    client: AppClient, *, token_url: pulumi.Input[str], mcp_url: pulumi.Input[str]
) -> pulumi.Output[str]:
    values = pulumi.Output.all(
        clientId=client.client_id,
        clientSecret=client.client_secret,
        tokenUrl=token_url,
        scopes=list(client.scopes),
        mcpUrl=mcp_url,
    )
    # As secret as the client's secret is.
    return values.apply(json.dumps)
