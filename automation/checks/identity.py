"""P2: the user pool's endpoints, keys, clients and tokens."""

import json
import re
import time
from collections.abc import Set as AbstractSet
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
from botocore.exceptions import ClientError

from automation.checks.context import read_claims, request_token
from automation.checks.lookups import (
    expect_own_code,
    find_app_client,
    find_inventory,
    find_log_groups,
    find_service,
    function_names,
    host_operations,
    log_group_names,
    read_log,
)
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.tokens import request_grant
from automation.checks.verdicts import Failed, expect, expect_equal, expect_status
from automation.waiting import is_not_found
from components.function_code import claims_package, write_claims_package
from functions.rotation.decisions import Version

_UNREACHABLE_CALLBACK: Final = "https://callback.invalid/"
# Source: RFC 6749, section 5.2. Cognito returns invalid_scope, other issuers invalid_grant.
_SCOPE_REFUSALS: Final = frozenset({"invalid_scope", "invalid_grant"})
_GRANT_REFUSALS: Final = frozenset(
    {"unauthorized_client", "unsupported_grant_type", "invalid_grant", "invalid_request"}
)
# How many seconds the clocks of two machines may differ.
_CLOCK_SKEW: Final = 60
_SIGNED_TOKEN: Final = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}")
_MINIMUM_RSA_BITS: Final = 2048
_PRIVATE_KEY_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@check("P2-discovery")
def discovery(probe: Probe) -> None:
    """The discovery document names the issuer, keys and token URL of the outputs."""
    outputs = probe.context.outputs
    document = _get_json(probe, outputs["discoveryUrl"])
    expect_equal("the document's issuer", document.get("issuer"), outputs["issuer"])
    expect_equal("the document's jwks_uri", document.get("jwks_uri"), outputs["jwksUrl"])
    expect_equal(
        "the document's token_endpoint", document.get("token_endpoint"), outputs["tokenUrl"]
    )


@check("P2-keys")
def keys(probe: Probe) -> None:
    """The published keys are public RSA signing keys with distinct ids."""
    found = _get_json(probe, probe.context.outputs["jwksUrl"]).get("keys") or []
    expect(found, "no key is published")
    ids = [key.get("kid") for key in found]
    expect(all(ids) and len(set(ids)) == len(ids), f"the keys' ids are {ids}")
    for key in found:
        kid = key["kid"]
        expect(
            not _PRIVATE_KEY_MEMBERS & key.keys(), f"key {kid} is published with its private part"
        )
        expect_equal(f"the type of key {kid}", key.get("kty"), "RSA")
        expect_equal(f"the use of key {kid}", key.get("use"), "sig")
        size = jwt.PyJWK(key, algorithm="RS256").key.key_size
        expect(size >= _MINIMUM_RSA_BITS, f"key {kid} has only {size} bits")


@check("P2-token")
def token(probe: Probe) -> None:
    """Every client gets a token with the client credentials grant, and the keys verify it."""
    outputs = probe.context.outputs
    published = jwt.PyJWKSet.from_dict(_get_json(probe, outputs["jwksUrl"]))
    for name in probe.context.clients:
        access_token = _request_grant(probe, name)["access_token"]
        key_id = jwt.get_unverified_header(access_token).get("kid")
        try:
            jwt.decode(
                access_token,
                published[str(key_id)].key,
                algorithms=["RS256"],
                issuer=outputs["issuer"],
                leeway=_CLOCK_SKEW,
                # P2-claims checks the audience.
                options={"verify_aud": False},
            )
        except (KeyError, jwt.PyJWTError) as error:
            raise Failed(f"{name}'s token can't be verified: {error}") from error


@check("P2-claims")
def claims(probe: Probe) -> None:
    """Tokens have the client as audience, its scopes as groups, and the configured lifetime."""
    context = probe.context
    for name, client in context.clients.items():
        found = read_claims(_request_grant(probe, name)["access_token"])
        probe.note(f"Claims of {name}'s token", found)
        groups = [scope.rpartition("/")[2] for scope in client["scopes"]]
        expect_equal(f"{name}'s aud", found.get("aud"), client["clientId"])
        expect_equal(f"{name}'s client_id", found.get("client_id"), client["clientId"])
        expect_equal(f"{name}'s sub", found.get("sub"), client["clientId"])
        expect_equal(f"{name}'s token_use", found.get("token_use"), "access")
        expect_equal(f"{name}'s iss", found.get("iss"), context.outputs["issuer"])
        expect(
            isinstance(found.get("groups"), list),
            f"{name}'s groups are {found.get('groups')!r}, and must be a list",
        )
        expect_equal(f"{name}'s groups, sorted", sorted(found["groups"]), sorted(groups))
        scopes = sorted(str(found.get("scope", "")).split())
        expect_equal(f"{name}'s scopes, sorted", scopes, sorted(client["scopes"]))
        minutes = context.settings.all_clients[name].token_validity_minutes
        lifetime = (found.get("exp", 0) - found.get("iat", 0)) / 60
        expect_equal(f"{name}'s lifetime in minutes", lifetime, minutes)
        off = abs(found["iat"] - time.time())
        expect(off < _CLOCK_SKEW, f"{name}'s iat is {off:.0f} s away from this machine's clock")


