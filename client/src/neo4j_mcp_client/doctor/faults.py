"""The faults that the doctor can find: what each one is, where it is set and how to fix it."""

from dataclasses import dataclass

_LOG_IN_AGAIN = (
    "Log in again: pulumi stack output --json | neo4j-mcp login --outputs - --client <name>"
)
_ENTER_AURA_SSO = "Enter these values in Aura: pulumi stack output auraSso"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that can be wrong between a caller and the database.

    Attributes:
        name: identifies the fault in JSON output and in the documentation.
        what: one sentence about what is wrong.
        where: where the faulty value is set.
        remedy: the command or the action that fixes it.
    """

    name: str
    what: str
    where: str
    remedy: str


CREDENTIALS_UNREADABLE = Fault(
    name="credentials-unreadable",
    what="The client's credentials can't be read.",
    where="The profile, the environment, or the client's secret in Secrets Manager.",
    remedy=_LOG_IN_AGAIN,
)
OUTPUTS_OF_ANOTHER_STACK = Fault(
    name="outputs-of-another-stack",
    what="The credentials and the outputs in the profile belong to different stacks.",
    where="The profile.",
    remedy=_LOG_IN_AGAIN,
)
NAME_NOT_RESOLVED = Fault(
    name="name-not-resolved",
    what="A host name can't be resolved.",
    where="DNS. Or the client's secret: the address is mistyped, or the stack is gone.",
    remedy="Compare the name with `pulumi stack output mcpUrl` and `pulumi stack output tokenUrl`."
    " In a private network, check its resolver.",
)
NOT_REACHABLE = Fault(
    name="not-reachable",
    what="A host doesn't accept connections.",
    where="The network between here and the host: a proxy, a firewall or a security group.",
    remedy="Run `curl -v <the host's URL>` here and elsewhere, and open the network path.",
)
CERTIFICATE_NOT_TRUSTED = Fault(
    name="certificate-not-trusted",
    what="A host's certificate isn't trusted here.",
    where="This machine's certificate authorities.",
    remedy="For your own authority, or a proxy's, set --ca-bundle <file>, REQUESTS_CA_BUNDLE or"
    " SSL_CERT_FILE. `neo4j-mcp login --ca-bundle <file>` saves it.",
)
CERTIFICATE_BREAKS_RULE = Fault(
    name="certificate-breaks-rule",
    what="A certificate in the host's chain breaks a rule of RFC 5280 that only Python 3.13 and"
    " later enforce.",
    where="The authority that issued it.",
    remedy="Have that certificate reissued. Until then, run the client with Python 3.12. If the"
    " faulty certificate is a root, you can instead replace it in the bundle with the intermediate"
    " authority that issued the host's certificate.",
)
CERTIFICATE_EXPIRED = Fault(
    name="certificate-expired",
    what="A host's certificate, or one in its chain, has expired.",
    where="The host. On Fargate: the ACM certificate of serviceDomain.",
    remedy="aws acm describe-certificate --certificate-arn <arn> shows why it wasn't renewed: ACM"
    " renews none that was imported, and others only if they are validated. If this machine's"
    " clock is wrong, correct it.",
)
CERTIFICATE_OF_ANOTHER_NAME = Fault(
    name="certificate-of-another-name",
    what="A host's certificate is for another name.",
    where="The stack's configuration: neo4j-mcp:serviceDomain, or the domain that the name belongs"
    " to. Or the name leads to another host.",
    remedy="Request an ACM certificate for the name, set it with pulumi config set --path"
    " neo4j-mcp:serviceDomain.certificateArn <arn>, then pulumi up. If the certificate is right,"
    " compare the DNS record with `pulumi stack output serviceDomainTarget`.",
)
SERVICE_PAUSED = Fault(
    name="service-paused",
    what="The App Runner service is paused.",
    where="App Runner: the service's status.",
    remedy="aws apprunner resume-service --service-arn <arn>",
)
FUNCTION_PAUSED = Fault(
    name="function-paused",
    what="The server's Lambda function may not run: its reserved concurrency is 0.",
    where="Lambda: the function's reserved concurrency. The stack sets it from maxInstances.",
    remedy="pulumi refresh, then pulumi up. Or at once: aws lambda delete-function-concurrency"
    " --function-name <arn>",
)
TASKS_STOPPED = Fault(
    name="tasks-stopped",
    what="The ECS service is to run no tasks: its desired count is 0.",
    where="ECS: the service's desired count, which the stack leaves to scaling.",
    remedy="aws ecs update-service --cluster <cluster> --service <arn> --desired-count"
    " <minInstances>",
)
NO_HEALTHY_TASK = Fault(
    name="no-healthy-task",
    what="The load balancer has no task that passes its health check.",
    where="ECS: the service's events, its stopped tasks and its log.",
    remedy="See why tasks stop: aws ecs describe-services --cluster <cluster> --services <arn>, and"
    " aws ecs list-tasks --cluster <cluster> --desired-status STOPPED. Then fix the stack's"
    " configuration, and run pulumi up.",
)
EDGE_DISABLED = Fault(
    name="edge-disabled",
    what="The edge's CloudFront distribution is disabled.",
    where="CloudFront: the distribution's setting `Enabled`.",
    remedy="Enable it again: pulumi refresh, then pulumi up.",
)
FUNCTION_URL_FORBIDDEN = Fault(
    name="function-url-forbidden",
    what="The function URL refuses everyone.",
    where="Lambda: the function's resource policy, which needs lambda:InvokeFunctionUrl and"
    " lambda:InvokeFunction for everyone. Or a policy of the AWS organization.",
    remedy="Set both again: pulumi refresh, then pulumi up. If the organization forbids public"
    " function URLs, use another host: pulumi config set neo4j-mcp:hosting <host>",
)
CAPACITY_IN_USE = Fault(
    name="capacity-in-use",
    what="The service has as many calls as it can take, so it refuses further ones with 429.",
    where="The stack's configuration: neo4j-mcp:maxInstances, and maxConcurrency on App Runner. On"
    " Lambda also the account's limit of concurrent executions. At the edge also"
    " neo4j-mcp:edgeRequestsPerIp.",
    remedy="pulumi config set neo4j-mcp:maxInstances <more>, then pulumi up. To see the account's"
    " limit: aws lambda get-account-settings. Or make fewer calls at the same time.",
)
SERVICE_NOT_SERVING = Fault(
    name="service-not-serving",
    what="The service doesn't answer its health check: it is paused, failing or deleted.",
    where="App Runner: the service's status and its instances. Fargate: the service's events and"
    " its tasks. Lambda: the function's state.",
    remedy="On App Runner: aws apprunner list-services. If it is PAUSED: aws apprunner"
    " resume-service --service-arn <arn>. On Fargate: aws ecs describe-services --cluster <service>"
    " --services <service>, which have the same name. Otherwise look in the log groups"
    " /aws/apprunner/<service>/…, /ecs/<service>-… or /aws/lambda/<function>-… for the reason why"
    " it fails.",
)
DISCOVERY_UNREADABLE = Fault(
    name="discovery-unreadable",
    what="The user pool's discovery document or its keys can't be read. Aura can't read them"
    " either.",
    where="The stack's outputs `discoveryUrl` and `jwksUrl`. Or the user pool is gone.",
    remedy="Open both addresses: curl -fsS <url>. If the pool is gone: pulumi up, then enter the"
    " new `pulumi stack output auraSso` in Aura.",
)
ISSUER_DIFFERS = Fault(
    name="issuer-differs",
    what="The issuer isn't the stack's, so Aura rejects all its tokens.",
    where="The stack's outputs `issuer` and `discoveryUrl`, and endpointOverrides if it is set.",
    remedy="Log in again with the current outputs: pulumi stack output --json | neo4j-mcp login"
    " --outputs - --client <name>",
)
EDGE_METADATA = Fault(
    name="edge-metadata",
    what="The edge's documents are missing or wrong, so a client that discovers finds no token.",
    where="The CloudFront function of the stack's edge.",
    remedy="Deploy it again: pulumi refresh, then pulumi up.",
)
SECRET_REJECTED = Fault(
    name="secret-rejected",
    what="Cognito doesn't accept this client id with this secret: the secret was rotated or"
    " revoked, or the client was deleted.",
    where="The client's secret in Secrets Manager, or the profile if it holds an old copy.",
    remedy="If the profile holds the secret itself, log in again with --secret-arn or --outputs."
    " If Secrets Manager holds an old one: python -m automation revoke --stack <stack> --client"
    " <name>",
)
CLIENT_DISABLED = Fault(
    name="client-disabled",
    what="The client is disabled: its secret is right, but it gets no token with any scope.",
    where="The stack's configuration: neo4j-mcp:clients.<name>.enabled.",
    remedy="pulumi config set --path neo4j-mcp:clients.<name>.enabled true, then pulumi up. If"
    " somebody disabled it on purpose, use another client.",
)
SCOPE_NOT_ALLOWED = Fault(
    name="scope-not-allowed",
    what="The client requests a scope that it doesn't have.",
    where="The stack's configuration: neo4j-mcp:clients.<name>.scopes.",
    remedy="pulumi config set --path 'neo4j-mcp:clients.<name>.scopes[0]' <scope>, then pulumi up."
    " Or request fewer scopes.",
)
TOKEN_ENDPOINT_UNAVAILABLE = Fault(
    name="token-endpoint-unavailable",
    what="The token endpoint doesn't return a token.",
    where="Cognito: its domain and its quota, which all pools of the account and region share.",
    remedy="Wait and call again. If it often answers 429, cache tokens: one TokenProvider per"
    " process, one FileTokenCache per machine.",
)
TOKEN_UNREADABLE = Fault(
    name="token-unreadable",
    what="The token endpoint returns something other than a JWT signed by the pool's keys.",
    where="The client's tokenUrl: it belongs to another pool than the keys.",
    remedy="Compare the secret's tokenUrl with `pulumi stack output tokenUrl`, and log in again.",
)
CLOCK_DIFFERS = Fault(
    name="clock-differs",
    what="This machine's clock differs from the token endpoint's, so tokens are renewed too late.",
    where="This machine's clock.",
    remedy="Synchronize it with a time server. On Linux: timedatectl set-ntp true",
)
CLAIMS_FUNCTION_MISSING = Fault(
    name="claims-function-missing",
    what="The token has neither audience nor groups: the claims function didn't run.",
    where="Cognito: the user pool's pre-token-generation trigger (version V3_0).",
    remedy="Set the trigger again: pulumi refresh, then pulumi up. Then request a new token:"
    " neo4j-mcp token.",
)
CLAIM_MISSING = Fault(
    name="claim-missing",
    what="The token lacks a claim that Aura needs.",
    where="The claims function, or the names of the claims in Aura's single sign-on settings.",
    remedy="Deploy this version's claims function: pulumi up. Then compare Aura's settings with"
    " `pulumi stack output auraSso`.",
)
AUDIENCE_NOT_IN_OUTPUTS = Fault(
    name="audience-not-in-outputs",
    what="The token's audience isn't in the stack's auraSso.",
    where="The profile: its outputs are older than the client, or from another stack.",
    remedy=f"{_LOG_IN_AGAIN}. If the client is new, Aura needs its id too: pulumi stack output"
    " auraSso",
)
GROUP_NOT_IN_OUTPUTS = Fault(
    name="group-not-in-outputs",
    what="None of the token's groups has a role in the stack's auraSso.",
    where="The stack's configuration: neo4j-mcp:scopes, each with its role.",
    remedy="pulumi config set --path neo4j-mcp:scopes.<scope>.role <role>, then pulumi up. Then"
    " enter `pulumi stack output auraSso` in Aura.",
)
DATABASE_UNREACHABLE = Fault(
    name="database-unreachable",
    what="The database doesn't accept Bolt connections from here.",
    where="Aura: the instance is paused, or doesn't allow this machine's address. Or --neo4j-uri.",
    remedy="Resume the instance in the Aura console. If only the server may connect to it, skip"
    " this hop: neo4j-mcp doctor --no-database",
)
AUDIENCE_IN_AURA = Fault(
    name="audience-in-aura",
    what="Aura rejects a token that matches the stack's auraSso: its audience lacks this client,"
    " or its discovery URI is another pool's.",
    where="The Aura console: single sign-on, audience (a comma-separated list of client ids) and"
    " discovery URI.",
    remedy=_ENTER_AURA_SSO,
)
PROVIDER_UNREACHABLE_FROM_AURA = Fault(
    name="provider-unreachable-from-aura",
    what="Aura can't read the discovery document or the keys.",
    where="The Aura console: single sign-on, discovery URI.",
    remedy=_ENTER_AURA_SSO,
)
TOKEN_EXPIRED_IN_AURA = Fault(
    name="token-expired-in-aura",
    what="Aura says that a token issued just now has expired.",
    where="The clocks of Aura and Cognito differ, or the token's validity is very short.",
    remedy="Issue tokens for longer: pulumi config set --path"
    " neo4j-mcp:clients.<name>.tokenValidityMinutes 60, then pulumi up.",
)
GROUP_NOT_MAPPED_IN_AURA = Fault(
    name="group-not-mapped-in-aura",
    what="Aura accepts the token but gives it no role: its mapping lacks the token's groups.",
    where="The Aura console: single sign-on, groups claim and group-to-role mapping.",
    remedy=_ENTER_AURA_SSO,
)
NO_MCP_SERVER = Fault(
    name="no-mcp-server",
    what="The URL doesn't lead to the MCP server.",
    where="The client's secret: mcpUrl.",
    remedy="Compare it with `pulumi stack output mcpUrl`. Its path is /mcp.",
)
BEARER_CASE = Fault(
    name="bearer-case",
    what="The server accepts only `Bearer` with a capital B. It answers other spellings with 401.",
    where="Your client, where it writes the Authorization header.",
    remedy="Send `Authorization: Bearer <token>`, or let this package do it:"
    " neo4j_mcp_client.BearerAuth, neo4j_mcp_client.httpx2.BearerAuth or neo4j-mcp bridge.",
)
AUTHORIZATION_LOST = Fault(
    name="authorization-lost",
    what="The server received no Bearer token, although one was sent: something on the network"
    " path removes the Authorization header or changes its case.",
    where="A proxy or gateway between here and the service.",
    remedy="Let it forward Authorization unchanged. To test without the proxy: NO_PROXY=<host>"
    " neo4j-mcp doctor",
)
SERVER_HAS_ANOTHER_DATABASE = Fault(
    name="server-has-another-database",
    what="The database accepts the token from here but rejects it from the server: the server uses"
    " another database.",
    where="The stack's configuration: neo4j-mcp:neo4jUri. Or --neo4j-uri here.",
    remedy="Compare with the profile's address: pulumi config get neo4j-mcp:neo4jUri",
)
SERVER_CANT_REACH_DATABASE = Fault(
    name="server-cannot-reach-database",
    what="The server can't reach the database.",
    where="The stack's configuration: neo4j-mcp:neo4jUri, and vpcConnector or, on Fargate, network."
    " Or the Aura instance is paused.",
    remedy="Resume the instance in the Aura console, and compare its address with `pulumi config"
    " get neo4j-mcp:neo4jUri`.",
)
APOC_MISSING = Fault(
    name="apoc-missing",
    what="The database lacks APOC, which get-schema needs. Queries work.",
    where="The database's plugins. Aura has APOC; a self-managed Neo4j may not.",
    remedy="Put the apoc-core jar for the database's version into its plugins folder, allow"
    " apoc.meta.* in dbms.security.procedures.allowlist, and restart it.",
)
SCHEMA_TIMES_OUT = Fault(
    name="schema-times-out",
    what="get-schema exceeds the time limit. Queries work.",
    where="The graph's size, and the stack's configuration: neo4j-mcp:schemaSampleSize.",
    remedy="Sample fewer nodes of each label: pulumi config set neo4j-mcp:schemaSampleSize 10, then"
    " pulumi up.",
)
QUERY_TIMES_OUT = Fault(
    name="query-times-out",
    what="A trivial query exceeds the time limit: the database is busy, or its connections are"
    " dead.",
    where="Aura: the instance's load. Or the network between server and database.",
    remedy="List what runs, and end what shouldn't: SHOW TRANSACTIONS, then TERMINATE TRANSACTIONS"
    " <id>.",
)
TELEMETRY_DELAY = Fault(
    name="telemetry-delay",
    what="The server takes many seconds for what the database does at once: it sends telemetry"
    " before it answers, and its egress is blocked.",
    where="The service's environment: NEO4J_MCP_TELEMETRY.",
    remedy="Set it to false again: pulumi refresh, then pulumi up.",
)
CALL_FAILED = Fault(
    name="call-failed",
    what="The server fails a query that should succeed.",
    where="The server or the database.",
    remedy="Look in the service's log group: /aws/apprunner/<service>/<id>/application,"
    " /ecs/<service>-… or /aws/lambda/<function>-…",
)
ROLES_DIFFER = Fault(
    name="roles-differ",
    what="Aura gives the token other roles than the stack's auraSso.",
    where="The Aura console: single sign-on, group-to-role mapping.",
    remedy=_ENTER_AURA_SSO,
)

FAULTS = {value.name: value for value in tuple(globals().values()) if isinstance(value, Fault)}
"""All faults by name, in the order of the hops at which they are found."""
