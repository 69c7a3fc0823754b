"""P5: tokens that must be refused: forged, for another audience, or expired."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import jwt
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

from automation.checks.context import Context, read_claims
from automation.checks.forgery import FORGERIES, Material, generate_key
from automation.checks.mcp import ToolResult, call_tool
from automation.checks.probe import Probe
from automation.checks.registry import CheckFunction, check
from automation.checks.rights import LABEL, count_nodes
from automation.checks.tokens import request_grant
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal
from neo4j_mcp_client import ClientCredentials

_REFUSING_STATUSES: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
# Source: "Neo4j status codes", Security.
_UNAUTHORIZED: Final = "Neo.ClientError.Security.Unauthorized"
_EXPIRED: Final = "Neo.ClientError.Security.TokenExpired"
# Source: RFC 6750, section 3.1.
_INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - an error code
_CREATE: Final = f"CREATE (n:{LABEL} {{run: $run}})"
# A shorter part of a token may occur in a text by chance.
_MINIMUM_LEAKED_PART: Final = 12
_SIGNS_OF_A_STACK_TRACE: Final = ("goroutine ", "panic:", ".go:", "at org.neo4j.")
# How long after its expiry the database's clock surely considers a token expired.
_AFTER_EXPIRY: Final = 3.0
_EXPIRY_CHECK_LIMIT: Final = 3600.0


def _refuses(forge: Callable[[Material], str]) -> CheckFunction:
    what = (forge.__doc__ or "").rstrip(".")

    def refused(probe: Probe) -> None:
        context = probe.context
        name = _most_powerful_client(context)
        forged = forge(_collect_material(context, name))
        context.blanker.learn(forged)
        _expect_refused(probe, forged, name, what)

    refused.__doc__ = f"{what} is refused without writing or leaking anything."
    return refused


for _name, _forge in FORGERIES.items():
    check(f"P5-refuses-{_name}")(_refuses(_forge))


@check("P5-refuses-wrong-audience", serial=True)
def wrong_audience(probe: Probe) -> None:
    """A valid token of an app client outside the audience is refused without writing anything."""
    with _temporary_app_client(probe) as outsider:
        token = request_grant(probe, outsider, "the temporary app client")["access_token"]
        name = _most_powerful_client(probe.context)
        _expect_refused(probe, token, name, "A token for another audience")


@check("P5-token-expiry", limit=_EXPIRY_CHECK_LIMIT)
def token_expiry(probe: Probe) -> None:
    """An expired token is refused as expired, and a new one works at once."""
    context = probe.context
    settings = context.settings.all_clients
    name = min(context.clients, key=lambda each: settings[each].token_validity_minutes)
    token = request_grant(probe, context.credentials(name), name)["access_token"]
    remaining = read_claims(token)["exp"] - time.time() + _AFTER_EXPIRY
    if remaining > context.longest_wait:
        raise Skipped(
            f"the shortest-lived token, {name}'s, is valid for {remaining / 60:.0f} minutes: give a"
            f" client a shorter tokenValidityMinutes, or wait longer (--wait {remaining:.0f})"
        )
    before = _read(probe, token)
    expect(not before.refused, f"{name}'s new token is refused: {before.text}")
    probe.note("Waited for the token to expire", f"{remaining:.0f} s")
    probe.wait(remaining)
    after = _read(probe, token)
    expect(after.refused, f"{name}'s token is accepted after it expired")
    # The edge refuses it before it reaches the server.
    at_the_edge = after.challenge.get("error") == _INVALID_TOKEN
    expect(
        at_the_edge or _EXPIRED in after.text or _UNAUTHORIZED in after.text,
        f"{name}'s expired token is refused with {after.text!r}, which contains neither {_EXPIRED}"
        f" nor {_UNAUTHORIZED}",
    )
    _expect_no_leak(context, token, after.text)
    recovered = _read(probe, context.token(name, fresh=True))
    expect(not recovered.refused, f"{name}'s next token is refused: {recovered.text}")


def _expect_refused(probe: Probe, token: str, name: str, what: str) -> None:
    """Expect that a token can be used neither to read nor to write.

    Args:
        probe: the check's probe.
        token: the token to try.
        name: a client that can count the written nodes.
        what: the token's description.
    """
    context = probe.context
    run = uuid.uuid4().hex
    attempts: list[tuple[str, dict[str, Any]]] = [("read-cypher", {"query": "RETURN 1 AS one"})]
    if not context.settings.read_only:
        attempts.append(("write-cypher", {"query": _CREATE, "params": {"run": run}}))
    for tool, arguments in attempts:
        url = context.outputs["mcpUrl"]
        result = call_tool(probe.http, url, tool, arguments, token=token)
        expect(result.refused, f"{what} is accepted by {tool}")
        expect(
            result.status in _REFUSING_STATUSES or _UNAUTHORIZED in result.text,
            f"{what} is refused by {tool} with {result.text!r} instead of {_UNAUTHORIZED}",
        )
        _expect_no_leak(context, token, result.text)
    expect_equal("the number of nodes written", count_nodes(probe, name, run), 0)


def _expect_no_leak(context: Context, token: str, text: str) -> None:
    parts = [part for part in token.split(".") if len(part) >= _MINIMUM_LEAKED_PART]
    expect(not any(part in text for part in parts), "the response contains the token")
    expect(context.blanker.blank(text) == text, "the response contains a secret or a token")
    signs = [sign for sign in _SIGNS_OF_A_STACK_TRACE if sign in text]
    expect(not signs, f"the response contains a stack trace: {signs}")


def _read(probe: Probe, token: str) -> ToolResult:
    url = probe.context.outputs["mcpUrl"]
    query = {"query": "RETURN 1 AS one"}
    return call_tool(probe.http, url, "read-cypher", query, token=token)


def _most_powerful_client(context: Context) -> str:
    """Return the client with the most scopes, as an attacker would choose its token."""
    return max(context.clients, key=lambda name: len(context.clients[name]["scopes"]))


def _collect_material(context: Context, name: str) -> Material:
    token = context.token(name)
    with context.http_client() as http:
        published = jwt.PyJWKSet.from_dict(http.get(context.outputs["jwksUrl"]).json())
    key = published[jwt.get_unverified_header(token)["kid"]].key
    if not isinstance(key, rsa.RSAPublicKey):
        raise Failed("the published key is not an RSA key")
    return Material(token=token, public_key=key, attacker_key=generate_key())


@contextmanager
def _temporary_app_client(probe: Probe) -> Iterator[ClientCredentials]:
    """Create an app client that the database doesn't know, and delete it in the end."""
    context = probe.context
    scopes = sorted(context.outputs["scopes"])
    name = f"{context.names.prefix}-{context.stack}-automation-check"
    _delete_app_clients(probe, name)
    try:
        created = probe.aws(
            "cognito-idp",
            "create_user_pool_client",
            UserPoolId=context.user_pool_id,
            ClientName=name,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=scopes,
            ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        )["UserPoolClient"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        raise Skipped("this needs permission to create and delete an app client") from error
    try:
        context.blanker.learn(created["ClientSecret"], username=created["ClientId"])
        yield ClientCredentials(
            client_id=created["ClientId"],
            client_secret=created["ClientSecret"],
            token_url=context.outputs["tokenUrl"],
            scopes=tuple(scopes),
            mcp_url=context.outputs["mcpUrl"],
        )
    finally:
        _delete_app_clients(probe, name)


def _delete_app_clients(probe: Probe, name: str) -> None:
    """Delete the app clients with a name, including those that an interrupted run left behind."""
    pool: dict[str, Any] = {"UserPoolId": probe.context.user_pool_id}
    pages = probe.context.client("cognito-idp").get_paginator("list_user_pool_clients")
    found = [each for page in pages.paginate(**pool) for each in page["UserPoolClients"]]
    for client in found:
        if client["ClientName"] == name:
            client_id = client["ClientId"]
            probe.aws("cognito-idp", "delete_user_pool_client", **pool, ClientId=client_id)
