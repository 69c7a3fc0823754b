import re
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import names
from components.hosting.definitions import DEFINITIONS
from components.names import NameRule, ResourceNames, domain_prefix_problem, name_problems
from tests.components.aws_models import accepts, shape
from tests.components.properties import briefly

# Pulumi's own rule for the names of stacks.
stacks = st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True)
prefixes = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
clients = st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?", fullmatch=True), max_size=3)


def aws_accepts(rule: NameRule, name: str) -> bool:
    service, shape_name = rule.shape.split()
    return accepts(service, shape_name, name)


def every_name(resources: ResourceNames, clients: Iterable[str]) -> list[tuple[NameRule, str]]:
    """Return the names on every host."""
    hosts = (name for each in DEFINITIONS.values() for name in each.names(resources))
    return [*resources.checked(clients), *hosts]


def _connector(
    resources: ResourceNames,
    subnets: Iterable[str] = ("subnet-1",),
    groups: Iterable[str] = ("sg-1",),
) -> str:
    return resources.vpc_connector(subnets=subnets, security_groups=groups)


# The expected limits, so that changing one makes a test fail.
LENGTHS: Mapping[NameRule, tuple[int, int]] = {
    names.REPOSITORY: (2, 256),
    names.ROLE: (1, 64),
    names.FUNCTION: (1, 64),
    names.LOG_GROUP: (1, 512),
    names.LOG_DELIVERY: (1, 60),
    names.RULE: (1, 64),
    names.MUTE_RULE: (1, 255),
    names.USER_POOL: (1, 128),
    names.RESOURCE_SERVER: (1, 256),
    names.APP_CLIENT: (1, 128),
    names.SECRET: (1, 512),
    names.SERVICE: (4, 40),
    names.AUTO_SCALING: (4, 32),
    names.OBSERVABILITY: (4, 32),
    names.VPC_CONNECTOR: (4, 40),
    names.CLUSTER: (1, 255),
    names.CONTAINER_SERVICE: (1, 255),
    names.TASK_FAMILY: (1, 255),
    names.LOAD_BALANCER: (1, 32),
    names.SECURITY_GROUP: (1, 255),
    names.TOPIC: (1, 256),
    names.ALARM: (1, 255),
    names.DASHBOARD: (1, 255),
    names.METRIC_FILTER: (1, 512),
    names.EDGE_FUNCTION: (1, 64),
    names.WEB_ACL: (1, 128),
    names.DOMAIN: (1, 63),
}
RULES = sorted(LENGTHS, key=lambda rule: rule.shape)
# botocore's models have no rule for these names, which are in the text of the API references only.
DOCUMENTED = {
    names.SECRET,
    names.CLUSTER,
    names.CONTAINER_SERVICE,
    names.TASK_FAMILY,
    names.LOAD_BALANCER,
    names.SECURITY_GROUP,
    names.TOPIC,
    names.DASHBOARD,
}
MODELLED = [rule for rule in RULES if rule not in DOCUMENTED]


def test_the_rules_are_those_of_every_name() -> None:
    checked = {rule for rule, _ in every_name(ResourceNames(prefix="p", stack="dev"), ["agent"])}

    assert checked | {names.DOMAIN} == set(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.shape)
def test_a_name_is_accepted_at_its_limits_and_refused_beyond(rule: NameRule) -> None:
    least, most = LENGTHS[rule]

    assert rule.problem("a" * least) is None
    assert rule.problem("a" * most) is None
    assert f"the invalid {rule.kind}" in (rule.problem("a" * (least - 1)) or "")
    too_long = rule.problem("a" * (most + 1))
    assert too_long is not None
    assert f"{most + 1} characters long; AWS accepts at most {most}" in too_long


@pytest.mark.parametrize("rule", MODELLED, ids=lambda rule: rule.shape)
def test_limits_are_those_of_awss_own_model(rule: NameRule) -> None:
    service, shape_name = rule.shape.split()
    limits = shape(service, shape_name)

    assert rule.minimum == limits.get("min", 1)
    if rule is names.FUNCTION:
        # The shape also allows a whole ARN.
        assert rule.maximum < limits["max"]
    else:
        assert rule.maximum == limits["max"]


@pytest.mark.parametrize("rule", MODELLED, ids=lambda rule: rule.shape)
def test_a_character_that_a_rule_accepts_is_one_that_aws_accepts(rule: NameRule) -> None:
    for character in map(chr, range(0x20, 0x180)):
        for name in (f"aaa{character}a", f"{character}aaaa", f"aaaa{character}"):
            if rule.problem(name) is None:
                assert aws_accepts(rule, name), name


@briefly
@given(prefix=prefixes, stack=stacks, clients=clients)
def test_names_without_problems_are_names_that_aws_accepts(
    prefix: str, stack: str, clients: list[str]
) -> None:
    resources = ResourceNames(prefix=prefix, stack=stack)
    if list(name_problems(every_name(resources, clients))):
        return

    for rule, name in every_name(resources, clients):
        if rule in MODELLED:
            assert aws_accepts(rule, name)
        else:
            assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", name)
            assert rule.maximum >= len(name)


