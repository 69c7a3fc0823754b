"""ClientCredentials: what each client needs to call the server, in one secret per client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import StackContext
from components.identity import AppClient, UserPool
from components.monitoring.alarm import Subject
from components.monitoring.subjects import Dimensions
from components.rotation import publish_event
from components.rotation_function import RotationFunction, RotationFunctionArgs
from components.settings import CANARY
from components.suffixes import random_suffix


@dataclass(frozen=True, kw_only=True)
class ClientCredentialsArgs:
    """What ClientCredentials needs.

    Attributes:
        context: what the stack's components share.
        user_pool: the pool of the app clients.
        clients: the app clients, by name.
        token_url: where clients get tokens.
        mcp_url: where clients call the server.
    """

    context: StackContext
    user_pool: UserPool
    clients: Mapping[str, AppClient]
    token_url: pulumi.Input[str]
    mcp_url: pulumi.Input[str]


class ClientCredentials(pulumi.ComponentResource):
    """One secret per client, with all it needs (``neo4j-mcp:credentials:ClientCredentials``).

    Creates a Secrets Manager secret per client, its rotation, and the rotation function, which
    alone writes the value: the deployment invokes it and never sees a client secret that is still
    valid. The value is a JSON object with ``clientId``, ``clientSecret``, ``tokenUrl``, ``scopes``
    (a list of full names) and ``mcpUrl``. Whoever can read a client's secret is that client, so
    grant access to one secret's ARN at a time.

    Deletion protection covers the secrets. With or without it, a deleted secret can be restored
    for ``secretRecoveryDays``. Its name stays taken as long, so each name ends in a random suffix,
    and a client or stack of the same name can be created again at once.

    Idle cost: 0.40 USD per secret and month.

    Attributes:
        secret_arns: ARN of each client's secret, by the client's name.
        publications: what has written each client's secret, by the client's name.
        rotation_function: the rotation function's name.
        monitored: the dimensions of the rotation function's metrics.
    """

    secret_arns: Mapping[str, pulumi.Output[str]]
    publications: Mapping[str, pulumi.Resource]
    rotation_function: pulumi.Output[str]
    monitored: Mapping[Subject, Dimensions]

    def __init__(
        self, name: str, args: ClientCredentialsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the secrets, and what writes and rotates them."""
        super().__init__("neo4j-mcp:credentials:ClientCredentials", name, None, opts)
        self.secret_arns = {client: self._secret(args, client).arn for client in args.clients}
        function = RotationFunction(
            f"{name}-rotation",
            RotationFunctionArgs(
                context=args.context, user_pool=args.user_pool, secret_arns=self.secret_arns
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.publications = {
            client: self._publication(args, client, function) for client in args.clients
        }
        for client, published in self.publications.items():
            self._rotation(args, client, function, published)
        self.rotation_function = function.name
        self.monitored = {Subject.ROTATION: {"FunctionName": function.name}}
        self.register_outputs(
            {"secretArns": self.secret_arns, "rotationFunction": self.rotation_function}
        )

    def _secret(self, args: ClientCredentialsArgs, client: str) -> aws.secretsmanager.Secret:
        # Monitoring can be switched off whatever is protected.
        context = args.context.unprotected() if client == CANARY else args.context
        logical_name = f"{self.pulumi_resource_name}-{client}"
        suffix = random_suffix(f"{logical_name}-suffix", context, parent=self)
        return aws.secretsmanager.Secret(
            logical_name,
            name=pulumi.Output.concat(context.names.secret(client), "-", suffix),
            description=f"How {client} calls the Neo4j MCP server",
            recovery_window_in_days=context.protection.secret_recovery_days,
            tags=context.tags,
            opts=context.options(aws.secretsmanager.Secret, parent=self),
        )

    def _publication(
        self, args: ClientCredentialsArgs, client: str, function: RotationFunction
    ) -> aws.lambda_.Invocation:
        """Have the function write the secret, now and whenever something but the value changes.

        The provider invokes it when the resource is created, and replaces the resource when its
        input changes. A new version of the function's code isn't a reason to write again.
        """
        app_client = args.clients[client]
        enabled = args.context.settings.all_clients[client].enabled
        event = pulumi.Output.all(
            arn=self.secret_arns[client],
            id=app_client.client_id,
            token_url=args.token_url,
            mcp_url=args.mcp_url,
        ).apply(
            lambda known: publish_event(
                secret_arn=known["arn"],
                client_id=known["id"],
                token_url=known["token_url"],
                mcp_url=known["mcp_url"],
                scopes=app_client.scopes,
                enabled=enabled,
            )
        )
        return aws.lambda_.Invocation(
            f"{self.pulumi_resource_name}-{client}-publication",
            function_name=function.name,
            input=event,
            opts=args.context.options(aws.lambda_.Invocation, parent=self),
        )

    def _rotation(
        self,
        args: ClientCredentialsArgs,
        client: str,
        function: RotationFunction,
        published: pulumi.Resource,
    ) -> None:
        settings = args.context.settings
        rotation = settings.rotation(client)
        # A disabled client's new secret couldn't be tested: Cognito refuses it all tokens.
        if not rotation.days or not settings.all_clients[client].enabled:
            return
        aws.secretsmanager.SecretRotation(
            f"{self.pulumi_resource_name}-{client}-rotation",
            secret_id=self.secret_arns[client],
            rotation_lambda_arn=function.arn,
            # Secrets Manager only tests the current secret now, and rotates when it is due.
            rotate_immediately=False,
            rotation_rules=aws.secretsmanager.SecretRotationRotationRulesArgs(
                automatically_after_days=rotation.days
            ),
            opts=args.context.options(
                aws.secretsmanager.SecretRotation,
                parent=self,
                depends_on=[published, function.permission],
            ),
        )
