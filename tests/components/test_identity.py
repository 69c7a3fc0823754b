import io
import zipfile
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.context import StackContext
from components.identity import Identity
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, POOL_ID, REGION, Result, run_program

POOL = "aws:cognito/userPool:UserPool"
DOMAIN = "aws:cognito/userPoolDomain:UserPoolDomain"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
RESOURCE_SERVER = "aws:cognito/resourceServer:ResourceServer"
FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
SUFFIX = "random:index/randomString:RandomString"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:neo4j-mcp-dev-claims"
CERTIFICATE_ARN = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0-1"


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        identity = Identity("identity", context)
        return {
            "endpoints": identity.endpoints,
            "domain_target": identity.domain_target,
            "pool": [identity.user_pool.id, identity.user_pool.arn],
            **{f"{name}.id": client.client_id for name, client in identity.clients.items()},
        }

    return run_program(program)


def test_the_pool_is_for_machines_only(make_context: MakeContext) -> None:
    result = declare(make_context(userPoolTier="PLUS"))

    pool = result.one(POOL)
    assert pool.inputs["name"] == "neo4j-mcp-dev-clients"
    assert pool.inputs["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
    assert pool.inputs["userPoolTier"] == "PLUS"
    assert pool.inputs["lambdaConfig"] == {
        "preTokenGenerationConfig": {"lambdaArn": FUNCTION_ARN, "lambdaVersion": "V3_0"}
    }


def test_each_client_has_client_credentials_and_only_its_scopes(make_context: MakeContext) -> None:
    result = declare(make_context(resourceServerIdentifier="graph"))

    clients = {each.inputs["name"]: each.inputs for each in result.of_type(CLIENT)}
    assert set(clients) == {"neo4j-mcp-dev-agent", "neo4j-mcp-dev-loader"}
    assert clients["neo4j-mcp-dev-agent"]["allowedOauthScopes"] == ["graph/reader"]
    assert clients["neo4j-mcp-dev-loader"]["allowedOauthScopes"] == ["graph/reader", "graph/writer"]
    for client in clients.values():
        assert client["allowedOauthFlows"] == ["client_credentials"]
        assert client["allowedOauthFlowsUserPoolClient"] is True
        assert client["generateSecret"] is True
        assert client["enableTokenRevocation"] is True
        assert client["explicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
        assert client["preventUserExistenceErrors"] == "ENABLED"
        assert client["userPoolId"] == POOL_ID


def test_a_tokens_life_is_configured_in_minutes(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.one(CLIENT, "agent").inputs["accessTokenValidity"] == 60
    assert result.one(CLIENT, "loader").inputs["accessTokenValidity"] == 15
    for client in result.of_type(CLIENT):
        assert client.inputs["tokenValidityUnits"] == {"accessToken": "minutes"}


def test_scopes_exist_before_the_clients_that_hold_them(make_context: MakeContext) -> None:
    result = declare(make_context())

    server = result.one(RESOURCE_SERVER)
    assert server.inputs["identifier"] == "neo4j-mcp"
    assert server.inputs["scopes"] == [
        {"scopeName": "reader", "scopeDescription": "Read the graph"},
        {"scopeName": "writer", "scopeDescription": "Read and write the graph"},
    ]
    for client in result.of_type(CLIENT):
        assert server.urn in client.dependencies


def test_the_clients_ids_are_known_and_their_secrets_are_not(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.secret_outputs == frozenset()
    assert result.outputs["agent.id"] == "id-of-neo4j-mcp-dev-agent"
    assert "secret-of-" not in repr(result)


def test_a_disabled_client_has_no_oauth_flow_and_the_others_keep_theirs(
    make_context: MakeContext,
) -> None:
    clients = {
        "agent": {"scopes": ["reader"], "enabled": False},
        "loader": {"scopes": ["reader"], "enabled": True},
    }
    result = declare(make_context(clients=clients))

    disabled, enabled = result.one(CLIENT, "agent").inputs, result.one(CLIENT, "loader").inputs
    assert disabled["allowedOauthFlows"] == []
    assert disabled["allowedOauthFlowsUserPoolClient"] is False
    assert disabled["allowedOauthScopes"] == []
    assert enabled["allowedOauthFlows"] == ["client_credentials"]
    assert enabled["allowedOauthFlowsUserPoolClient"] is True
    # Nothing else differs, so that enabling it again restores it.
    flows = {"allowedOauthFlows", "allowedOauthFlowsUserPoolClient", "allowedOauthScopes", "name"}
    assert {key: disabled[key] for key in disabled.keys() - flows} == {
        key: enabled[key] for key in enabled.keys() - flows
    }
    assert result.outputs["agent.id"] == "id-of-neo4j-mcp-dev-agent"


def test_the_pool_is_named_for_what_works_on_it(make_context: MakeContext) -> None:
    arn = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL_ID}"

    assert declare(make_context()).outputs["pool"] == [POOL_ID, arn]


def test_the_claims_function_is_the_reviewed_file_and_nothing_else(
    make_context: MakeContext,
) -> None:
    result = declare(make_context(resourceServerIdentifier="graph"))

    function = result.one(FUNCTION).inputs
    code = function["code"]
    assert isinstance(code, pulumi.FileArchive)
    packed = Path(code.path).read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (name,) = archive.namelist()
        assert archive.read(name) == Path("functions/claims/handler.py").read_bytes()
    assert (name, function["handler"]) == ("handler.py", "handler.handle")
    assert function["environment"] == {"variables": {"RESOURCE_SERVER_IDENTIFIER": "graph"}}
    assert function["runtime"] == "python3.13"
    assert function["architectures"] == ["arm64"]
    assert function["memorySize"] == 128
    assert function["timeout"] == 5


def test_the_claims_functions_role_writes_its_own_log_and_nothing_else(
    make_context: MakeContext,
) -> None:
    result = declare(make_context(logRetentionDays="7"))

    log_group = result.one(LOG_GROUP)
    assert log_group.inputs["name"] == "/aws/lambda/neo4j-mcp-dev-claims-k3x9q2ab"
    assert log_group.inputs["retentionInDays"] == 7
    (policy,) = result.of_type(ROLE_POLICY)
    assert policy.inputs["role"] == "neo4j-mcp-dev-claims"
    (statement,) = result.statements("claims-may-log")
    assert statement["Resource"] == (
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/neo4j-mcp-dev-claims-k3x9q2ab:*"
    )
    assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert {log_group.urn, policy.urn} <= result.one(FUNCTION).dependencies


def test_only_this_pool_may_call_the_claims_function(make_context: MakeContext) -> None:
    result = declare(make_context())

    permission = result.one(PERMISSION).inputs
    assert permission["principal"] == "cognito-idp.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["function"] == "neo4j-mcp-dev-claims"
    assert permission["sourceArn"] == f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL_ID}"


def test_the_hosted_domain_has_a_random_suffix(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.one(SUFFIX, "domain-suffix").inputs == {
        "length": 8,
        "special": False,
        "upper": False,
    }
    assert result.one(DOMAIN).inputs == {
        "domain": "neo4j-mcp-dev-k3x9q2ab",
        "userPoolId": POOL_ID,
    }
    assert result.outputs["endpoints"].issuer == (
        f"https://cognito-idp.{REGION}.amazonaws.com/{POOL_ID}"
    )
    assert result.outputs["endpoints"].token_url == (
        f"https://neo4j-mcp-dev-k3x9q2ab.auth.{REGION}.amazoncognito.com/oauth2/token"
    )


def test_a_configured_prefix_is_used_as_it_is(make_context: MakeContext) -> None:
    result = declare(make_context(cognitoDomainPrefix="mine"))

    assert "identity-domain-suffix" not in {each.name for each in result.of_type(SUFFIX)}
    assert result.one(DOMAIN).inputs["domain"] == "mine"
    assert result.outputs["endpoints"].token_url.startswith("https://mine.auth.")
    assert result.outputs["domain_target"] == {}


def test_a_custom_domain_has_its_certificate(make_context: MakeContext) -> None:
    custom = {"name": "auth.example.com", "certificateArn": CERTIFICATE_ARN}
    result = declare(make_context(customDomain=custom))

    assert "identity-domain-suffix" not in {each.name for each in result.of_type(SUFFIX)}
    assert result.one(DOMAIN).inputs == {
        "domain": "auth.example.com",
        "certificateArn": CERTIFICATE_ARN,
        "userPoolId": POOL_ID,
    }
    assert result.outputs["endpoints"].token_url == "https://auth.example.com/oauth2/token"
    assert result.outputs["domain_target"] == {
        "name": "d111111abcdef8.cloudfront.net",
        "zoneId": "Z2FDTNDATAQYW2",
    }


@pytest.mark.parametrize("protected", [True, False])
def test_resources_are_protected_as_configured(
    make_context: MakeContext,
    protected: bool,
) -> None:
    result = declare(make_context(deletionProtection=str(protected).lower()))

    pool = result.one(POOL)
    assert pool.inputs["deletionProtection"] == ("ACTIVE" if protected else "INACTIVE")
    for type_ in (POOL, DOMAIN, RESOURCE_SERVER, CLIENT, PERMISSION):
        assert {each.protect for each in result.of_type(type_)} == {protected}


@pytest.mark.parametrize("protected", ["true", "false"])
@pytest.mark.parametrize("retained", [True, False])
def test_the_claims_log_is_retained_as_configured_with_or_without_protection(
    make_context: MakeContext,
    protected: str,
    retained: bool,
) -> None:
    context = make_context(deletionProtection=protected, retainClaimsLog=str(retained).lower())

    assert declare(context).one(LOG_GROUP).retain_on_delete is retained