@check("P2-claims-code")
def claims_code(probe: Probe) -> None:
    """The claims function runs the code that this checkout deploys."""
    function = probe.context.names.claims_function
    expect_own_code(probe, function, claims_package(), write_claims_package)


@check("P2-password-refused")
def password_refused(probe: Probe) -> None:
    """No client can sign in a user with a password."""
    for name in probe.context.clients:
        allowed = find_app_client(probe, name).get("ExplicitAuthFlows") or []
        signing_in = sorted(flow for flow in allowed if flow != "ALLOW_REFRESH_TOKEN_AUTH")
        expect(not signing_in, f"client {name} allows {', '.join(signing_in)}")
        form = {"username": "nobody", "password": "never-a-password"}
        _expect_no_token(probe, name, {"grant_type": "password", **form})


@check("P2-code-refused")
def code_refused(probe: Probe) -> None:
    """No client can use the authorization code grant."""
    for name in probe.context.clients:
        _expect_flow_disabled(probe, name, "code")
        _expect_no_redirect(probe, name, "code")
        form = {"code": "never-issued", "redirect_uri": _UNREACHABLE_CALLBACK}
        _expect_no_token(probe, name, {"grant_type": "authorization_code", **form})


@check("P2-implicit-refused")
def implicit_refused(probe: Probe) -> None:
    """No client can use the implicit grant."""
    for name in probe.context.clients:
        _expect_flow_disabled(probe, name, "implicit")
        _expect_no_redirect(probe, name, "token")


@check("P2-refresh-refused")
def refresh_refused(probe: Probe) -> None:
    """No refresh token is issued or accepted."""
    for name in probe.context.clients:
        grant = _request_grant(probe, name)
        unexpected = sorted({"refresh_token", "id_token"} & grant.keys())
        expect(not unexpected, f"client {name} gets {' and '.join(unexpected)}")
        form = {"refresh_token": "never-issued"}
        _expect_no_token(probe, name, {"grant_type": "refresh_token", **form})


@check("P2-scope-refused")
def scope_refused(probe: Probe) -> None:
    """No client gets a scope that it isn't configured with."""
    context = probe.context
    every = set(context.outputs["scopes"])
    for name, client in context.clients.items():
        lacking = sorted(every - set(client["scopes"]))
        unknown = f"{context.outputs['resourceServerIdentifier']}/no-such-scope"
        for scope in [*lacking, unknown]:
            response = request_token(probe.http, context.credentials(name), scopes=(scope,))
            expect(not response.is_success, f"client {name} gets the scope {scope}")
            _expect_error(response, _SCOPE_REFUSALS, f"client {name} requesting {scope}")


@check("P2-secret-refused")
def secret_refused(probe: Probe) -> None:
    """A wrong client secret is refused."""
    for name in probe.context.clients:
        credentials = probe.context.credentials(name)
        wrong = replace(credentials, client_secret=credentials.client_secret[::-1])
        response = request_token(probe.http, wrong)
        expect(not response.is_success, f"client {name} gets a token with a wrong secret")
        _expect_error(response, {"invalid_client"}, f"client {name} with a wrong secret")


@check("P2-secret-complete")
def secret_complete(probe: Probe) -> None:
    """Each client's secret has everything the client needs, and works if the client is enabled."""
    context = probe.context
    outputs = context.outputs
    for name, client in context.all_clients.items():
        response = probe.aws("secretsmanager", "get_secret_value", SecretId=client["secretArn"])
        secret = json.loads(response["SecretString"])
        wanted = {
            "clientId": client["clientId"],
            "tokenUrl": outputs["tokenUrl"],
            "scopes": client["scopes"],
            "mcpUrl": context.callers_url,
        }
        keys = {*wanted, "clientSecret"}
        expect_equal(f"the keys of {name}'s secret, sorted", sorted(secret), sorted(keys))
        for key, value in wanted.items():
            expect_equal(f"{key} in {name}'s secret", secret[key], value)
        if name in context.clients:
            _request_grant(probe, name)


