"""What a web ACL may contain. Pure.

Sources: the AWS WAFV2 API reference (WebACL and its members), and "Web ACL capacity units" in the
AWS WAF Developer Guide.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from localcloud.aws.protocol import ApiError
from localcloud.aws.wafv2.rates import Block, RateRule

SETTINGS: Final[Sequence[str]] = ("DefaultAction", "Description", "Rules", "VisibilityConfig")
"""The members that a web ACL is made of."""
_WINDOWS: Final = (60, 120, 300, 600)
_USUAL_WINDOW: Final = 300
_RATE: Final = "RateBasedStatement"
_BLOCK: Final = "Block"
_ALLOW: Final = "Allow"
RATE_RULE_CAPACITY: Final = 2

Members = Mapping[str, Any]


def rate_rules(parameters: Members) -> tuple[RateRule, ...]:
    """Return a web ACL's rules in the order of their priority.

    Raises:
        ApiError: WAF would refuse them, or the stand-in doesn't support them.
    """
    rules: list[Members] = parameters.get("Rules") or []
    for member in ("Name", "Priority"):
        values = [rule[member] for rule in rules]
        if len(set(values)) < len(values):
            raise _invalid(f"the rules' {member} must be unique")
    return tuple(_rate_rule(rule) for rule in sorted(rules, key=lambda rule: rule["Priority"]))


def default_block(parameters: Members) -> Block | None:
    """Return how a web ACL blocks what no rule blocks; None if it lets it through.

    Raises:
        ApiError: WAF would refuse the default action, or the stand-in doesn't support it.
    """
    return _action(parameters["DefaultAction"], "DefaultAction")


def check_supported(parameters: Members) -> None:
    """Check the members of a request to create or update a web ACL.

    Raises:
        ApiError: the stand-in doesn't support one of them.
    """
    for problem in _unsupported(parameters):
        raise ApiError(
            "WAFInvalidOperationException", f"The stand-in's WAF doesn't support {problem}."
        )


def _unsupported(parameters: Members) -> Iterator[str]:
    if parameters["Scope"] != "CLOUDFRONT":
        yield f"the scope {parameters['Scope']}"
    known = {"Id", "LockToken", "Name", "Scope", "Tags", *SETTINGS}
    yield from sorted(parameters.keys() - known)
    for rule in parameters.get("Rules") or []:
        statements = rule["Statement"].keys() - {_RATE}
        yield from sorted(statements)
        yield from sorted(rule.get("Action", {}).keys() - {_BLOCK})
        yield from sorted(
            rule.keys() - {"Action", "Name", "Priority", "Statement", "VisibilityConfig"}
        )
        rate = rule["Statement"].get(_RATE, {})
        yield from sorted(rate.keys() - {"AggregateKeyType", "EvaluationWindowSec", "Limit"})
        if rate and rate["AggregateKeyType"] != "IP":
            yield f"the AggregateKeyType {rate['AggregateKeyType']}"


def _rate_rule(rule: Members) -> RateRule:
    rate = rule["Statement"].get(_RATE)
    if rate is None:
        raise _invalid(f"the rule {rule['Name']} has no statement")
    window = rate.get("EvaluationWindowSec", _USUAL_WINDOW)
    if window not in _WINDOWS:
        raise _invalid(f"EvaluationWindowSec must be one of {', '.join(map(str, _WINDOWS))}")
    if "Action" not in rule:
        raise _invalid(f"the rule {rule['Name']} has no action")
    return RateRule(
        name=rule["Name"],
        limit=rate["Limit"],
        window=window,
        block=_action(rule["Action"], f"the action of {rule['Name']}") or Block(),
    )


def _action(action: Members, where: str) -> Block | None:
    if len(action) != 1:
        raise _invalid(f"{where} must have exactly one member")
    if _BLOCK not in action:
        if action.get(_ALLOW):
            raise ApiError(
                "WAFInvalidOperationException",
                "The stand-in's WAF doesn't support CustomRequestHandling.",
            )
        return None
    custom = action[_BLOCK].get("CustomResponse")
    if custom is None:
        return Block()
    if unsupported := sorted(custom.keys() - {"ResponseCode"}):
        raise ApiError(
            "WAFInvalidOperationException", f"The stand-in's WAF doesn't support {unsupported[0]}."
        )
    return Block(status=custom["ResponseCode"])


def _invalid(reason: str) -> ApiError:
    return ApiError(
        "WAFInvalidParameterException", f"Error reason: {reason[:1].upper()}{reason[1:]}."
    )
