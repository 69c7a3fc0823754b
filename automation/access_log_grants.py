"""What access logs add to the permissions of the pipelines' roles. Pure."""

from collections.abc import Iterator

from automation.grants import Grant, StackLocation, log_grants
from components.log_key import EDGE_LOG_REGION


def access_log_grants(location: StackLocation) -> Iterator[Grant]:
    """Return the grants on the access logs of the load balancer and of the edge.

    Source: "Logging that requires additional permissions [V2]" in the Amazon CloudWatch Logs User
    Guide.
    """
    names, account = location.names, location.account
    edge = f"arn:aws:logs:{EDGE_LOG_REGION}:{account}"
    edge_group = f"{edge}:log-group:{names.edge_log_stem}????????"
    yield from log_grants(
        [edge_group, f"{edge_group}:*", *location.log_group_arns(names.load_balancer_log_stem)]
    )
    yield Grant(
        sid="LogDeliveries",
        resources=[
            f"{edge}:delivery-source:{names.edge_log_delivery}",
            f"{edge}:delivery-destination:{names.edge_log_delivery}",
            location.arn("logs", f"delivery-source:{names.load_balancer_log_delivery}"),
            location.arn("logs", f"delivery-destination:{names.load_balancer_log_delivery}"),
        ],
        read=[
            "logs:GetDeliveryDestination",
            "logs:GetDeliverySource",
            "logs:ListTagsForResource",
        ],
        write=[
            "logs:CreateDelivery",
            "logs:DeleteDeliveryDestination",
            "logs:DeleteDeliverySource",
            "logs:PutDeliveryDestination",
            "logs:PutDeliverySource",
            "logs:TagResource",
            "logs:UntagResource",
        ],
    )
    # CloudWatch Logs chooses a delivery's id, so the stack's are known by their tags.
    deliveries = [*dict.fromkeys((f"{edge}:delivery:*", location.arn("logs", "delivery:*")))]
    tags, own = location.condition("aws:RequestTag"), location.condition("aws:ResourceTag")
    yield Grant(
        sid="CreateDeliveries",
        resources=deliveries,
        write=["logs:CreateDelivery"],
        condition=tags,
    )
    yield Grant(
        sid="TagDeliveries",
        resources=deliveries,
        write=["logs:TagResource"],
        condition={**tags, "StringEqualsIfExists": own["StringEquals"]},
    )
    yield Grant(
        sid="Deliveries",
        resources=deliveries,
        read=["logs:GetDelivery", "logs:ListTagsForResource"],
        write=["logs:DeleteDelivery", "logs:TagResource", "logs:UntagResource"],
        condition=own,
    )
    yield Grant(
        sid="SendEdgeAccessLog",
        resources=[f"arn:aws:cloudfront::{account}:distribution/*"],
        write=["cloudfront:AllowVendedLogDeliveryForResource"],
        condition=location.condition("aws:ResourceTag"),
    )
    # This one has no condition on tags. Source: "Actions, resources, and condition keys for AWS
    # Elastic Load Balancing V2" in the Service Authorization Reference.
    yield Grant(
        sid="SendLoadBalancerAccessLog",
        resources=[
            location.arn(
                "elasticloadbalancing", f"loadbalancer/app/{names.load_balancer_stem}???????/*"
            )
        ],
        write=["elasticloadbalancing:AllowVendedLogDeliveryForResource"],
    )
    yield Grant(
        sid="ListEdgeLogGroups",
        resources=[f"{edge}:log-group:*"],
        read=["logs:DescribeLogGroups"],
    )
    # The first finds what an interrupted run created; with the others, CreateDelivery extends the
    # account's resource policy. None can be limited to a resource.
    yield Grant(
        sid="LetLogsBeDelivered",
        resources=["*"],
        write=[
            "logs:DescribeDeliveries",
            "logs:DescribeResourcePolicies",
            "logs:PutResourcePolicy",
        ],
    )
