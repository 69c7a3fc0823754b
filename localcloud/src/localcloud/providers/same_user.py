"""Who may call the providers: programs of the user who runs them, and nobody else.

The engine proves nothing about itself to a provider, and a provider reads files and signs requests.
So the kernel has to say whose connection a call came over.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import grpc

from localcloud import loopback

_LOG: Final = logging.getLogger(__name__)


class SameUserOnly(grpc.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs only
    """Refuses the calls of other users of this machine."""

    def __init__(self) -> None:
        """Begin without a port; it is known only once the server has one."""
        self.port = 0
        if not loopback.can_tell_users():
            _LOG.warning(
                "This system doesn't tell whose connection a call came over: every user of this"
                " machine can call the providers. Don't share it while the stand-in runs."
            )

    def intercept_service(
        self, continuation: Callable[[Any], Any], details: grpc.HandlerCallDetails
    ) -> Any:  # noqa: ANN401 - a handler, generic in the stubs only
        """Put the check in front of a call's handler."""
        handler = continuation(details)
        if handler is None:
            return None
        if handler.unary_unary is None:
            # The protocol of providers has none that this one answers.
            return grpc.unary_stream_rpc_method_handler(_not_offered)

        def answer(request: object, context: grpc.ServicerContext) -> object:
            if self._is_foreign(context.peer()):
                context.abort(
                    grpc.StatusCode.PERMISSION_DENIED,
                    "Only the user who runs the stand-in may call its providers.",
                )
            return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            answer,
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
