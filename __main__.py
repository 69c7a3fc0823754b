"""The Pulumi program: reads the configuration, wires the components, exports the outputs."""

from pathlib import Path

import pulumi

from components.aura import audience, neo4j_conf, sso_settings
from components.configuration import load_settings
from components.context import StackContext
from components.credentials import ClientCredentials, ClientCredentialsArgs
from components.edge import Edge, EdgeArgs
from components.hosting.deployments import HostDeployments
from components.hosting.host import mcp_url, public_url
from components.identity import Identity, full_scope_name
from components.monitoring.alarm import Subject
from components.monitoring.canary import Canary, CanaryArgs
from components.monitoring.component import Monitoring, MonitoringArgs
from components.settings import CANARY

project, stack = pulumi.get_project(), pulumi.get_stack()
settings = load_settings(project, stack)
context = StackContext.create(settings, project=project, stack=stack)
# Before anything is declared: what can't be fetched stops the deployment here.
deployments = HostDeployments(settings)

identity = Identity("identity", context)
hosts = deployments.declare(context)
host = hosts.serving
edge = (
    Edge(
        "edge",
        EdgeArgs(context=context, origin=host.origin, endpoints=identity.endpoints),
    )
    if settings.edge
    else None
)
service_url = public_url(host, edge)
token_url = identity.endpoints.apply(lambda known: known.token_url)
credentials = ClientCredentials(
    "credentials",
    ClientCredentialsArgs(
        context=context,
        user_pool=identity.user_pool,
        clients=identity.clients,
        token_url=token_url,
        mcp_url=service_url.apply(mcp_url),
    ),
)
client_ids = {name: client.client_id for name, client in identity.clients.items()}
monitoring = None
if settings.monitoring.enabled:
    canary = Canary(
        "canary",
        CanaryArgs(
            # Monitoring can be switched off whatever is protected.
            context=context.unprotected(),
            secret_arn=credentials.secret_arns[CANARY],
            minutes=settings.monitoring.canary_minutes,
            # The function fails without a value.
            ready=[credentials.publications[CANARY]],
        ),
    )
    monitoring = Monitoring(
        "monitoring",
        MonitoringArgs(
            context=context,
            dimensions={
                Subject.CANARY: canary.dimensions,
                **identity.monitored,
                **(edge.monitored if edge else {}),
                **host.monitored.dimensions,
                **credentials.monitored,
            },
            failed_deployments=host.monitored.failed_deployments,
            server_log=host.log_group,
            claims_log=identity.claims_log,
            client_ids=client_ids,
        ),
    )

aura_sso = pulumi.Output.all(identity.endpoints, pulumi.Output.all(**client_ids)).apply(
    lambda known: sso_settings(
        known[0].discovery_url, audience(known[1], settings.all_clients), settings.scopes
    )
)
outputs = {
    "mcpUrl": service_url.apply(mcp_url),
    "serviceUrl": service_url,
    "tokenUrl": token_url,
    "tokenDomainTarget": identity.domain_target,
    "issuer": identity.endpoints.apply(lambda known: known.issuer),
    "discoveryUrl": identity.endpoints.apply(lambda known: known.discovery_url),
    "jwksUrl": identity.endpoints.apply(lambda known: known.jwks_url),
    "resourceServerIdentifier": settings.resource_server_identifier,
    "scopes": {
        full_scope_name(settings.resource_server_identifier, name): scope.role
        for name, scope in settings.scopes.items()
    },
    "clients": {
        name: {
            "clientId": client.client_id,
            "secretArn": credentials.secret_arns[name],
            "scopes": list(client.scopes),
            "enabled": settings.all_clients[name].enabled,
            "tokenValidityMinutes": settings.all_clients[name].token_validity_minutes,
            "rotationDays": settings.rotation(name).days,
            "overlapHours": settings.rotation(name).overlap_hours,
        }
        for name, client in identity.clients.items()
    },
    "rotationFunction": credentials.rotation_function,
    **hosts.outputs,
    **(edge.outputs if edge else {}),
    **(monitoring.outputs if monitoring else {}),
    "auraSso": aura_sso,
    "neo4jConf": aura_sso.apply(neo4j_conf),
    # Pulumi Cloud shows it on the stack's page, with the outputs filled in.
    "readme": Path(__file__).with_name("Pulumi.README.md").read_text(encoding="utf-8"),
}
for name, value in outputs.items():
    pulumi.export(name, value)
