"""Keeps the prefix lists in security group rules, which ministack drops.

A rule without its source would be a drift at the next refresh. Source: "IpPermission" in the Amazon
EC2 API Reference.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from xml.sax.saxutils import escape

Parameters = Mapping[str, Any]
"""A request's parameters: a value, or a list of one."""
ParsePermissions = Callable[[Parameters, str], list[dict[str, Any]]]


class RenderRule(Protocol):
    """Returns a rule as an item of a response."""

    def __call__(self, group: str, rule: Mapping[str, Any], *, is_egress: bool = False) -> str: ...  # noqa: D102  described above


def keep_prefix_lists(service: Any) -> None:  # noqa: ANN401 - a module without types
    """Make ministack store the prefix lists of rules.

    Args:
        service: the module ministack.services.ec2.
    """
    # ministack publishes no such places.
    service._parse_ip_permissions = reading(service._parse_ip_permissions)  # noqa: SLF001
    service._sg_rule_xml = showing(service._sg_rule_xml)  # noqa: SLF001


def reading(parse: ParsePermissions) -> ParsePermissions:
    """Return a parser of permissions that reads their prefix lists too."""

    def parse_all(parameters: Parameters, prefix: str) -> list[dict[str, Any]]:
        permissions = parse(parameters, prefix)
        for number, permission in enumerate(permissions, start=1):
            permission["PrefixListIds"] = list(_lists(parameters, f"{prefix}.{number}"))
        return permissions

    return parse_all


def showing(render: RenderRule) -> RenderRule:
    """Return a renderer of rules that shows their prefix list too."""

    def render_all(group: str, rule: Mapping[str, Any], *, is_egress: bool = False) -> str:
        item = render(group, rule, is_egress=is_egress)
        for each in rule.get("PrefixListIds", ()):
            shown = f"<prefixListId>{escape(each['PrefixListId'])}</prefixListId></item>"
            item = item.replace("</item>", shown)
        return item

    return render_all


def _lists(parameters: Parameters, permission: str) -> Iterator[dict[str, str]]:
    for number in itertools.count(1):
        path = f"{permission}.PrefixListIds.{number}"
        found = {
            name: value
            for name in ("PrefixListId", "Description")
            if (value := _value(parameters, f"{path}.{name}"))
        }
        if "PrefixListId" not in found:
            return
        yield found


def _value(parameters: Parameters, name: str) -> str:
    value: str | Sequence[str] = parameters.get(name) or ""
    return value if isinstance(value, str) else value[0]
