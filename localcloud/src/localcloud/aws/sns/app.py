"""SNS's API over HTTP."""

from typing import Final

from starlette.types import ASGIApp

from localcloud.aws.query_api import QueryApi
from localcloud.aws.query_protocol import QueryProtocol
from localcloud.aws.sns.operations import Sns

SERVICE: Final = "sns"
"""Its name in signatures."""


def sns_app(sns: Sns) -> ASGIApp:
    """Return an ASGI application for SNS's API."""
    return QueryApi(protocol=QueryProtocol(SERVICE), call=sns.call)
