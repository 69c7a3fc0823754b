"""P5: tokens that must be refused: forged, meant for another audience, expired."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import jwt
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa

from automation.checks.context import Context, Credentials, request_token
from automation.checks.forgery import FORGERIES, Material, own_key
from automation.checks.inspection import Inspection
from automation.checks.mcp import ToolAnswer, call
from automation.checks.registry import Look, check
from automation.checks.rights import LABEL, count
from automation.checks.verdicts import Failed, Skipped, expect, expect_equal

_OK: Final = 200
_HTTP_REFUSALS: Final = frozenset({400, 401, 403})
# Source: "Neo4j status codes", Security.
_UNAUTHORIZED: Final = "Neo.ClientError.Security.Unauthorized"
_EXPIRED: Final = "Neo.ClientError.Security.TokenExpired"
_WRITE: Final = f"CREATE (n:{LABEL} {{run: $run}})"
# Shorter pieces of a token may stand in a text by chance.
_TELLING_PIECE: Final = 12
_SIGNS_OF_A_STACK_TRACE: Final = ("goroutine ", "panic:", ".go:", "at org.neo4j.")
# After this, the database's clock has passed the token's end for sure.
_AFTER_EXPIRY: Final = 3.0
_LONGEST_EXPIRY_CHECK: Final = 3600.0


def _refuses(forge: Callable[[Material], str]) -> Look:
    what = (forge.__doc__ or "").rstrip(".")

    def refused(inspection: Inspection) -> None:
        context = inspection.context
        name = _strongest(context)
        forged = forge(_material(context, name))
        context.blanker.learn(forged)
        _expect_refused(inspection, forged, name, what)

    refused.__doc__ = f"{what} is refused: nothing is written, and nothing leaks."
    return refused


for _name, _forge in FORGERIES.items():
    check(f"P5-refuses-{_name}")(_refuses(_forge))


@check("P5-refuses-wrong-audience", serial=True)
def wrong_audience(inspection: Inspection) -> None:
    """A good token of an app client that is not in the audience is refused, and writes nothing."""
    with _stranger(inspection) as stranger:
        response = request_token(inspection.http, stranger)
        expect_equal("the status of the stranger's token request", response.status_code, _OK)
        token = str(response.json()["access_token"])
        inspection.context.blanker.learn(token)
        name = _strongest(inspection.context)
        _expect_refused(inspection, token, name, "A token of another audience")


@check("P5-token-expiry", limit=_LONGEST_EXPIRY_CHECK)
def token_expiry(inspection: Inspection) -> None:
    """An expired token is refused as expired, and a new one works at once."""
    context = inspection.context
    name = min(
        context.clients, key=lambda each: context.settings.clients[each].token_validity_minutes
    )
    response = request_token(inspection.http, context.credentials(name))
    expect_equal(f"the status of {name}'s token request", response.status_code, _OK)
    token = str(response.json()["access_token"])
    context.blanker.learn(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    remaining = claims["exp"] - time.time() + _AFTER_EXPIRY
    if remaining > context.longest_wait:
        raise Skipped(
            f"the shortest-lived token, {name}'s, lives {remaining / 60:.0f} minutes: give a client"
            f" a shorter tokenValidityMinutes, or wait longer (--wait {remaining:.0f})"
        )
    before = _read(inspection, token)
    expect(not before.refused, f"{name}'s new token is refused: {before.text}")
    inspection.note("Waited for the token to expire", f"{remaining:.0f} s")
    inspection.wait(remaining)
    after = _read(inspection, token)
    expect(after.refused, f"{name}'s token is accepted after it expired")
    expect(
        _EXPIRED in after.text or _UNAUTHORIZED in after.text,
        f"{name}'s expired token is answered {after.text!r}, which names neither {_EXPIRED}"
        f" nor {_UNAUTHORIZED}",
    )
    _expect_nothing_leaks(context, token, after.text)
    recovered = _read(inspection, context.token(name, fresh=True))
    expect(not recovered.refused, f"{name}'s next token is refused: {recovered.text}")


def _expect_refused(inspection: Inspection, token: str, name: str, what: str) -> None:
    """Try to read and to write with a token that must not be accepted."""
    context = inspection.context
    run = uuid.uuid4().hex
    attempts: list[tuple[str, dict[str, Any]]] = [("read-cypher", {"query": "RETURN 1 AS one"})]
    if not context.settings.read_only:
        attempts.append(("write-cypher", {"query": _WRITE, "params": {"run": run}}))
    for tool, arguments in attempts:
        url = context.outputs["mcpUrl"]
        answer = call(inspection.http, url, tool, arguments, token=token)
        expect(answer.refused, f"{what} is accepted by {tool}")
        by_server = answer.status in _HTTP_REFUSALS
        expect(
            by_server or _UNAUTHORIZED in answer.text,
            f"{what} is answered {answer.text!r} by {tool}, which is no {_UNAUTHORIZED}",
        )
        _expect_nothing_leaks(context, token, answer.text)
    expect_equal("the nodes that were written", count(inspection, name, run), 0)


def _expect_nothing_leaks(context: Context, token: str, text: str) -> None:
    pieces = [piece for piece in token.split(".") if len(piece) >= _TELLING_PIECE]
    expect(not any(piece in text for piece in pieces), "the answer repeats the token")
    expect(context.blanker.blank(text) == text, "the answer holds a secret or a token")
    signs = [sign for sign in _SIGNS_OF_A_STACK_TRACE if sign in text]
    expect(not signs, f"the answer shows the inside of a program: {signs}")


def _read(inspection: Inspection, token: str) -> ToolAnswer:
    url = inspection.context.outputs["mcpUrl"]
    query = {"query": "RETURN 1 AS one"}
    return call(inspection.http, url, "read-cypher", query, token=token)


def _strongest(context: Context) -> str:
    """Name the client with the most scopes: a forger would choose its token."""
    return max(context.clients, key=lambda name: len(context.clients[name]["scopes"]))


def _material(context: Context, name: str) -> Material:
    token = context.token(name)
    with context.http_client() as http:
        published = jwt.PyJWKSet.from_dict(http.get(context.outputs["jwksUrl"]).json())
    key = published[jwt.get_unverified_header(token)["kid"]].key
    if not isinstance(key, rsa.RSAPublicKey):
        raise Failed("the published key is no RSA key")
    return Material(token=token, public_key=key, own_key=own_key())


@contextmanager
def _stranger(inspection: Inspection) -> Iterator[Credentials]:
    """Make an app client that the database has not heard of, and take it away again."""
    context = inspection.context
    scopes = sorted(context.outputs["scopes"])
    name = f"{context.names.prefix}-{context.stack}-automation-check"
    _remove_strangers(inspection, name)
    try:
        made = inspection.aws(
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
        raise Skipped("this needs the right to make an app client and delete it again") from error
    try:
        context.blanker.learn(made["ClientSecret"], username=made["ClientId"])
        yield Credentials(
            client_id=made["ClientId"],
            client_secret=made["ClientSecret"],
            token_url=context.outputs["tokenUrl"],
            scopes=tuple(scopes),
            mcp_url=context.outputs["mcpUrl"],
        )
    finally:
        _remove_strangers(inspection, name)


def _remove_strangers(inspection: Inspection, name: str) -> None:
    """Take away the app clients of a name: this run's, and what a killed run may have left."""
    pool = {"UserPoolId": inspection.context.user_pool_id}
    pages = inspection.context.client("cognito-idp").get_paginator("list_user_pool_clients")
    found = [each for page in pages.paginate(**pool) for each in page["UserPoolClients"]]
    for client in found:
        if client["ClientName"] == name:
            client_id = client["ClientId"]
            inspection.aws("cognito-idp", "delete_user_pool_client", **pool, ClientId=client_id)
