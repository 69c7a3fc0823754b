"""SNS's API over HTTP."""

from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.query_api import QueryApi
from localcloud.aws.query_protocol import QueryProtocol
from localcloud.aws.sns.operations import Sns

_CONFIRM: Final = "ConfirmSubscription"
_CONFIRMATION_PARAMETERS: Final[tuple[str, ...]] = ("Action", "TopicArn", "Token")
_VERSION: Final = "2010-03-31"
SERVICE: Final = "sns"
"""Its name in signatures."""


def sns_app(sns: Sns) -> ASGIApp:
    """Return an ASGI application for SNS's API."""
    return QueryApi(protocol=QueryProtocol(SERVICE), call=sns.call)


def is_confirmation(scope: Scope) -> bool:
    """Return whether a request is the link in a message that asks for a confirmation.

    It isn't signed: the token, which only the owner of the endpoint knows, allows it.
    """
    return (
        (scope["method"], scope["path"]) == ("GET", "/")
        and _parameters(scope).get("Action") == _CONFIRM
        and not any(name.lower() == b"authorization" for name, _ in scope["headers"])
    )


def confirmation_app(api: ASGIApp) -> ASGIApp:
    """Return an ASGI application for the links that confirm."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        given = _parameters(scope)
        # An unsigned request can't say anything else, such as AuthenticateOnUnsubscribe.
        form = {name: given[name] for name in _CONFIRMATION_PARAMETERS if name in given}
        form["Version"] = _VERSION
        await api(scope, asgi.replay(urlencode(form).encode(), receive), send)

    return application


def _parameters(scope: Scope) -> dict[str, str]:
    query: str = scope["query_string"].decode("latin-1")
    return dict(parse_qsl(query, keep_blank_values=True))
