"""Finds the resources of a service on Fargate by the names in their inputs, after a killed run.

A task definition isn't found: it is registered again, and the first one costs nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from automation.sessions import Clients

Values = Mapping[str, Any]

_ACTIVE: Final = "ACTIVE"


def _clusters(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in aws("ecs").describe_clusters(clusters=[inputs["name"]])["clusters"]:
        if each["status"] == _ACTIVE:
            yield each["clusterArn"]


def _services(aws: Clients, inputs: Values) -> Iterator[str]:
    response = aws("ecs").describe_services(cluster=inputs["cluster"], services=[inputs["name"]])
    for each in response["services"]:
        if each["status"] == _ACTIVE:
            yield each["serviceArn"]


def _load_balancers(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in aws("elbv2").describe_load_balancers(Names=[inputs["name"]])["LoadBalancers"]:
        yield each["LoadBalancerArn"]


def _target_groups(aws: Clients, inputs: Values) -> Iterator[str]:
    for each in aws("elbv2").describe_target_groups(Names=[inputs["name"]])["TargetGroups"]:
        yield each["TargetGroupArn"]


def _listeners(aws: Clients, inputs: Values) -> Iterator[str]:
    response = aws("elbv2").describe_listeners(LoadBalancerArn=inputs["loadBalancerArn"])
    for each in response["Listeners"]:
        if each["Port"] == inputs["port"]:
            yield each["ListenerArn"]


def _security_groups(aws: Clients, inputs: Values) -> Iterator[str]:
    filters = [
        {"Name": "group-name", "Values": [inputs["name"]]},
        {"Name": "vpc-id", "Values": [inputs["vpcId"]]},
    ]
    for each in aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]:
        yield each["GroupId"]


def _ingress_rules(aws: Clients, inputs: Values) -> Iterator[str]:
    yield from _rules(aws, inputs, is_egress=False)


def _egress_rules(aws: Clients, inputs: Values) -> Iterator[str]:
    yield from _rules(aws, inputs, is_egress=True)


def _rules(aws: Clients, inputs: Values, *, is_egress: bool) -> Iterator[str]:
    filters = [{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
    wanted = (
        is_egress,
        inputs.get("fromPort"),
        inputs.get("toPort"),
        inputs.get("cidrIpv4"),
        inputs.get("prefixListId"),
        inputs.get("referencedSecurityGroupId"),
    )
    response = aws("ec2").describe_security_group_rules(Filters=filters)
    for each in response["SecurityGroupRules"]:
        found = (
            each["IsEgress"],
            each.get("FromPort"),
            each.get("ToPort"),
            each.get("CidrIpv4"),
            each.get("PrefixListId"),
            (each.get("ReferencedGroupInfo") or {}).get("GroupId"),
        )
        if found == wanted:
            yield each["SecurityGroupRuleId"]


FARGATE_LOOKUPS: Final[Mapping[str, Callable[[Clients, Values], Iterator[str]]]] = {
    "aws:ec2/securityGroup:SecurityGroup": _security_groups,
    "aws:ecs/cluster:Cluster": _clusters,
    "aws:ecs/service:Service": _services,
    "aws:lb/listener:Listener": _listeners,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancers,
    "aws:lb/targetGroup:TargetGroup": _target_groups,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _egress_rules,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress_rules,
}
"""Return the ids of the resources that may be the one with these inputs, by type."""
