"""Identity: who may call the server, and what their tokens contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.context import StackContext
from components.endpoints import Endpoints, endpoints, hosted_domain_url
from components.function_code import write_claims_package
from components.lambda_function import FunctionArgs, lambda_function
from components.monitoring.alarm import Subject
from components.monitoring.subjects import Dimensions
from components.roles import FunctionRole, function_role
from components.settings import CANARY, CustomDomain
from components.suffixes import random_suffix

# Cognito waits five seconds for a trigger.
_TRIGGER_SECONDS = 5


def full_scope_name(resource_server: str, scope: str) -> str:
    """Return a scope's name as OAuth 2.0 requests and tokens carry it."""
    return f"{resource_server}/{scope}"


@dataclass(frozen=True, kw_only=True)
class AppClient:
    """One configured client.

    Attributes:
        client_id: its id at Cognito.
        scopes: full names of the scopes it may request while it is enabled.
    """

    client_id: pulumi.Output[str]
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UserPool:
    """The user pool of the app clients.

    Attributes:
        id: its id.
        arn: its ARN.
    """

    id: pulumi.Output[str]
    arn: pulumi.Output[str]


class Identity(pulumi.ComponentResource):
    """Machine-to-machine tokens that Neo4j accepts (``neo4j-mcp:identity:Identity``).

    Creates a user pool without users, its domain, a resource server with the scopes, an app client
    per configured client and one for the canary of a stack with monitoring (client credentials
    only, and no OAuth 2.0 flow at all while the client is disabled), and the claims function with
    its role, log group and permission.

    Deletion protection covers the pool, its domain, its resource server and its app clients,
    because new ones would have other addresses and ids than the Aura console knows, and the
    permission, without which no token is issued. To remove a client, lift the protection first.
    With ``retainClaimsLog``, the claims function's log, which records who got which token,
    outlives the stack.

    Idle cost: none; tokens are billed by request.

    Attributes:
        endpoints: the token, discovery and key set URLs.
        domain_target: what a custom domain's alias record must point to; empty without one.
        user_pool: the pool.
        clients: the configured clients and, with monitoring, the canary's, by name.
        claims_log: name of the claims function's log group.
        monitored: the dimensions of the claims function's metrics.
    """

    user_pool: UserPool
    endpoints: pulumi.Output[Endpoints]
    domain_target: pulumi.Output[dict[str, str]]
    clients: Mapping[str, AppClient]
    claims_log: pulumi.Output[str]
    monitored: Mapping[Subject, Dimensions]

    def __init__(
        self, name: str, context: StackContext, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the pool and everything in it."""
        super().__init__("neo4j-mcp:identity:Identity", name, None, opts)
        writer = self._claims_role(context)
        function = self._claims_function(context, writer)
        self.claims_log = writer.log_group.name
        self.monitored = {Subject.CLAIMS: {"FunctionName": function.name}}
        pool = self._user_pool(context, function)
        self.user_pool = UserPool(id=pool.id, arn=pool.arn)
        domain_url, self.domain_target = self._domain(context, pool)
        resource_server = self._resource_server(context, pool)
        overrides = context.settings.endpoint_overrides
        self.endpoints = pulumi.Output.all(pool.endpoint, domain_url).apply(
            lambda known: endpoints(
                pool_endpoint=known[0], domain_url=known[1], overrides=overrides
            )
        )
        self.clients = {
            client: self._app_client(context, client, pool, resource_server)
            for client in context.settings.all_clients
        }
        self.register_outputs(
            {
                "issuer": self.endpoints.apply(lambda known: known.issuer),
                "clientIds": {name: client.client_id for name, client in self.clients.items()},
            }
        )

    def _claims_role(self, context: StackContext) -> FunctionRole:
        return function_role(
            f"{self.pulumi_resource_name}-claims",
            context,
            parent=self,
            name=context.names.claims_function,
            description="The claims function: writes its own log and nothing else",
            log_stem=context.names.claims_log_stem,
            retain_log=context.protection.retain_claims_log,
        )

    def _claims_function(self, context: StackContext, writer: FunctionRole) -> aws.lambda_.Function:
        names, settings = context.names, context.settings
        return lambda_function(
            f"{self.pulumi_resource_name}-claims",
            context,
            FunctionArgs(
                name=names.claims_function,
                description="Gives machine-to-machine tokens the claims that Neo4j checks and maps",
                role=writer,
                package=write_claims_package(),
                handler="handler.handle",
                memory=128,
                timeout=_TRIGGER_SECONDS,
                environment={"RESOURCE_SERVER_IDENTIFIER": settings.resource_server_identifier},
            ),
            parent=self,
        )

    def _user_pool(
        self, context: StackContext, function: aws.lambda_.Function
    ) -> aws.cognito.UserPool:
        pool = aws.cognito.UserPool(
            f"{self.pulumi_resource_name}-pool",
            name=context.names.user_pool,
            user_pool_tier=context.settings.user_pool_tier,
            # Machines only: nobody signs up.
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(
                allow_admin_create_user_only=True
            ),
            lambda_config=aws.cognito.UserPoolLambdaConfigArgs(
                pre_token_generation_config=(
                    aws.cognito.UserPoolLambdaConfigPreTokenGenerationConfigArgs(
                        lambda_arn=function.arn, lambda_version="V3_0"
                    )
                )
            ),
            deletion_protection="ACTIVE" if context.protection.deletion else "INACTIVE",
            tags=context.tags,
            opts=context.options(aws.cognito.UserPool, parent=self),
        )
        aws.lambda_.Permission(
            f"{self.pulumi_resource_name}-claims-permission",
            statement_id="AllowUserPool",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=policies.COGNITO,
            source_arn=pool.arn,
            opts=context.options(aws.lambda_.Permission, parent=self),
        )
        return pool

    def _domain(
        self, context: StackContext, pool: aws.cognito.UserPool
    ) -> tuple[pulumi.Output[str], pulumi.Output[dict[str, str]]]:
        """Declare the domain, and return its URL and what its alias record must point to."""
        custom = context.settings.custom_domain
        if custom:
            return self._custom_domain(context, pool, custom)
        domain = aws.cognito.UserPoolDomain(
            f"{self.pulumi_resource_name}-domain",
            user_pool_id=pool.id,
            domain=context.settings.cognito_domain_prefix or self._domain_prefix(context),
            opts=context.options(aws.cognito.UserPoolDomain, parent=self),
        )
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        url = pulumi.Output.all(domain.domain, region).apply(
            lambda known: hosted_domain_url(prefix=known[0], region=known[1])
        )
        return url, pulumi.Output.from_input({})

    def _custom_domain(
        self, context: StackContext, pool: aws.cognito.UserPool, custom: CustomDomain
    ) -> tuple[pulumi.Output[str], pulumi.Output[dict[str, str]]]:
        # With its own logical name, it doesn't replace the prefix domain in place: a pool can have
        # both, and a custom domain takes up to an hour to create, during which the prefix domain
        # keeps issuing tokens.
        domain = aws.cognito.UserPoolDomain(
            f"{self.pulumi_resource_name}-custom-domain",
            user_pool_id=pool.id,
            domain=custom.name,
            certificate_arn=custom.certificate_arn,
            opts=context.options(aws.cognito.UserPoolDomain, parent=self),
        )
        target = pulumi.Output.all(
            name=domain.cloudfront_distribution, zoneId=domain.cloudfront_distribution_zone_id
        )
        return pulumi.Output.concat("https://", domain.domain), target

    def _domain_prefix(self, context: StackContext) -> pulumi.Output[str]:
        # A prefix is unique in its region across all accounts, so the names alone may be taken.
        suffix = random_suffix(f"{self.pulumi_resource_name}-domain-suffix", context, parent=self)
        return pulumi.Output.concat(context.names.domain_stem, suffix)

    def _resource_server(
        self, context: StackContext, pool: aws.cognito.UserPool
    ) -> aws.cognito.ResourceServer:
        return aws.cognito.ResourceServer(
            f"{self.pulumi_resource_name}-resource-server",
            user_pool_id=pool.id,
            identifier=context.settings.resource_server_identifier,
            name=context.names.resource_server,
            scopes=[
                aws.cognito.ResourceServerScopeArgs(
                    scope_name=scope, scope_description=definition.description
                )
                for scope, definition in context.settings.scopes.items()
            ],
            opts=context.options(aws.cognito.ResourceServer, parent=self),
        )

    def _app_client(
        self,
        context: StackContext,
        client: str,
        pool: aws.cognito.UserPool,
        resource_server: aws.cognito.ResourceServer,
    ) -> AppClient:
        # Monitoring can be switched off whatever is protected.
        context = context.unprotected() if client == CANARY else context
        settings = context.settings.all_clients[client]
        scopes = tuple(
            full_scope_name(context.settings.resource_server_identifier, scope)
            for scope in settings.scopes
        )
        resource = aws.cognito.UserPoolClient(
            f"{self.pulumi_resource_name}-client-{client}",
            name=context.names.app_client(client),
            user_pool_id=pool.id,
            generate_secret=True,
            # Without a flow, Cognito itself refuses a disabled client. The claims function can't
            # know who is disabled: the clients' ids depend on the pool, and the pool on it.
            allowed_oauth_flows=["client_credentials"] if settings.enabled else [],
            allowed_oauth_flows_user_pool_client=settings.enabled,
            allowed_oauth_scopes=scopes if settings.enabled else [],
            # The least that Cognito accepts: an empty list would enable its default sign-in flows.
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            access_token_validity=settings.token_validity_minutes,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                access_token="minutes"  # noqa: S106  a unit, no token
            ),
            # The scopes are passed by name, so Pulumi doesn't see that they must exist first.
            opts=context.options(
                aws.cognito.UserPoolClient, parent=self, depends_on=[resource_server]
            ),
        )
        return AppClient(client_id=resource.id, scopes=scopes)