@check("P2-secret-hidden")
def secret_hidden(probe: Probe) -> None:
    """No client secret or token is in outputs, state, tags, environments or logs."""
    context = probe.context
    functions = [
        probe.aws("lambda", "get_function_configuration", FunctionName=each)
        for each in function_names(probe)
    ]
    pool = probe.aws("cognito-idp", "describe_user_pool", UserPoolId=context.user_pool_id)
    service = find_service(probe)
    service_tags = host_operations(probe).tags(probe.aws, service)
    descriptions = [
        probe.aws("secretsmanager", "describe_secret", SecretId=client["secretArn"])
        for client in context.all_clients.values()
    ]
    places = {
        "the stack's outputs": _to_json(context.outputs),
        "the stack's state": _to_json(context.state()),
        "the functions' configuration": _to_json(functions),
        "the user pool's configuration and tags": _to_json(pool),
        "the service's configuration and tags": _to_json([service.described, service_tags]),
        "the secrets' descriptions and tags": _to_json(descriptions),
        **{
            f"the log group {group}": read_log(probe, group)
            for group in find_log_groups(probe, log_group_names(probe))
        },
    }
    probe.note(
        "Searched for client secrets and tokens",
        {place: f"{len(text)} characters" for place, text in places.items()},
    )
    for name in context.all_clients:
        for stage, secret in _known_client_secrets(probe, name).items():
            found = [place for place, text in places.items() if secret in text]
            expect(not found, f"the secret of {name} ({stage}) is in {' and in '.join(found)}")
    found = [place for place, text in places.items() if _SIGNED_TOKEN.search(text)]
    expect(not found, f"a token is in {' and in '.join(found)}")


def _known_client_secrets(probe: Probe, name: str) -> dict[str, str]:
    """Return every client secret of a client that may still be valid, by where it was found."""
    context = probe.context
    arn = context.all_clients[name]["secretArn"]
    found = {}
    for version in find_inventory(probe, name).versions.all:
        try:
            # Not through the probe: its evidence would have the values.
            response = context.client("secretsmanager").get_secret_value(
                SecretId=arn, VersionId=version.id
            )
        except ClientError as error:
            if not is_not_found(error):
                raise
            # A rotation that has just begun, or one that failed, leaves a version without a value.
            continue
        secret = json.loads(response["SecretString"])["clientSecret"]
        context.blanker.learn(secret, username=context.all_clients[name]["clientId"])
        found[_describe(version)] = secret
    # Cognito shows the one that the app client was created with, as long as it exists.
    if original := find_app_client(probe, name).get("ClientSecret"):
        found["the app client's original"] = original
    return found


def _describe(version: Version) -> str:
    labels = sorted(each for each in version.stages if each.startswith("AWS"))
    return " and ".join(labels) or f"the version {version.id}"


def _to_json(document: object) -> str:
    return json.dumps(document, default=str)


def _get_json(probe: Probe, url: str) -> dict[str, Any]:
    response = probe.http.get(url)
    expect_status(url, response, HTTPStatus.OK)
    document: dict[str, Any] = response.json()
    return document


def _request_grant(probe: Probe, name: str) -> dict[str, Any]:
    return request_grant(probe, probe.context.credentials(name), name)


def _expect_flow_disabled(probe: Probe, name: str, flow: str) -> None:
    allowed = find_app_client(probe, name).get("AllowedOAuthFlows") or []
    expect(flow not in allowed, f"client {name} allows the OAuth 2.0 flow {flow!r}")


def _expect_no_redirect(probe: Probe, name: str, response_type: str) -> None:
    """Request a code or a token from the authorization endpoint, as a browser would."""
    context = probe.context
    response = probe.http.get(
        context.outputs["tokenUrl"].removesuffix("/token") + "/authorize",
        params={
            "response_type": response_type,
            "client_id": context.clients[name]["clientId"],
            "redirect_uri": _UNREACHABLE_CALLBACK,
        },
    )
    # Cognito redirects to its error page, or returns an error itself.
    target = urlsplit(response.headers.get("location", ""))
    parameters = {**parse_qs(target.query), **parse_qs(target.fragment)}
    expect(
        not {"code", "access_token", "id_token"} & parameters.keys(),
        f"the authorization endpoint grants client {name} a {response_type}",
    )
    expect(
        not response.is_success,
        f"the authorization endpoint shows client {name} a sign-in page",
    )


def _expect_no_token(probe: Probe, name: str, form: dict[str, str]) -> None:
    credentials = probe.context.credentials(name)
    response = probe.http.post(
        credentials.token_url, data=form, auth=(credentials.client_id, credentials.client_secret)
    )
    what = f"client {name} with the grant {form['grant_type']}"
    expect(not response.is_success, f"{what} gets a token")
    _expect_error(response, _GRANT_REFUSALS, what)


def _expect_error(response: httpx2.Response, errors: AbstractSet[str], what: str) -> None:
    """Expect a token error response (RFC 6749, section 5.2)."""
    try:
        error = response.json().get("error")
    except ValueError:
        error = None
    expect(
        error in errors,
        f"{what} gets HTTP {response.status_code} with the error {error!r}"
        f" (expected: {' or '.join(sorted(errors))})",
    )
