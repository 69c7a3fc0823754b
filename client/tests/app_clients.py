"""App clients that a test makes beside those of the stack."""

from typing import Any

SCOPE = "neo4j-mcp/reader"


def new_app_client(
    cognito: Any,  # noqa: ANN401 - boto3 makes its clients at run time
    user_pool: str,
    outputs: dict[str, Any],
    name: str,
    **settings: object,
) -> dict[str, Any]:
    """Make an app client of the stack's user pool that may ask for the reader's scope.

    Args:
        cognito: the client of Cognito's API.
        user_pool: the user pool's id.
        outputs: the stack's outputs.
        name: the app client's name.
        settings: further members of CreateUserPoolClient.

    Returns:
        What its secret in Secrets Manager would hold.
    """
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
