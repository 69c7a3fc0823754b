"""The Pulumi program: configuration in, components wired, outputs out."""

from pathlib import Path

import pulumi

from components.aura import sso_settings
from components.configuration import load_settings
from components.credentials import ClientCredentials, ClientCredentialsArgs
from components.hosting import HOSTS, HostArgs, mcp_url
from components.identity import Identity, IdentityArgs, full_scope_name
from components.image import ServerImage, ServerImageArgs, prepare_server_context
from components.names import ResourceNames
from components.tags import resource_tags

project, stack = pulumi.get_project(), pulumi.get_stack()
settings = load_settings(project, stack)
names = ResourceNames(prefix=settings.name_prefix, stack=stack)
tags = resource_tags(project=project, stack=stack, configured=settings.tags)
context = prepare_server_context(settings)

image = ServerImage(
    "image", ServerImageArgs(settings=settings, names=names, tags=tags, context=context)
)
identity = Identity("identity", IdentityArgs(settings=settings, names=names, tags=tags))
host = HOSTS[settings.hosting](
    "server",
    HostArgs(
        settings=settings,
        names=names,
        tags=tags,
        image=image.reference,
        repository_arn=image.repository_arn,
    ),
)
token_url = identity.endpoints.apply(lambda known: known.token_url)
credentials = ClientCredentials(
    "credentials",
    ClientCredentialsArgs(
        settings=settings,
        names=names,
        tags=tags,
        clients=identity.clients,
        token_url=token_url,
        mcp_url=host.service_url.apply(mcp_url),
    ),
)

client_ids = pulumi.Output.all(*(client.client_id for client in identity.clients.values()))
outputs = {
    "mcpUrl": host.service_url.apply(mcp_url),
    "serviceUrl": host.service_url,
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
        }
        for name, client in identity.clients.items()
    },
    "imageDigest": image.digest,
    "auraSso": pulumi.Output.all(identity.endpoints, client_ids).apply(
        lambda known: sso_settings(known[0].discovery_url, known[1], settings.scopes)
    ),
    # Pulumi Cloud fills it in, from the outputs, on the stack's page.
    "readme": Path(__file__).with_name("Pulumi.README.md").read_text(encoding="utf-8"),
}
for name, value in outputs.items():
    pulumi.export(name, value)
