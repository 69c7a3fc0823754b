"""Goes and looks at each hop, with a time limit on everything; decides nothing."""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3.exceptions import NameResolutionError

from neo4j_mcp_client import calls, transport
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import Call, Reply
from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.doctor.evidence import (
    Connection,
    Discovery,
    Health,
    Logon,
    ServerAnswers,
    Service,
    TakenToken,
)
from neo4j_mcp_client.errors import ConfigurationError, Hop, Neo4jMcpError, UnauthorizedError
from neo4j_mcp_client.token_endpoint import request_token

Ask = Callable[[Call[Any]], Any]
"""Sends a call and reads its answer."""

SCHEME = "Bearer"
"""How the server wants the scheme of the Authorization header spelt."""

_TIMEOUT = 10.0
_SHOWN = 80
_WHO_AM_I = "SHOW CURRENT USER"
_LEAST = "RETURN 1 AS one"


def connections(urls: Iterable[str], *, ca_bundle: str | None) -> tuple[Connection, ...]:
    """Connect to each host: name resolution, TCP and TLS, by the proxy where there is one.

    Args:
        urls: where to.
        ca_bundle: the certificate authorities to trust; the library's where None.

    Returns:
        What became of each host, once each.
    """
    roots = dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls))
    return tuple(_connection(root, ca_bundle) for root in roots)


def health(service_url: str, *, ca_bundle: str | None) -> Health:
    """Ask the service for its health.

    Args:
        service_url: the service's URL.
        ca_bundle: the certificate authorities to trust.

    Returns:
        What it answers; App Runner isn't asked here.
    """
    url = f"{service_url}/healthz"
    started = time.monotonic()
    try:
        response = requests.get(url, timeout=_TIMEOUT, verify=ca_bundle or True)
    except requests.RequestException as error:
        failure = transport.failure(error, hop=Hop.HOST, url=url)
        return Health(status=None, said=failure.message, service=None)
    milliseconds = (time.monotonic() - started) * 1000
    said = f"HTTP {response.status_code} in {milliseconds:.0f} ms"
    if not response.ok:
        said += f": {response.text[:_SHOWN].strip()}"
    return Health(status=response.status_code, said=said, service=None)


def discovery(discovery_url: str, jwks_url: str, *, ca_bundle: str | None) -> Discovery:
    """Read the user pool's public documents.

    Args:
        discovery_url: the discovery document.
        jwks_url: the keys.
        ca_bundle: the certificate authorities to trust.

    Returns:
        What they say, or why they can't be read.
    """
    try:
        document = _fetch_json(discovery_url, ca_bundle)
        keys = _fetch_json(jwks_url, ca_bundle)
        key_ids = frozenset(str(key["kid"]) for key in keys["keys"])
        issuer = str(document["issuer"])
    except requests.RequestException as error:
        url = error.request.url if error.request is not None else discovery_url
        if error.response is not None:
            return Discovery(problem=f"{url} answers HTTP {error.response.status_code}.")
        return Discovery(problem=transport.failure(error, hop=Hop.HOST, url=str(url)).message)
    except (ValueError, KeyError, TypeError):
        return Discovery(problem=f"{discovery_url} or {jwks_url} is no such document.")
    return Discovery(issuer=issuer, key_ids=key_ids)


def take_token(credentials: ClientCredentials, *, ca_bundle: str | None) -> TakenToken:
    """Ask the token endpoint once, past every cache.

    Args:
        credentials: the client's.
        ca_bundle: the certificate authorities to trust.

    Returns:
        What it gives.
    """
    try:
        token = request_token(credentials, ca_bundle=ca_bundle, timeout=_TIMEOUT, now=time.time())
    except Neo4jMcpError as error:
        return TakenToken(error=error, now=time.time())
    return TakenToken(token=token, key_id=_key_id(token), now=time.time())


def logon(neo4j_uri: str, token: AccessToken, *, ca_bundle: str | None) -> Logon:
    """Log on to the database itself, by Bolt with the token.

    Args:
        neo4j_uri: the database's address.
        token: the token.
        ca_bundle: the certificate authorities to trust.

    Returns:
        What the database does.

    Raises:
        ConfigurationError: the extra `doctor` isn't installed, or the address is none.
    """
    try:
        import neo4j  # noqa: PLC0415 - an extra
        from neo4j.exceptions import DriverError, Neo4jError  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "Asking the database itself needs its driver.",
            remedy="Run: pip install 'neo4j-mcp-client[doctor]'",
        ) from error

    address = urlsplit(neo4j_uri)
    encrypted = address.scheme.endswith("+s")
    # One connection to whichever member answers; routing would hide why a logon fails.
    plain = urlunsplit(("bolt", address.netloc, "", "", ""))
    started = time.monotonic()
    try:
        with neo4j.GraphDatabase.driver(
            plain,
            auth=neo4j.bearer_auth(token.value),
            connection_timeout=_TIMEOUT,
            connection_acquisition_timeout=2 * _TIMEOUT,
            max_transaction_retry_time=0,
            notifications_min_severity="OFF",
            encrypted=encrypted,
            ssl_context=ssl.create_default_context(cafile=ca_bundle) if encrypted else None,
        ) as driver:
            driver.execute_query(_LEAST)
            seconds = time.monotonic() - started
            records = driver.execute_query(_WHO_AM_I).records
    except Neo4jError as error:
        return Logon(code=error.code or "", said=f"{error.code}: {error.message}")
    except (DriverError, OSError) as error:
        return Logon(said=f"{address.netloc}: {error}")
    except ValueError as error:
        raise ConfigurationError(f"{neo4j_uri} is no address of a database: {error}.") from None
    return Logon(roles=_roles([dict(record) for record in records]), seconds=seconds)


