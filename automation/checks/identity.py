"""P2: the user pool's addresses, keys, clients and tokens."""

import json
import re
import time
from collections.abc import Set as AbstractSet
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt

from automation.checks.context import Credentials, request_token
from automation.checks.inspection import Inspection
from automation.checks.lookups import app_client, log_groups, log_text, service
from automation.checks.registry import check
from automation.checks.verdicts import Failed, expect, expect_equal
from components.function_code import (
    claims_package,
    code_sha256,
    relative_to_project,
    write_claims_package,
)

_OK: Final = 200
_UNREACHABLE_CALLBACK: Final = "https://callback.invalid/"
# Source: RFC 6749, section 5.2; Cognito answers invalid_scope, some issuers invalid_grant.
_SCOPE_REFUSALS: Final = frozenset({"invalid_scope", "invalid_grant"})
_GRANT_REFUSALS: Final = frozenset(
    {"unauthorized_client", "unsupported_grant_type", "invalid_grant", "invalid_request"}
)
# Seconds that clocks of two machines may differ.
_CLOCK_SKEW: Final = 60
_SIGNED_TOKEN: Final = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{20,}")
_SMALLEST_RSA_KEY: Final = 2048
_PRIVATE_KEY_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@check("P2-discovery")
def discovery(inspection: Inspection) -> None:
    """The discovery document names the issuer, keys and token URL of the outputs."""
    outputs = inspection.context.outputs
    document = _document(inspection, outputs["discoveryUrl"])
    expect_equal("the document's issuer", document.get("issuer"), outputs["issuer"])
    expect_equal("the document's jwks_uri", document.get("jwks_uri"), outputs["jwksUrl"])
    expect_equal(
        "the document's token_endpoint", document.get("token_endpoint"), outputs["tokenUrl"]
    )


@check("P2-keys")
def keys(inspection: Inspection) -> None:
    """The published keys are RSA signing keys with ids, and none is private."""
    found = _document(inspection, inspection.context.outputs["jwksUrl"]).get("keys") or []
    expect(found, "no key is published")
    ids = [key.get("kid") for key in found]
    expect(all(ids) and len(set(ids)) == len(ids), f"the keys' ids are {ids}")
    for key in found:
        kid = key["kid"]
        expect(not _PRIVATE_KEY_MEMBERS & key.keys(), f"key {kid} shows its private half")
        expect_equal(f"the type of key {kid}", key.get("kty"), "RSA")
        expect_equal(f"the use of key {kid}", key.get("use"), "sig")
        size = jwt.PyJWK(key, algorithm="RS256").key.key_size
        expect(size >= _SMALLEST_RSA_KEY, f"key {kid} has only {size} bits")


@check("P2-token")
def token(inspection: Inspection) -> None:
    """Every client gets a token by client credentials, which the keys verify."""
    outputs = inspection.context.outputs
    published = jwt.PyJWKSet.from_dict(_document(inspection, outputs["jwksUrl"]))
    for name in inspection.context.clients:
        access_token = _granted(inspection, name)["access_token"]
        key_id = jwt.get_unverified_header(access_token).get("kid")
        try:
            jwt.decode(
                access_token,
                published[str(key_id)].key,
                algorithms=["RS256"],
                issuer=outputs["issuer"],
                leeway=_CLOCK_SKEW,
                # What the audience must be is for P2-claims to say.
                options={"verify_aud": False},
            )
        except (KeyError, jwt.PyJWTError) as error:
            raise Failed(f"{name}'s token does not verify: {error}") from error


@check("P2-claims")
def claims(inspection: Inspection) -> None:
    """Tokens carry the client as audience, the scopes as groups, and their lifetime."""
    context = inspection.context
    for name, client in context.clients.items():
        found = jwt.decode(
            _granted(inspection, name)["access_token"], options={"verify_signature": False}
        )
        inspection.note(f"Claims of {name}'s token", found)
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
        minutes = context.settings.clients[name].token_validity_minutes
        lifetime = (found.get("exp", 0) - found.get("iat", 0)) / 60
        expect_equal(f"{name}'s lifetime in minutes", lifetime, minutes)
        off = abs(found["iat"] - time.time())
        expect(off < _CLOCK_SKEW, f"{name}'s iat is {off:.0f} s away from this machine's clock")


