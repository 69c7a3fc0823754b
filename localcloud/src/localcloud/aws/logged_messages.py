"""What access logs have of a request and its response."""

from aiohttp import web


def peer(request: web.BaseRequest) -> tuple[str, int]:
    """Return the caller's address and port."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return request.remote or "", int(peer[1]) if peer else 0


def received(request: web.BaseRequest) -> int:
    """Return the size of a request with its headers."""
    headers = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    return len(request.raw_path) + headers + (request.content_length or 0)


def sent(response: web.StreamResponse) -> int:
    """Return the size of a response with its headers."""
    headers = sum(len(name) + len(value) + 4 for name, value in response.headers.items())
    own = response.body if isinstance(response, web.Response) else None
    return headers + (len(own) if isinstance(own, bytes) else response.body_length)


def tls(request: web.BaseRequest) -> tuple[str, str] | None:
    """Return the cipher and the protocol of a request's connection; None without TLS."""
    connection = request.transport.get_extra_info("ssl_object") if request.transport else None
    cipher = connection.cipher() if connection is not None else None
    return None if cipher is None else (cipher[0], cipher[1])
