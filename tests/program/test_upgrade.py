"""A stack that an earlier version deployed keeps its resources, and callers their secrets' ARNs.

Another URN would delete a resource and create another one; another name would replace it.
"""

from collections.abc import Mapping
from typing import Any

from tests.program.conftest import Deploy

# What the version of 2026-11-26 declared for the stack dev, by component and type: the logical
# names with the names on AWS. That version also wrote the secrets' values, as `_VALUES`.
_EARLIER: Mapping[str, Mapping[str, Mapping[str, str | None]]] = {
    "neo4j-mcp:credentials:ClientCredentials": {
        "aws:secretsmanager/secret:Secret": {
            "credentials-agent": "neo4j-mcp-dev-agent-credentials-k3x9q2ab",
            "credentials-loader": "neo4j-mcp-dev-loader-credentials-k3x9q2ab",
        },
        "random:index/randomString:RandomString": {
            "credentials-agent-suffix": None,
            "credentials-loader-suffix": None,
        },
    },
    "neo4j-mcp:hosting:AppRunnerHost": {
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": {
            "server-scaling": None,
        },
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": {
            "server-tracing": None,
        },
        "aws:apprunner/service:Service": {
            "server-service": "neo4j-mcp-dev-server",
        },
        "aws:iam/role:Role": {
            "server-access-role": "neo4j-mcp-dev-image-pull",
            "server-instance-role": "neo4j-mcp-dev-instance",
        },
        "aws:iam/rolePolicy:RolePolicy": {
            "server-may-pull": "pull-images",
        },
    },
    "neo4j-mcp:identity:Identity": {
        "aws:cloudwatch/logGroup:LogGroup": {
            "identity-claims-log": "/aws/lambda/neo4j-mcp-dev-claims-k3x9q2ab",
        },
        "aws:cognito/resourceServer:ResourceServer": {
            "identity-resource-server": "neo4j-mcp-dev-neo4j",
        },
        "aws:cognito/userPool:UserPool": {
            "identity-pool": "neo4j-mcp-dev-clients",
        },
        "aws:cognito/userPoolClient:UserPoolClient": {
            "identity-client-agent": "neo4j-mcp-dev-agent",
            "identity-client-loader": "neo4j-mcp-dev-loader",
        },
        "aws:cognito/userPoolDomain:UserPoolDomain": {
            "identity-domain": "neo4j-mcp-dev-k3x9q2ab",
        },
        "aws:iam/role:Role": {
            "identity-claims-role": "neo4j-mcp-dev-claims",
        },
        "aws:iam/rolePolicy:RolePolicy": {
            "identity-claims-may-log": "write-logs",
        },
        "aws:lambda/function:Function": {
            "identity-claims": "neo4j-mcp-dev-claims",
        },
        "aws:lambda/permission:Permission": {
            "identity-claims-permission": "AllowUserPool",
        },
        "random:index/randomString:RandomString": {
            "identity-claims-log-suffix": None,
            "identity-domain-suffix": None,
        },
    },
    "neo4j-mcp:image:ServerImage": {
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": {
            "image-lifecycle": None,
        },
        "aws:ecr/repository:Repository": {
            "image-repository": "neo4j-mcp-dev-server",
        },
    },
}
_VALUES = {
    "urn:pulumi:dev::neo4j-mcp::neo4j-mcp:credentials:ClientCredentials"
    f"$aws:secretsmanager/secretVersion:SecretVersion::credentials-{client}-value"
    for client in ("agent", "loader")
}


def _name(inputs: Mapping[str, Any]) -> object:
    keys = ("name", "serviceName", "domain", "statementId")
    return next((inputs[key] for key in keys if key in inputs), None)


def test_every_resource_of_an_earlier_version_stays(deploy: Deploy) -> None:
    declared = {each.urn: each for each in deploy("dev").registrations}

    for component, types in _EARLIER.items():
        for type_, resources in types.items():
            for logical_name, name in resources.items():
                urn = f"urn:pulumi:dev::neo4j-mcp::{component}${type_}::{logical_name}"
                assert _name(declared[urn].inputs) == name, urn


def test_the_values_of_the_secrets_leave_the_state_and_the_secrets_stay(deploy: Deploy) -> None:
    declared = {each.urn: each for each in deploy("dev").registrations}

    assert not _VALUES & declared.keys()
    # Deleting a version in the state leaves what is current in the secret. The engine deletes
    # last, after the publication has made another version current.
    for client in ("agent", "loader"):
        publication = next(
            each for each in declared.values() if each.name == f"credentials-{client}-publication"
        )
        assert any(urn.endswith(f"::credentials-{client}") for urn in publication.dependencies)
