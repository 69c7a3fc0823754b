"""Errors of Lambda's API."""

from http import HTTPStatus

from starlette.responses import JSONResponse, Response


def rest_error(status: HTTPStatus, kind: str, message: str) -> Response:
    """Return an error response as Lambda writes it."""
    return JSONResponse(
        {"Type": "User", "Message": message, "message": message},
        status,
        {"x-amzn-errortype": kind},
    )
