import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.names import ResourceNames, domain_prefix_problem
from tests.components.aws_models import accepts
from tests.components.properties import briefly

# Pulumi's own rule for the names of stacks.
stacks = st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True)
prefixes = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
clients = st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?", fullmatch=True), max_size=3)


def _connector(
    names: ResourceNames, subnets: Iterable[str] = ("subnet-1",), groups: Iterable[str] = ("sg-1",)
) -> str:
    return names.vpc_connector(subnets=subnets, security_groups=groups)


@briefly
@given(prefix=prefixes, stack=stacks, clients=clients)
def test_names_without_problems_are_names_that_aws_takes(
    prefix: str, stack: str, clients: list[str]
) -> None:
    names = ResourceNames(prefix=prefix, stack=stack)
    if list(names.problems(clients)):
        return

    assert accepts("ecr", "RepositoryName", names.repository)
    assert accepts("cognito-idp", "UserPoolNameType", names.user_pool)
    assert accepts("cognito-idp", "ResourceServerNameType", names.resource_server)
    assert accepts("lambda", "FunctionName", names.claims_function)
    assert accepts("logs", "LogGroupName", names.claims_log_stem + "k3x9q2ab")
    for role in (names.claims_function, names.access_role, names.instance_role):
        assert accepts("iam", "roleNameType", role)
    assert accepts("apprunner", "ServiceName", names.service)
    assert accepts("apprunner", "AutoScalingConfigurationName", names.auto_scaling)
    assert accepts("apprunner", "ObservabilityConfigurationName", names.observability)
    assert accepts("apprunner", "VpcConnectorName", _connector(names))
    for client in clients:
        assert accepts("cognito-idp", "ClientNameType", names.app_client(client))
        assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", names.secret(client))


@briefly
@given(prefix=prefixes, stack=stacks, clients=clients)
def test_every_name_begins_with_the_prefix_and_the_stack(
    prefix: str, stack: str, clients: list[str]
) -> None:
    names = ResourceNames(prefix=prefix, stack=stack)

    for name in (
        names.repository,
        names.user_pool,
        names.claims_function,
        names.service,
        names.access_role,
        names.instance_role,
        names.auto_scaling,
        names.observability,
        _connector(names),
        names.domain_stem,
        *map(names.app_client, clients),
        *map(names.secret, clients),
    ):
        assert name.startswith(f"{prefix}-{stack}-")


@briefly
@given(client=st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True))
def test_a_secrets_name_does_not_end_like_an_arn(client: str) -> None:
    name = ResourceNames(prefix="neo4j-mcp", stack="dev").secret(client)

    assert not re.search(r"-[A-Za-z0-9]{6}$", name)


@briefly
@given(prefix=st.text(alphabet="abcnogitwsz09-", max_size=70))
def test_a_domain_prefix_without_problem_is_one_that_cognito_takes(prefix: str) -> None:
    if domain_prefix_problem(prefix) is None:
        assert accepts("cognito-idp", "DomainType", prefix)
        assert not {"aws", "amazon", "cognito"} & {
            word for word in ("aws", "amazon", "cognito") if word in prefix
        }


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ("Dev", "illegal ECR repository name"),
        ("a..b", "illegal ECR repository name"),
        ("s" * 23, "App Runner configuration name"),
        ("s" * 60, "IAM role name"),
    ],
)
def test_a_stacks_name_that_makes_an_illegal_name_is_told(stack: str, part: str) -> None:
    problems = list(ResourceNames(prefix="p", stack=stack).problems(["agent"]))

    assert any(part in problem for problem in problems), problems


def test_another_vpc_connector_has_another_name_and_the_same_one_the_same() -> None:
    names = ResourceNames(prefix="neo4j-mcp", stack="dev")

    both = _connector(names, ["subnet-1", "subnet-2"], ["sg-1", "sg-2"])
    assert both == _connector(names, ["subnet-2", "subnet-1"], ["sg-2", "sg-1"])
    assert len({_connector(names), _connector(names, ["subnet-2"]), _connector(names, ["x"])}) == 3
    assert _connector(names) != _connector(names, groups=["sg-2"])
    assert _connector(names, ["a", "b"], ["c"]) != _connector(names, ["a"], ["b", "c"])


def test_the_longest_names_are_just_legal() -> None:
    # 32 characters are the least that any service takes: prefix-stack-scaling.
    longest = ResourceNames(prefix="p" * 12, stack="s" * 11)
    longer = ResourceNames(prefix="p" * 13, stack="s" * 11)

    assert len(longest.auto_scaling) == 32
    assert not list(longest.problems(["agent"]))
    assert list(longer.problems(["agent"]))


@pytest.mark.parametrize(
    "prefix", ["my-aws-graph", "amazonas", "cognito", "-a", "a-", "A", "", "x" * 64]
)
def test_illegal_domain_prefixes_are_told(prefix: str) -> None:
    assert domain_prefix_problem(prefix)


def test_names_that_make_no_domain_prefix_are_told() -> None:
    assert ResourceNames(prefix="p", stack="dev").default_domain_problem() is None
    assert ResourceNames(prefix="aws-p", stack="dev").default_domain_problem()
    assert ResourceNames(prefix="p", stack="s" * 60).default_domain_problem()
