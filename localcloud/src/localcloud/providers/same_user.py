"""Rejects calls from other users of the machine.

The engine doesn't authenticate to a provider, and a provider reads files and signs requests. So the
kernel is asked which user a connection belongs to.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import grpc

from localcloud import loopback

_LOG: Final = logging.getLogger(__name__)


class SameUserOnly(grpc.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs only
    """Rejects calls from other users of this machine."""

    def __init__(self) -> None:
        """Start without a port; set it once the server has one."""
        self.port = 0
        if not loopback.can_identify_users():
            _LOG.warning(
                "This system doesn't report which user a connection belongs to: every user of this"
                " machine can call the providers. Don't share it while the stand-in runs."
            )

    def intercept_service(
        self, continuation: Callable[[Any], Any], details: grpc.HandlerCallDetails
    ) -> Any:  # noqa: ANN401 - a handler, generic in the stubs only
        """Check the user before a call's handler runs."""
        handler = continuation(details)
        if handler is None:
            return None
        if handler.unary_unary is None:
            # These providers implement no streaming call of the protocol.
            return grpc.unary_stream_rpc_method_handler(_not_offered)

        def handle(request: object, context: grpc.ServicerContext) -> object:
            if self._is_foreign(context.peer()):
                context.abort(
                    grpc.StatusCode.PERMISSION_DENIED,
                    "Only the user who runs the stand-in may call its providers.",
                )
            return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _is_foreign(self, peer: str) -> bool:
        scheme, _, address = peer.partition(":")
        host, _, port = address.rpartition(":")
        if scheme != "ipv4":
            return True
        return loopback.is_another_user((host, int(port)), (loopback.ADDRESS, self.port))


def _not_offered(_request: object, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "The stand-in's providers stream nothing.")