@briefly
@given(prefix=prefixes, stack=stacks, clients=clients)
def test_every_name_begins_with_the_prefix_and_the_stack(
    prefix: str, stack: str, clients: list[str]
) -> None:
    resources = ResourceNames(prefix=prefix, stack=stack)

    assert resources.domain_stem == f"{prefix}-{stack}-"
    for rule, name in every_name(resources, clients):
        path = r"/(aws/lambda|aws/vendedlogs|ecs)/" if rule is names.LOG_GROUP else ""
        assert re.match(f"{path}{re.escape(f'{prefix}-{stack}-')}", name)


@briefly
@given(client=st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True))
def test_a_secrets_name_does_not_end_like_an_arn(client: str) -> None:
    name = ResourceNames(prefix="neo4j-mcp", stack="dev").secret(client)

    assert not re.search(r"-[A-Za-z0-9]{6}$", name)


@briefly
@given(prefix=st.text(alphabet="abcnogitwsz09-", max_size=70))
def test_a_domain_prefix_without_problem_is_one_that_cognito_accepts(prefix: str) -> None:
    if domain_prefix_problem(prefix) is None:
        assert accepts("cognito-idp", "DomainType", prefix)
        assert not {"aws", "amazon", "cognito"} & {
            word for word in ("aws", "amazon", "cognito") if word in prefix
        }


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ("Dev", "invalid ECR repository name"),
        ("a..b", "invalid ECR repository name"),
        ("s" * 23, "App Runner auto-scaling configuration name"),
        ("s" * 60, "IAM role name"),
    ],
)
def test_a_stack_name_that_makes_an_invalid_name_is_reported(stack: str, part: str) -> None:
    problems = list(name_problems(every_name(ResourceNames(prefix="p", stack=stack), ["agent"])))

    assert any(part in problem for problem in problems), problems


def test_a_vpc_connectors_name_changes_with_its_content_only() -> None:
    resources = ResourceNames(prefix="neo4j-mcp", stack="dev")

    # Another hash would replace the connector of every existing stack.
    assert _connector(resources) == "neo4j-mcp-dev-egress-16e50623"
    both = _connector(resources, ["subnet-1", "subnet-2"], ["sg-1", "sg-2"])
    assert both == _connector(resources, ["subnet-2", "subnet-1"], ["sg-2", "sg-1"])
    assert (
        len(
            {
                _connector(resources),
                _connector(resources, ["subnet-2"]),
                _connector(resources, ["x"]),
            }
        )
        == 3
    )
    assert _connector(resources) != _connector(resources, groups=["sg-2"])
    assert _connector(resources, ["a", "b"], ["c"]) != _connector(resources, ["a"], ["b", "c"])


def test_a_load_balancers_name_changes_with_what_replaces_it_only() -> None:
    resources = ResourceNames(prefix="neo4j-mcp", stack="dev")

    # Another hash would replace the load balancer of every existing stack.
    public = resources.load_balancer(vpc_id="vpc-1", internal=False)
    assert public == "neo4j-mcp-dev-4245bc5"
    internal = resources.load_balancer(vpc_id="vpc-1", internal=True)
    elsewhere = resources.load_balancer(vpc_id="vpc-2", internal=False)
    assert len({public, internal, elsewhere}) == 3


@pytest.mark.parametrize("name", ["internal-a", "-a", "a-", "a_b", "a" * 33])
def test_a_name_that_no_load_balancer_can_have_is_reported(name: str) -> None:
    assert names.LOAD_BALANCER.problem(name)


@pytest.mark.parametrize("name", ["sg-1", "a?b", "a|b"])
def test_a_name_that_no_security_group_can_have_is_reported(name: str) -> None:
    assert names.SECURITY_GROUP.problem(name)


def test_the_longest_legal_prefix_and_stack_name() -> None:
    # 32 characters are the least that any service takes: prefix-stack-scaling.
    longest = ResourceNames(prefix="p" * 12, stack="s" * 11)
    longer = ResourceNames(prefix="p" * 13, stack="s" * 11)

    assert len(longest.auto_scaling) == 32
    assert not list(name_problems(every_name(longest, ["agent"])))
    assert list(name_problems(every_name(longer, ["agent"])))


@pytest.mark.parametrize(
    "prefix", ["my-aws-graph", "amazonas", "cognito", "-a", "a-", "A", "", "x" * 64]
)
def test_an_invalid_domain_prefix_is_reported(prefix: str) -> None:
    assert domain_prefix_problem(prefix)


def test_names_that_make_no_domain_prefix_are_reported() -> None:
    assert ResourceNames(prefix="p", stack="dev").default_domain_problem() is None
    assert ResourceNames(prefix="aws-p", stack="dev").default_domain_problem()
    assert ResourceNames(prefix="p", stack="s" * 60).default_domain_problem()
