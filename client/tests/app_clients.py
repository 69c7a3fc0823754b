"""App clients that tests create in addition to the stack's."""

from typing import Any

SCOPE = "neo4j-mcp/reader"


def new_app_client(
    cognito: Any,  # noqa: ANN401 - boto3 makes its clients at run time
    user_pool: str,
    outputs: dict[str, Any],
    name: str,
    **settings: object,
) -> dict[str, Any]:
    """Make an app client of the stack's user pool that may ask for the reader's scope."""
    made = cognito.create_user_pool_client(
        UserPoolId=user_pool,
        ClientName=name,
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=[SCOPE],
        **settings,
    )["UserPoolClient"]
    return {
        "clientId": made["ClientId"],
        "clientSecret": made["ClientSecret"],
        "tokenUrl": outputs["tokenUrl"],
        "scopes": [SCOPE],
        "mcpUrl": outputs["mcpUrl"],
    }
