"""Counts what answers and the edge use in a month. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from automation.cost import prices
from automation.cost.usage import Group, Load, Resource, Usage, count, of_type

_DISTRIBUTION: Final = "aws:cloudfront/distribution:Distribution"
_FUNCTION: Final = "aws:cloudfront/function:Function"
_WEB_ACL: Final = "aws:wafv2/webAcl:WebAcl"

_usage = partial(Usage, group=Group.TRAFFIC)


def has_edge(resources: Sequence[Resource]) -> bool:
    """Return whether a stack has an edge."""
    return bool(count(resources, _DISTRIBUTION))


def usages(resources: Sequence[Resource], load: Load) -> Iterator[Usage]:
    """Count the answers' traffic, and the edge's requests."""
    edge = has_edge(resources)
    every_call = "One request for each call"
    answers = f"{load.kilobytes_per_call.normalize():f} KB for each answer"
    yield _usage(
        what="Answers",
        quantity=load.gigabytes,
        price=prices.EDGE_TRANSFER if edge else prices.TRANSFER,
        assumes=f"{answers}{', to the cheapest places' if edge else ''}",
    )
    yield _usage(
        what="Edge: requests",
        quantity=load.calls if edge else Decimal(),
        price=prices.EDGE_REQUEST,
        assumes=every_call,
    )
    yield _usage(
        what="Edge: function",
        quantity=load.calls if edge and count(resources, _FUNCTION) else Decimal(),
        price=prices.EDGE_FUNCTION,
        assumes=every_call,
    )
    rules = sum(len(each.inputs.get("rules") or ()) for each in of_type(resources, _WEB_ACL))
    limited = count(resources, _WEB_ACL)
    yield _usage(
        what="Web ACL",
        quantity=limited,
        price=prices.WEB_ACL,
        assumes="edgeRequestsPerIp is set",
    )
    yield _usage(
        what="Web ACL: rules",
        quantity=Decimal(rules),
        price=prices.WEB_ACL_RULE,
        assumes="One rule for edgeRequestsPerIp",
    )
    yield _usage(
        what="Web ACL: requests",
        quantity=load.calls * limited,
        price=prices.WEB_ACL_REQUEST,
        assumes=every_call,
    )
