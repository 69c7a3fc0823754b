"""The roles of pipelines: what each must be able to do, and what it must not, on every host."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from automation.grants import Purpose, StackLocation
from automation.role_lists.pipelines import pipeline_roles
from components.names import ResourceNames
from components.settings import Hosting
from localcloud.aws.iam.rules import Decision, decide
from tests.aws_actions import described
from tests.pipeline_policies import policies

_LOCATION = StackLocation(
    names=ResourceNames(prefix="neo4j-mcp", stack="dev"),
    project="neo4j-mcp",
    account="111122223333",
    region="eu-west-1",
)
# What one host needs, and what two do while a stack moves.
_HOSTS = [
    *((each,) for each in Hosting),
    *itertools.combinations(Hosting, 2),
]


@pytest.mark.parametrize("hosts", _HOSTS, ids=" and ".join)
@pytest.mark.parametrize("purpose", Purpose)
def test_a_role_can_do_what_it_must_and_nothing_that_it_must_not(
    purpose: Purpose, hosts: tuple[Hosting, ...]
) -> None:
    documents = policies(purpose, _LOCATION, hosts)
    listed = pipeline_roles(_LOCATION)[purpose]
    wrong = [
        (each.action, each.resource, each.context)
        for expected, accesses in ((True, listed.must), (False, listed.must_not))
        for each in accesses
        if _is_allowed(documents, each.action, each.resource, each.context) is not expected
    ]
    assert wrong == []
    assert listed.must
    assert len(listed.must_not) > 20


@pytest.mark.parametrize("purpose", [Purpose.PREVIEW, Purpose.UPGRADE, Purpose.OPERATE])
def test_a_complete_list_has_every_action_of_the_policy(purpose: Purpose) -> None:
    # On Fargate, a preview also looks up the network.
    documents = policies(purpose, _LOCATION, [Hosting.APP_RUNNER, Hosting.LAMBDA])
    allowed = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
    }
    assert allowed == {each.action for each in pipeline_roles(_LOCATION)[purpose].must}


def _is_allowed(
    documents: list[dict[str, Any]],
    action: str,
    resource: str,
    context: Any,  # noqa: ANN401 - keys and values
) -> bool:
    return decide(documents, action, resource, context, complete=True) is Decision.ALLOWED


# What a role may do to what isn't the stack's, although AWS could limit it.
_BEYOND_THE_STACK = {
    # A role sees every alarm, metric and subscription of the account, or none.
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
    # The settings serviceDomain, network and logKeyArn name what the policy can't know.
    "acm:DescribeCertificate",
    "ec2:CreateSecurityGroup",
    "ec2:GetSecurityGroupsForVpc",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "route53:ChangeResourceRecordSets",
    "route53:GetChange",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
    # AWS refuses tags for a target that exists.
    "application-autoscaling:RegisterScalableTarget",
}


def _foreign(pattern: str) -> str:
    """Return the ARN of another stack's resource of a type, given the type's pattern."""
    service, region, account, resource = pattern.split(":", 5)[2:]
    region = region and _LOCATION.region
    account = account and _LOCATION.account
    name = resource.replace("*", "neo4j-mcp-another-thing")
    return f"arn:aws:{service}:{region}:{account}:{name}"


@functools.cache
def _reached(purpose: Purpose) -> frozenset[str]:
    return frozenset(_find_reached(purpose))


def _find_reached(purpose: Purpose) -> Iterator[str]:
    documents = policies(purpose, _LOCATION, Hosting)
    tags = {"Project": "neo4j-mcp", "Stack": "dev"}
    context = {
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        **{f"aws:ResourceTag/{key}": value for key, value in {**tags, "Stack": "another"}.items()},
        "iam:PassedToService": "lambda.amazonaws.com",
    }
    statements = [each for document in documents for each in document["Statement"]]
    for action in {action for each in statements for action in each["Action"]}:
        found = described(action)
        assert found is not None
        allowed = {
            each: _is_allowed(documents, action, _foreign(each), context)
            for each in found.resources
        }
        # All that are required have to be allowed, and otherwise one of several.
        if found.required:
            reached = all(allowed[each] for each in found.required)
        else:
            reached = any(allowed.values())
        if reached:
            yield action


@pytest.mark.parametrize("purpose", Purpose)
def test_no_action_reaches_another_stack_except_those_that_are_listed(purpose: Purpose) -> None:
    assert _reached(purpose) <= _BEYOND_THE_STACK


def test_every_action_that_reaches_beyond_the_stack_is_one_of_a_role() -> None:
    assert set().union(*(_reached(each) for each in Purpose)) == _BEYOND_THE_STACK
