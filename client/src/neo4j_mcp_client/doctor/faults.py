"""Every fault that the doctor knows: what it is, where it is set, what mends it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that can be wrong.

    Attributes:
        name: the fault's name, for programs and for the documentation.
        what: what it is, as one sentence.
        where: where it is set.
        remedy: what mends it, with the command.
    """

    name: str
    what: str
    where: str
    remedy: str


CREDENTIALS_UNREADABLE = Fault(
    name="credentials-unreadable",
    what="The client's credentials can't be read.",
    where="The profile, the environment, or the client's secret in Secrets Manager.",
    remedy="Log in again: pulumi stack output --json | neo4j-mcp login --outputs - --client <name>",
)
OUTPUTS_OF_ANOTHER_STACK = Fault(
    name="outputs-of-another-stack",
    what="The credentials are of another stack than the outputs that the profile keeps.",
    where="The profile.",
    remedy="Log in again: pulumi stack output --json | neo4j-mcp login --outputs - --client <name>",
)
NAME_NOT_RESOLVED = Fault(
    name="name-not-resolved",
    what="A host's name has no address.",
    where="DNS, or the client's secret where the address is mistyped or the stack is gone.",
    remedy="Compare with `pulumi stack output mcpUrl` and `pulumi stack output tokenUrl`. In a"
    " private network, check its resolver.",
)
NOT_REACHABLE = Fault(
    name="not-reachable",
    what="A host takes no connection.",
    where="The network between here and the host: a proxy, a firewall, a security group.",
    remedy="Try `curl -v <the host's URL>` from here and from elsewhere, and open the way.",
)
CERTIFICATE_NOT_TRUSTED = Fault(
    name="certificate-not-trusted",
    what="A host's certificate isn't trusted here.",
    where="This machine's certificate authorities.",
    remedy="If the authority is one of your own, or a proxy's, name its bundle: --ca-bundle <file>,"
    " or REQUESTS_CA_BUNDLE or SSL_CERT_FILE; `neo4j-mcp login --ca-bundle <file>` keeps it.",
)
CERTIFICATE_BREAKS_RULE = Fault(
    name="certificate-breaks-rule",
    what="A host's certificate, or its authority's, breaks a rule of RFC 5280 that only Python 3.13"
    " and later enforce.",
    where="The authority that issued it.",
    remedy="Have the certificate that breaks the rule issued again. Until then, run the client with"
    " Python 3.12; or, if the fault is in a root, put the intermediate authority that issued the"
    " host's certificate into the bundle in its place.",
)
SERVICE_PAUSED = Fault(
    name="service-paused",
    what="The App Runner service is paused.",
    where="App Runner: the service's status.",
    remedy="aws apprunner resume-service --service-arn <arn>",
)
SERVICE_NOT_SERVING = Fault(
    name="service-not-serving",
    what="The service doesn't answer its health check: it is paused, failing or gone.",
    where="App Runner: the service's status and its instances.",
    remedy="See its status: aws apprunner list-services. If it is PAUSED: aws apprunner"
    " resume-service --service-arn <arn>. If not, its log groups /aws/apprunner/<service>/… say"
    " why its instances fail.",
)
DISCOVERY_UNREADABLE = Fault(
    name="discovery-unreadable",
    what="The user pool's discovery document or its keys can't be read, so neither can Aura.",
    where="The stack's outputs `discoveryUrl` and `jwksUrl`, or the user pool is gone.",
    remedy="Open both addresses: curl -fsS <url>. If the pool is gone: pulumi up, then type the"
    " new `pulumi stack output auraSso` into Aura.",
)
ISSUER_DIFFERS = Fault(
    name="issuer-differs",
    what="The issuer isn't the stack's: Aura refuses every token of it.",
    where="The stack's outputs `issuer` and `discoveryUrl`; endpointOverrides, where they are set.",
    remedy="Log in again with the outputs of today: pulumi stack output --json | neo4j-mcp login"
    " --outputs - --client <name>",
)
SECRET_REJECTED = Fault(
    name="secret-rejected",
    what="Cognito doesn't know this client id with this secret: the secret has expired, was"
    " replaced, or the client was deleted.",
    where="The client's secret in Secrets Manager, or the profile that keeps an old copy of it.",
    remedy="If the profile holds the secret itself, log in again by --secret-arn or --outputs. If"
    " Secrets Manager holds the old one: pulumi refresh, then pulumi up.",
)
SCOPE_NOT_ALLOWED = Fault(
    name="scope-not-allowed",
    what="The client asks for a scope that it doesn't have.",
    where="The stack's configuration: neo4j-mcp:clients.<name>.scopes.",
    remedy="pulumi config set --path 'neo4j-mcp:clients.<name>.scopes[0]' <scope>, then pulumi up;"
    " or ask for fewer scopes.",
)
TOKEN_ENDPOINT_UNAVAILABLE = Fault(
    name="token-endpoint-unavailable",
    what="The token endpoint gives no token.",
    where="Cognito: its domain and its quota, which all pools of the account and region share.",
    remedy="Wait and call again. If it answers 429 often, cache tokens: one TokenProvider a"
    " process, one FileTokenCache a machine.",
)
TOKEN_UNREADABLE = Fault(
    name="token-unreadable",
    what="What the token endpoint gives is no signed JWT, or no key of the pool signed it.",
    where="The client's tokenUrl: it belongs to another pool than the keys.",
    remedy="Compare the secret's tokenUrl with `pulumi stack output tokenUrl`, and log in again.",
)
CLOCK_DIFFERS = Fault(
    name="clock-differs",
    what="This machine's clock differs from the token endpoint's: tokens are renewed too late.",
    where="This machine's clock.",
    remedy="Let a time server set it; on Linux: timedatectl set-ntp true",
)
CLAIMS_FUNCTION_MISSING = Fault(
    name="claims-function-missing",
    what="The token has neither audience nor groups: the claims function didn't run.",
    where="Cognito: the user pool's pre-token-generation trigger (version V3_0).",
    remedy="pulumi refresh, then pulumi up: it sets the trigger again. Then take a new token:"
    " neo4j-mcp token.",
)
CLAIM_MISSING = Fault(
    name="claim-missing",
    what="The token lacks a claim that Aura needs.",
    where="The claims function, or the names of the claims in Aura's single sign-on settings.",
    remedy="pulumi up deploys the claims function of this version. Then compare Aura with `pulumi"
    " stack output auraSso`.",
)
AUDIENCE_NOT_IN_OUTPUTS = Fault(
    name="audience-not-in-outputs",
    what="The token's audience isn't among those of the stack's auraSso.",
    where="The profile, whose outputs are older than the client; or the client is another stack's.",
    remedy="Log in again: pulumi stack output --json | neo4j-mcp login --outputs - --client"
    " <name>. If the client is new, Aura needs its id as well: pulumi stack output auraSso",
)
GROUP_NOT_IN_OUTPUTS = Fault(
    name="group-not-in-outputs",
    what="None of the token's groups has a role in the stack's auraSso.",
    where="The stack's configuration: neo4j-mcp:scopes, each with its role.",
    remedy="pulumi config set --path neo4j-mcp:scopes.<scope>.role <role>, then pulumi up; then"
    " type `pulumi stack output auraSso` into Aura.",
)
DATABASE_UNREACHABLE = Fault(
    name="database-unreachable",
    what="The database takes no Bolt connection from here.",
    where="Aura: the instance is paused, or lets this machine's address not in; or --neo4j-uri.",
    remedy="Resume the instance in the Aura console. If it takes the server alone, examine without"
    " this hop: neo4j-mcp doctor --no-database",
)
AUDIENCE_IN_AURA = Fault(
    name="audience-in-aura",
    what="Aura refuses a token that is right by the stack's auraSso: its audience lacks this"
    " client, or its discovery URI is another pool's.",
    where="The Aura console: single sign-on, audience (a comma list of client ids) and discovery"
    " URI.",
    remedy="Type in what this prints: pulumi stack output auraSso",
)
PROVIDER_UNREACHABLE_FROM_AURA = Fault(
    name="provider-unreachable-from-aura",
    what="Aura can't read the discovery document or the keys.",
    where="The Aura console: single sign-on, discovery URI.",
    remedy="Type in what this prints: pulumi stack output auraSso",
)
TOKEN_EXPIRED_IN_AURA = Fault(
    name="token-expired-in-aura",
    what="Aura says that a token of just now has expired.",
    where="The clocks of Aura and Cognito differ, or the token's validity is very short.",
    remedy="Give tokens a longer life: pulumi config set --path"
    " neo4j-mcp:clients.<name>.tokenValidityMinutes 60, then pulumi up.",
)
GROUP_NOT_MAPPED_IN_AURA = Fault(
    name="group-not-mapped-in-aura",
    what="Aura accepts the token, but gives it no role: its mapping lacks the token's groups.",
    where="The Aura console: single sign-on, groups claim and group-to-role mapping.",
    remedy="Type in what this prints: pulumi stack output auraSso",
)
NO_MCP_SERVER = Fault(
    name="no-mcp-server",
    what="What answers at the URL isn't the MCP server.",
    where="The client's secret: mcpUrl.",
    remedy="Compare it with `pulumi stack output mcpUrl`; its path is /mcp.",
)
BEARER_CASE = Fault(
    name="bearer-case",
    what="The server wants `Bearer` with a capital B, and nothing else: it answers 401.",
    where="Your client, where it writes the Authorization header.",
    remedy="Send `Authorization: Bearer <token>`, or let this package do it:"
    " neo4j_mcp_client.BearerAuth, neo4j_mcp_client.httpx2.BearerAuth, neo4j-mcp bridge.",
)
AUTHORIZATION_LOST = Fault(
    name="authorization-lost",
    what="The server saw no Bearer token, though one was sent: something between takes the"
    " Authorization header off, or changes its case.",
    where="A proxy or gateway between here and the service.",
    remedy="Let it pass Authorization on as it is. To see the way without it: NO_PROXY=<host>"
    " neo4j-mcp doctor",
)
SERVER_HAS_ANOTHER_DATABASE = Fault(
    name="server-has-another-database",
    what="The database accepts the token from here, but refuses it from the server: the server"
    " asks another database.",
    where="The stack's configuration: neo4j-mcp:neo4jUri; or --neo4j-uri here.",
    remedy="pulumi config get neo4j-mcp:neo4jUri; compare it with the profile's.",
)
SERVER_CANT_REACH_DATABASE = Fault(
    name="server-cannot-reach-database",
    what="The server can't reach the database.",
    where="The stack's configuration: neo4j-mcp:neo4jUri and vpcConnector; or the Aura instance is"
    " paused.",
    remedy="Resume the instance in the Aura console; compare `pulumi config get neo4j-mcp:neo4jUri`"
    " with its address.",
)
APOC_MISSING = Fault(
    name="apoc-missing",
    what="The database lacks APOC, which get-schema needs; queries work.",
    where="The database's plug-ins. Aura has APOC; a Neo4j of your own may not.",
    remedy="Put the apoc-core jar of the database's version into its plugins folder, allow"
    " apoc.meta.* in dbms.security.procedures.allowlist, and restart it.",
)
SCHEMA_TIMES_OUT = Fault(
    name="schema-times-out",
    what="get-schema takes longer than the time limit; queries work.",
    where="The graph's size, and the stack's configuration: neo4j-mcp:schemaSampleSize.",
    remedy="pulumi config set neo4j-mcp:schemaSampleSize 10, then pulumi up: it looks at fewer"
    " nodes of each label.",
)
QUERY_TIMES_OUT = Fault(
    name="query-times-out",
    what="A query that does nothing takes longer than the time limit: the database is busy, or its"
    " connections are dead.",
    where="Aura: the instance's load; the network between server and database.",
    remedy="See what runs, and end what shouldn't: SHOW TRANSACTIONS, then TERMINATE TRANSACTIONS"
    " <id>.",
)
TELEMETRY_DELAY = Fault(
    name="telemetry-delay",
    what="The server takes many seconds for what the database does at once: it reports its use"
    " before it answers, and its egress is blocked.",
    where="The service's environment: NEO4J_MCP_TELEMETRY.",
    remedy="pulumi up sets it to false again, after pulumi refresh has seen the change.",
)
CALL_FAILED = Fault(
    name="call-failed",
    what="The server doesn't do a query that it must.",
    where="The server or the database.",
    remedy="Look into the service's log group /aws/apprunner/<service>/<id>/application.",
)
ROLES_DIFFER = Fault(
    name="roles-differ",
    what="Aura gives the token other roles than the stack's auraSso says.",
    where="The Aura console: single sign-on, group-to-role mapping.",
    remedy="Type in what this prints: pulumi stack output auraSso",
)

FAULTS = {value.name: value for value in tuple(globals().values()) if isinstance(value, Fault)}
"""All of them, by name."""