@check("P2-claims-code")
def claims_code(inspection: Inspection) -> None:
    """The claims function runs the code that this checkout deploys."""
    name = inspection.context.names.claims_function
    found = inspection.aws("lambda", "get_function_configuration", FunctionName=name)
    # Pulumi compares code with what it deployed last, so this is no drift to a refresh.
    if found["CodeSha256"] != code_sha256(claims_package()):
        package = relative_to_project(write_claims_package())
        raise Failed(
            f"{name} runs other code than this checkout's: it was deployed from another version,"
            f" or changed by hand (last on {found['LastModified']}). To put this checkout's back,"
            f" run: aws lambda update-function-code --function-name {name} --zip-file"
            f" fileb://{package}"
        )


@check("P2-password-refused")
def password_refused(inspection: Inspection) -> None:
    """No client may sign a user in with a password."""
    for name in inspection.context.clients:
        allowed = app_client(inspection, name).get("ExplicitAuthFlows") or []
        signing_in = sorted(flow for flow in allowed if flow != "ALLOW_REFRESH_TOKEN_AUTH")
        expect(not signing_in, f"client {name} allows {', '.join(signing_in)}")
        form = {"username": "nobody", "password": "never-a-password"}
        _expect_no_token(inspection, name, {"grant_type": "password", **form})


@check("P2-code-refused")
def code_refused(inspection: Inspection) -> None:
    """No client may use the authorization code grant."""
    for name in inspection.context.clients:
        _expect_flow_off(inspection, name, "code")
        _expect_no_redirect(inspection, name, "code")
        form = {"code": "never-issued", "redirect_uri": _UNREACHABLE_CALLBACK}
        _expect_no_token(inspection, name, {"grant_type": "authorization_code", **form})


@check("P2-implicit-refused")
def implicit_refused(inspection: Inspection) -> None:
    """No client may use the implicit grant."""
    for name in inspection.context.clients:
        _expect_flow_off(inspection, name, "implicit")
        _expect_no_redirect(inspection, name, "token")


@check("P2-refresh-refused")
def refresh_refused(inspection: Inspection) -> None:
    """No refresh token is issued, and none is taken."""
    for name in inspection.context.clients:
        answer = _granted(inspection, name)
        unasked = sorted({"refresh_token", "id_token"} & answer.keys())
        expect(not unasked, f"client {name} is given {' and '.join(unasked)}")
        form = {"refresh_token": "never-issued"}
        _expect_no_token(inspection, name, {"grant_type": "refresh_token", **form})


@check("P2-scope-refused")
def scope_refused(inspection: Inspection) -> None:
    """A scope that a client doesn't have is refused."""
    context = inspection.context
    every = set(context.outputs["scopes"])
    for name, client in context.clients.items():
        lacking = sorted(every - set(client["scopes"]))
        unknown = f"{context.outputs['resourceServerIdentifier']}/no-such-scope"
        for scope in [*lacking, unknown]:
            response = request_token(inspection.http, context.credentials(name), scopes=(scope,))
            expect(response.status_code != _OK, f"client {name} is given the scope {scope}")
            _expect_error(response, _SCOPE_REFUSALS, f"client {name} asking for {scope}")


@check("P2-secret-refused")
def secret_refused(inspection: Inspection) -> None:
    """A wrong client secret is refused."""
    for name in inspection.context.clients:
        right = inspection.context.credentials(name)
        wrong = Credentials(
            client_id=right.client_id,
            client_secret=right.client_secret[::-1],
            token_url=right.token_url,
            scopes=right.scopes,
            mcp_url=right.mcp_url,
        )
        response = request_token(inspection.http, wrong)
        expect(response.status_code != _OK, f"client {name} is given a token for a wrong secret")
        _expect_error(response, {"invalid_client"}, f"client {name} with a wrong secret")


@check("P2-secret-complete")
def secret_complete(inspection: Inspection) -> None:
    """Each client's secret holds all that it needs, and it works."""
    outputs = inspection.context.outputs
    for name, client in inspection.context.clients.items():
        answer = inspection.aws("secretsmanager", "get_secret_value", SecretId=client["secretArn"])
        secret = json.loads(answer["SecretString"])
        wanted = {
            "clientId": client["clientId"],
            "tokenUrl": outputs["tokenUrl"],
            "scopes": client["scopes"],
            "mcpUrl": outputs["mcpUrl"],
        }
        keys = {*wanted, "clientSecret"}
        expect_equal(f"the keys of {name}'s secret, sorted", sorted(secret), sorted(keys))
        for key, value in wanted.items():
            expect_equal(f"{key} in {name}'s secret", secret[key], value)
        _granted(inspection, name)


