import threading

import httpx2
import pytest

from automation.proxy import Proxy, Request, Response, forward


def test_the_response_can_be_chosen() -> None:
    asked: list[Request] = []

    def respond(request: Request) -> Response:
        asked.append(request)
        return Response(status=429, headers={"Retry-After": "2"}, body=b"slowly")

    with Proxy(respond) as proxy, httpx2.Client() as http:
        response = http.post(f"{proxy.url}/oauth2/token", content=b"grant", auth=("id", "secret"))
    assert (response.status_code, response.text) == (429, "slowly")
    assert response.headers["Retry-After"] == "2"
    (request,) = asked
    assert (request.method, request.path, request.body) == ("POST", "/oauth2/token", b"grant")
    assert request.headers["authorization"].startswith("Basic ")
    assert "Basic" not in repr(request)
    assert "grant" not in repr(request)


def test_requests_are_forwarded_with_selected_headers() -> None:
    seen: list[Request] = []

    def upstream(request: Request) -> Response:
        seen.append(request)
        return Response(status=201, headers={"Content-Type": "text/plain"}, body=request.body)

    with (
        httpx2.Client() as http,
        Proxy(upstream) as behind,
        Proxy(lambda request: forward(http, f"{behind.url}/other", request)) as proxy,
    ):
        response = http.post(
            f"{proxy.url}/one",
            content=b"body",
            headers={"Content-Type": "text/x", "Authorization": "Basic abc", "X-Own": "1"},
        )
    assert (response.status_code, response.text) == (201, "body")
    assert response.headers["content-type"] == "text/plain"
    (request,) = seen
    assert (request.path, request.headers["content-type"]) == ("/other", "text/x")
    assert request.headers["authorization"] == "Basic abc"
    assert "x-own" not in request.headers


def test_an_unreachable_upstream_is_a_bad_gateway() -> None:
    with Proxy(lambda _: Response(status=200)) as gone:
        url = gone.url
    with (
        httpx2.Client() as http,
        Proxy(lambda request: forward(http, url, request)) as proxy,
    ):
        assert http.get(proxy.url).status_code == 502


def test_it_stops_during_a_request_and_closes_its_port() -> None:
    release, came = threading.Event(), threading.Event()

    def respond(_: Request) -> Response:
        came.set()
        release.wait(30)
        return Response(status=200)

    def ask(url: str) -> None:
        with pytest.raises(httpx2.TransportError), httpx2.Client(timeout=0.2) as http:
            http.get(url)

    with Proxy(respond) as proxy:
        caller = threading.Thread(target=ask, args=(proxy.url,))
        caller.start()
        assert came.wait(10)
    caller.join(10)
    release.set()
    with pytest.raises(httpx2.ConnectError), httpx2.Client() as http:
        http.get(proxy.url)


def test_a_connection_can_be_reset() -> None:
    with Proxy(lambda _: None) as proxy, pytest.raises(httpx2.TransportError, match="reset"):
        httpx2.post(f"{proxy.url}/oauth2/token", content=b"grant")
