import base64
import dataclasses
import datetime as dt

import pytest

from localcloud.aws.ecr.models import Registry

_REGISTRY = Registry(
    aws_host="000000000000.dkr.ecr.us-east-1.amazonaws.com", local_host="localhost:4566"
)


@pytest.mark.parametrize("rest", ["server", "team/server:1", "server@sha256:0"])
def test_image_names_are_translated_in_both_directions(rest: str) -> None:
    aws = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{rest}"
    local = f"localhost:4566/{rest}"
    assert _REGISTRY.to_aws(local) == aws
    assert _REGISTRY.to_local(aws) == local
    assert _REGISTRY.to_aws(aws) == aws


def test_image_names_of_other_registries_are_unchanged() -> None:
    assert _REGISTRY.to_aws("public.ecr.aws/x/y") == "public.ecr.aws/x/y"


def basic(registry: Registry, user: str = "AWS") -> str:
    login = f"{user}:{registry.issue_login()['password']}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def test_only_a_password_of_this_registry_is_accepted() -> None:
    other = Registry(aws_host=_REGISTRY.aws_host, local_host=_REGISTRY.local_host)
    assert _REGISTRY.accepts(basic(_REGISTRY))
    assert not _REGISTRY.accepts(basic(other))
    assert not _REGISTRY.accepts(basic(_REGISTRY, user="root"))
    assert not _REGISTRY.accepts(f"Bearer {_REGISTRY.issue_login()['password']}")
    for nonsense in ("", "Basic", "Basic ???", "Basic QVdT", basic(_REGISTRY)[:-8]):
        assert not _REGISTRY.accepts(nonsense)


def test_a_password_expires() -> None:
    expired = dataclasses.replace(_REGISTRY, lifetime=dt.timedelta(seconds=-1))
    assert not expired.accepts(basic(expired))
    # Both have the same key, so only the expiry differs.
    assert expired.accepts(basic(_REGISTRY))


def test_a_token_has_its_expiry() -> None:
    before = dt.datetime.now(dt.UTC)
    response = _REGISTRY.localize({"authorizationData": [{}]})
    [authorization] = response["authorizationData"]
    assert _REGISTRY.accepts(f"Basic {authorization['authorizationToken']}")
    lifetime = authorization["expiresAt"] - before.timestamp()
    assert dt.timedelta(seconds=lifetime) >= dt.timedelta(hours=12) - dt.timedelta(seconds=1)