@check("P2-secret-hidden")
def secret_hidden(inspection: Inspection) -> None:
    """No client's secret is in outputs, state, tags, environments or logs."""
    context = inspection.context
    names = context.names
    function = inspection.aws(
        "lambda", "get_function_configuration", FunctionName=names.claims_function
    )
    pool = inspection.aws("cognito-idp", "describe_user_pool", UserPoolId=context.user_pool_id)
    found_service = service(inspection)
    tags = inspection.aws(
        "apprunner", "list_tags_for_resource", ResourceArn=found_service["ServiceArn"]
    )
    descriptions = [
        inspection.aws("secretsmanager", "describe_secret", SecretId=client["secretArn"])
        for client in context.clients.values()
    ]
    places = {
        "the stack's outputs": _text(context.outputs),
        "the stack's state": _text(context.state()),
        "the claims function's configuration": _text(function),
        "the user pool's configuration and tags": _text(pool),
        "the service's configuration and tags": _text([found_service, tags]),
        "the secrets' descriptions and tags": _text(descriptions),
        **{
            f"the log group {group}": log_text(inspection, group)
            for group in log_groups(inspection)
        },
    }
    inspection.note(
        "Searched for every client's secret, and for tokens",
        {place: f"{len(text)} characters" for place, text in places.items()},
    )
    for name in context.clients:
        secret = context.credentials(name).client_secret
        found = [place for place, text in places.items() if secret in text]
        expect(not found, f"the secret of {name} stands in {' and in '.join(found)}")
    found = [place for place, text in places.items() if _SIGNED_TOKEN.search(text)]
    expect(not found, f"a token stands in {' and in '.join(found)}")


def _text(document: object) -> str:
    return json.dumps(document, default=str)


def _document(inspection: Inspection, url: str) -> dict[str, Any]:
    response = inspection.http.get(url)
    expect_equal(f"the status of {url}", response.status_code, _OK)
    document: dict[str, Any] = response.json()
    return document


def _granted(inspection: Inspection, name: str) -> dict[str, Any]:
    """Take a new token; the whole answer."""
    context = inspection.context
    response = request_token(inspection.http, context.credentials(name))
    expect_equal(f"the status of {name}'s token request", response.status_code, _OK)
    answer: dict[str, Any] = response.json()
    context.blanker.learn(answer["access_token"])
    return answer


def _expect_flow_off(inspection: Inspection, name: str, flow: str) -> None:
    allowed = app_client(inspection, name).get("AllowedOAuthFlows") or []
    expect(flow not in allowed, f"client {name} allows the OAuth 2.0 flow {flow!r}")


def _expect_no_redirect(inspection: Inspection, name: str, response_type: str) -> None:
    """Ask the authorization endpoint, as a browser would, for a code or a token."""
    context = inspection.context
    response = inspection.http.get(
        context.outputs["tokenUrl"].removesuffix("/token") + "/authorize",
        params={
            "response_type": response_type,
            "client_id": context.clients[name]["clientId"],
            "redirect_uri": _UNREACHABLE_CALLBACK,
        },
    )
    # Cognito answers with a redirect to its own page of errors, or with an error at once.
    target = urlsplit(response.headers.get("location", ""))
    given = {**parse_qs(target.query), **parse_qs(target.fragment)}
    expect(
        not {"code", "access_token", "id_token"} & given.keys(),
        f"the authorization endpoint gives client {name} a {response_type}",
    )
    expect(
        response.status_code != _OK,
        f"the authorization endpoint offers client {name} a page to sign in",
    )


def _expect_no_token(inspection: Inspection, name: str, form: dict[str, str]) -> None:
    credentials = inspection.context.credentials(name)
    response = inspection.http.post(
        credentials.token_url, data=form, auth=(credentials.client_id, credentials.client_secret)
    )
    what = f"client {name} with the grant {form['grant_type']}"
    expect(response.status_code != _OK, f"{what} is given a token")
    _expect_error(response, _GRANT_REFUSALS, what)


def _expect_error(response: httpx2.Response, errors: AbstractSet[str], what: str) -> None:
    """Hold a refusal against RFC 6749, section 5.2."""
    try:
        error = response.json().get("error")
    except ValueError:
        error = None
    expect(
        error in errors,
        f"{what} is answered HTTP {response.status_code} with the error {error!r}"
        f" (expected: {' or '.join(sorted(errors))})",
    )
