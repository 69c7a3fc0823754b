import base64

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from localcloud.aws.cognito.app import CognitoApp
from localcloud.aws.cognito.models import ClientSecrets

_ORIGINAL = "the-original-secret-of-the-client"


async def _ministack_without_clients(scope: Scope, receive: Receive, send: Send) -> None:
    api = "x-amz-target" in Request(scope).headers
    error = {"__type": "ResourceNotFoundException"} if api else {"error": "invalid_client"}
    await JSONResponse(error, 400)(scope, receive, send)


def test_an_app_client_that_is_deleted_during_its_token_request_is_refused_as_unknown() -> None:
    client_secrets = ClientSecrets(clock=lambda: 0.0)
    client_secrets.register(
        {"UserPoolId": "us-east-1_a", "ClientId": "caller", "ClientSecret": _ORIGINAL}
    )
    application = CognitoApp(_ministack_without_clients, "us-east-1", client_secrets)
    basic = base64.b64encode(f"caller:{_ORIGINAL}".encode()).decode()
    response = TestClient(application.serve_token).post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": f"Basic {basic}"},
    )
    assert (response.status_code, response.json()) == (400, {"error": "invalid_client"})