def server_answers(
    mcp_url: str, token: AccessToken, *, ca_bundle: str | None, scheme: str = SCHEME
) -> ServerAnswers:
    """Ask the server what every caller asks: the tools, a query, the roles and the schema.

    Args:
        mcp_url: where it speaks MCP.
        token: the token.
        ca_bundle: the certificate authorities to trust.
        scheme: how the person's own client spells the scheme of the Authorization header.

    Returns:
        What it answers.
    """
    with requests.Session() as session:
        session.verify = ca_bundle or True

        def ask(call: Call[Any], spelling: str = SCHEME) -> Any:  # noqa: ANN401 - any call's value
            return call.read(_post(session, mcp_url, call.body, f"{spelling} {token.value}"))

        try:
            tools = tuple(ask(calls.list_tools()))
            query = calls.run_cypher(_LEAST, None, read_only=True)
            started = time.monotonic()
            ask(query)
            seconds = time.monotonic() - started
        except Neo4jMcpError as error:
            return ServerAnswers(error=error)
        return ServerAnswers(
            tools=tools,
            seconds=seconds,
            roles=_roles_behind(ask),
            schema_error=_failure_of(ask, calls.get_schema()),
            scheme_refused=scheme != SCHEME
            and isinstance(_failure_of(lambda call: ask(call, scheme), query), UnauthorizedError),
        )


def service_at(
    service_url: str, *, secret_arn: str, profile: str | None, endpoint_url: str | None
) -> Service | None:
    """Ask App Runner for the service behind a URL, where this person may.

    Args:
        service_url: the service's URL.
        secret_arn: the ARN of the client's secret, which is in the same region.
        profile: the AWS profile.
        endpoint_url: another address of AWS.

    Returns:
        The service; None where there is none, or AWS can't be asked.
    """
    try:
        import boto3  # noqa: PLC0415 - an extra
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        from neo4j_mcp_client.secrets_manager import region_of  # noqa: PLC0415
    except ImportError:
        return None

    try:
        apprunner = boto3.Session(profile_name=profile).client(
            "apprunner",
            region_name=region_of(secret_arn),
            endpoint_url=endpoint_url,
            config=Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
        )
        arn = _arn_of(apprunner, urlsplit(service_url).netloc)
        if arn is None:
            return None
        return _service(apprunner.describe_service(ServiceArn=arn)["Service"])
    except (BotoCoreError, ClientError):
        return None


def _connection(root: str, ca_bundle: str | None) -> Connection:
    try:
        requests.head(root, timeout=_TIMEOUT, verify=ca_bundle or True, allow_redirects=False)
    except requests.RequestException as error:
        return Connection(
            root=root,
            error=transport.failure(error, hop=Hop.HOST, url=root),
            # Within urllib3's account of its attempts.
            unresolved=isinstance(getattr(error.args[0], "reason", None), NameResolutionError),
        )
    return Connection(root=root)


def _fetch_json(url: str, ca_bundle: str | None) -> Any:  # noqa: ANN401 - any JSON
    response = requests.get(url, timeout=_TIMEOUT, verify=ca_bundle or True)
    response.raise_for_status()
    return response.json()


def _key_id(token: AccessToken) -> str | None:
    try:
        header = token.value.split(".")[0]
        document = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(document["kid"])
    except (ValueError, KeyError, TypeError):
        return None


def _post(session: requests.Session, url: str, body: bytes, authorization: str) -> Reply:
    def with_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = authorization
        return request

    started = time.monotonic()
    try:
        response = session.post(
            url,
            data=body,
            headers=calls.HEADERS,
            auth=with_authorization,
            timeout=(transport.CONNECT_TIMEOUT, calls.TIMEOUT),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        failure = transport.failure(error, hop=Hop.HOST, url=url, may_have_run=True)
    else:
        return Reply(
            status=response.status_code,
            body=response.content,
            retry_after=response.headers.get("Retry-After"),
            elapsed=time.monotonic() - started,
        )
    raise calls.no_answer(failure, timeout=calls.TIMEOUT, elapsed=time.monotonic() - started)


def _failure_of(ask: Ask, call: Call[Any]) -> Neo4jMcpError | None:
    try:
        ask(call)
    except Neo4jMcpError as error:
        return error
    return None


def _roles_behind(ask: Ask) -> tuple[str, ...] | None:
    try:
        return _roles(ask(calls.run_cypher(_WHO_AM_I, None, read_only=True)))
    except Neo4jMcpError:
        return None


def _roles(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(role for row in rows for role in row.get("roles") or ())


def _arn_of(apprunner: Any, host: str) -> str | None:  # noqa: ANN401 - boto3's own client
    # boto3 has no paginator for it.
    page: dict[str, Any] = {"NextToken": ""}
    while (mark := page.get("NextToken")) is not None:
        page = apprunner.list_services(**({"NextToken": mark} if mark else {}))
        for summary in page["ServiceSummaryList"]:
            if summary.get("ServiceUrl") == host:
                return str(summary["ServiceArn"])
    return None


def _service(described: dict[str, Any]) -> Service:
    image = described.get("SourceConfiguration", {}).get("ImageRepository", {})
    return Service(
        arn=described["ServiceArn"],
        status=described["Status"],
        environment=image.get("ImageConfiguration", {}).get("RuntimeEnvironmentVariables", {}),
    )
