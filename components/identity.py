"""Identity: who may call the server, and what their tokens say."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.endpoints import Endpoints, endpoints, hosted_domain_url
from components.function_code import relative_to_project, write_claims_package
from components.names import ResourceNames
from components.replacement import delete_before_replace
from components.settings import StackSettings
from components.suffixes import random_suffix

# Cognito waits five seconds for a trigger.
_TRIGGER_SECONDS = 5


def full_scope_name(resource_server: str, scope: str) -> str:
    """Name a scope as OAuth 2.0 requests and tokens do.

    Args:
        resource_server: the resource server's identifier.
        scope: the scope's short name.

    Returns:
        The full name.
    """
    return f"{resource_server}/{scope}"


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """What an Identity needs.

    Attributes:
        settings: the stack's settings.
        names: the stack's names.
        tags: the stack's tags.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AppClient:
    """One configured client.

    Attributes:
        client_id: its id at Cognito.
        client_secret: its secret, a Pulumi secret.
        scopes: full names of the scopes that it may ask for.
    """

    client_id: pulumi.Output[str]
    client_secret: pulumi.Output[str]
    scopes: tuple[str, ...]


class Identity(pulumi.ComponentResource):
    """Machine-to-machine tokens that Neo4j accepts (``neo4j-mcp:identity:Identity``).

    It makes a user pool without users, its domain, a resource server with the scopes, an app
    client per configured client (client credentials and nothing else), and the claims function
    with its role, log group and permission. With deletion protection on, the pool, its domain, its
    resource server and its app clients are protected, because new ones would have new addresses
    and ids, which stand in the Aura console; so is the permission, without which no token is
    issued. A client's removal is then a step of its own: lift the protection first. With
    ``retainClaimsLog``, the claims function's log, which says who was given which token, outlives
    the stack. Idle, it costs nothing; tokens are billed by request.

    Attributes:
        endpoints: where tokens, discovery and keys are.
        domain_target: what an alias record of a custom domain has to point to; empty otherwise.
        clients: the configured clients, by name.
    """

    endpoints: pulumi.Output[Endpoints]
    domain_target: pulumi.Output[dict[str, str]]
    clients: Mapping[str, AppClient]

    def __init__(
        self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the pool and everything in it.

        Args:
            name: logical name.
            args: what it needs.
            opts: Pulumi's resource options.
        """
        super().__init__("neo4j-mcp:identity:Identity", name, None, opts)
        function = self._claims_function(args)
        pool = self._user_pool(args, function)
        domain_url, self.domain_target = self._domain(args, pool)
        resource_server = self._resource_server(args, pool)
        overrides = args.settings.endpoint_overrides
        self.endpoints = pulumi.Output.all(pool.endpoint, domain_url).apply(
            lambda known: endpoints(
                pool_endpoint=known[0], domain_url=known[1], overrides=overrides
            )
        )
        self.clients = {
            client: self._app_client(args, client, pool, resource_server)
            for client in args.settings.clients
        }
        self.register_outputs(
            {
                "issuer": self.endpoints.apply(lambda known: known.issuer),
                "clientIds": {name: client.client_id for name, client in self.clients.items()},
            }
        )

    def _claims_function(self, args: IdentityArgs) -> aws.lambda_.Function:
        child = pulumi.ResourceOptions(parent=self)
        suffix = random_suffix(f"{self.pulumi_resource_name}-claims-log-suffix", parent=self)
        log_group = aws.cloudwatch.LogGroup(
            f"{self.pulumi_resource_name}-claims-log",
            # One that outlived an earlier stack of this name has another suffix.
            name=pulumi.Output.concat(args.names.claims_log_stem, suffix),
            retention_in_days=args.settings.log_retention_days,
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self, retain_on_delete=args.settings.retain_claims_log
            ),
        )
        role = aws.iam.Role(
            f"{self.pulumi_resource_name}-claims-role",
            name=args.names.claims_function,
            description="The claims function: writes its own log and nothing else",
            assume_role_policy=policies.trust(policies.LAMBDA),
            tags=args.tags,
            opts=child,
        )
        may_log = aws.iam.RolePolicy(
            f"{self.pulumi_resource_name}-claims-may-log",
            name="write-logs",
            role=role.name,
            policy=log_group.arn.apply(policies.write_logs),
            opts=child,
        )
        return aws.lambda_.Function(
            f"{self.pulumi_resource_name}-claims",
            name=args.names.claims_function,
            description="Gives machine-to-machine tokens the claims that Neo4j checks and maps",
            role=role.arn,
            runtime=aws.lambda_.Runtime.PYTHON3D13,
            architectures=["arm64"],
            handler="handler.handle",
            code=pulumi.FileArchive(relative_to_project(write_claims_package())),
            memory_size=128,
            timeout=_TRIGGER_SECONDS,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="Text", log_group=log_group.name
            ),
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={"RESOURCE_SERVER_IDENTIFIER": args.settings.resource_server_identifier}
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group, may_log]),
        )

    def _user_pool(
        self, args: IdentityArgs, function: aws.lambda_.Function
    ) -> aws.cognito.UserPool:
        protected = args.settings.deletion_protection
        pool = aws.cognito.UserPool(
            f"{self.pulumi_resource_name}-pool",
            name=args.names.user_pool,
            user_pool_tier=args.settings.user_pool_tier,
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
            deletion_protection="ACTIVE" if protected else "INACTIVE",
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protected,
                delete_before_replace=delete_before_replace(aws.cognito.UserPool),
            ),
        )
        aws.lambda_.Permission(
            f"{self.pulumi_resource_name}-claims-permission",
            statement_id="AllowUserPool",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=policies.COGNITO,
            source_arn=pool.arn,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protected,
                delete_before_replace=delete_before_replace(aws.lambda_.Permission),
            ),
        )
        return pool

    def _domain(
        self, args: IdentityArgs, pool: aws.cognito.UserPool
    ) -> tuple[pulumi.Output[str], pulumi.Output[dict[str, str]]]:
        protected = args.settings.deletion_protection
        options = pulumi.ResourceOptions(
            parent=self,
            protect=protected,
            delete_before_replace=delete_before_replace(aws.cognito.UserPoolDomain),
        )
        custom = args.settings.custom_domain
        if custom:
            # Not the prefix domain under another name: a pool can have both, and a custom domain
            # takes up to an hour to create, in which the prefix domain still gives tokens.
            domain = aws.cognito.UserPoolDomain(
                f"{self.pulumi_resource_name}-custom-domain",
                user_pool_id=pool.id,
                domain=custom.name,
                certificate_arn=custom.certificate_arn,
                opts=options,
            )
            target = pulumi.Output.all(
                name=domain.cloudfront_distribution, zoneId=domain.cloudfront_distribution_zone_id
            )
            return pulumi.Output.concat("https://", domain.domain), target
        domain = aws.cognito.UserPoolDomain(
            f"{self.pulumi_resource_name}-domain",
            user_pool_id=pool.id,
            domain=args.settings.cognito_domain_prefix or self._domain_prefix(args),
            opts=options,
        )
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        url = pulumi.Output.all(domain.domain, region).apply(
            lambda known: hosted_domain_url(prefix=known[0], region=known[1])
        )
        return url, pulumi.Output.from_input({})

    def _domain_prefix(self, args: IdentityArgs) -> pulumi.Output[str]:
        # A prefix is one account's in the whole region, so names alone may be taken.
        suffix = random_suffix(f"{self.pulumi_resource_name}-domain-suffix", parent=self)
        return pulumi.Output.concat(args.names.domain_stem, suffix)

    def _resource_server(
        self, args: IdentityArgs, pool: aws.cognito.UserPool
    ) -> aws.cognito.ResourceServer:
        return aws.cognito.ResourceServer(
            f"{self.pulumi_resource_name}-resource-server",
            user_pool_id=pool.id,
            identifier=args.settings.resource_server_identifier,
            name=args.names.resource_server,
            scopes=[
                aws.cognito.ResourceServerScopeArgs(
                    scope_name=scope, scope_description=definition.description
                )
                for scope, definition in args.settings.scopes.items()
            ],
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.settings.deletion_protection,
                delete_before_replace=delete_before_replace(aws.cognito.ResourceServer),
            ),
        )

    def _app_client(
        self,
        args: IdentityArgs,
        client: str,
        pool: aws.cognito.UserPool,
        resource_server: aws.cognito.ResourceServer,
    ) -> AppClient:
        settings = args.settings.clients[client]
        scopes = tuple(
            full_scope_name(args.settings.resource_server_identifier, scope)
            for scope in settings.scopes
        )
        resource = aws.cognito.UserPoolClient(
            f"{self.pulumi_resource_name}-client-{client}",
            name=args.names.app_client(client),
            user_pool_id=pool.id,
            generate_secret=True,
            allowed_oauth_flows=["client_credentials"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_scopes=scopes,
            # The least that Cognito takes: an empty list would allow its default sign-in flows.
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            access_token_validity=settings.token_validity_minutes,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                access_token="minutes"  # noqa: S106  a unit, no token
            ),
            # The scopes are names only; they have to exist before a client may hold them.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[resource_server],
                protect=args.settings.deletion_protection,
            ),
        )
        return AppClient(
            client_id=resource.id,
            client_secret=pulumi.Output.secret(resource.client_secret),
            scopes=scopes,
        )
