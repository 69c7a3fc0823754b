import pytest

from localcloud.aws.registry import Registry

_REGISTRY = Registry(
    aws_host="000000000000.dkr.ecr.us-east-1.amazonaws.com", local_host="localhost:4566"
)


@pytest.mark.parametrize("rest", ["server", "team/server:1", "server@sha256:0"])
def test_names_move_both_ways(rest: str) -> None:
    aws = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{rest}"
    local = f"localhost:4566/{rest}"
    assert _REGISTRY.to_aws(local) == aws
    assert _REGISTRY.to_local(aws) == local
    assert _REGISTRY.to_aws(aws) == aws


def test_names_of_other_registries_stay() -> None:
    assert _REGISTRY.to_aws("public.ecr.aws/x/y") == "public.ecr.aws/x/y"


def test_the_password_is_shown_nowhere() -> None:
    assert _REGISTRY.password not in repr(_REGISTRY)


def test_only_the_password_admits() -> None:
    assert _REGISTRY.admits(f"Basic {_REGISTRY.token}")
    assert not _REGISTRY.admits(f"Basic {Registry(aws_host='a', local_host='b').token}")
    assert not _REGISTRY.admits("")
