"""P6: the alarms, as CloudWatch has them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.checks.alarm_definitions import (
    Definition,
    composite_definition,
    definition,
    deployed_dimensions,
    differences,
)
from automation.checks.monitoring import own_region, refresh_command, require_monitoring, topic_arn
from automation.checks.probe import Probe
from automation.checks.registry import check
from automation.checks.verdicts import Failed
from automation.muting import MUTED, mute_end
from automation.waiting import is_not_found
from components.edge_alarms import REGION as EDGE_REGION
from components.monitoring.alarm import CALLERS_AFFECTED
from components.monitoring.alarms import callers_affected_rule, stack_alarms

_KINDS: Final = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}


@check("P6-alarms")
def alarms(probe: Probe) -> None:
    """Every alarm is in CloudWatch as configured, notifies the topic, and isn't left muted."""
    require_monitoring(probe)
    changed: list[str] = []
    others: list[str] = []
    for region, wanted in _definitions(probe).items():
        found = _described(probe, region)
        for name, each in wanted.items():
            if name not in found:
                changed.append(f"there is no alarm {name}")
            else:
                changed += (f"{name}: {text}" for text in differences(found[name], each))
        others += _unknown(probe, region, set(found) - set(wanted), found)
        others += _muted(probe, region)
    if changed:
        changed.append(f"to restore what is configured, run: {refresh_command(probe)}")
    if changed or others:
        raise Failed("; ".join([*changed, *others]))


def _definitions(probe: Probe) -> Mapping[str, Mapping[str, Definition]]:
    """Return what the stack's alarms must be, by region and name."""
    context, own = probe.context, own_region(probe)
    names = context.names
    deployed = deployed_dimensions(context.state())
    found: dict[str, dict[str, Definition]] = defaultdict(dict)
    affecting: list[str] = []
    for alarm in stack_alarms(context.settings, names.service_dimension):
        region, name = EDGE_REGION if alarm.is_of_edge else own, names.alarm(alarm.name)
        found[region][name] = definition(alarm, topic_arn(probe, region), deployed.get(name, {}))
        if alarm.affects_callers:
            affecting.append(name)
    found[own][names.alarm(CALLERS_AFFECTED)] = composite_definition(
        callers_affected_rule(affecting), topic_arn(probe, own)
    )
    return found


def _described(probe: Probe, region: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the alarms in a region with names as the stack's have, by name."""
    response = probe.aws_pages(
        "cloudwatch",
        "describe_alarms",
        region=region,
        AlarmNamePrefix=probe.context.names.alarm(""),
        AlarmTypes=list(_KINDS),
        shown=lambda response: {each["AlarmName"]: each["StateValue"] for each in _all(response)},
    )
    return {each["AlarmName"]: each for each in _all(response)}


def _all(response: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in _KINDS.values():
        yield from response.get(kind, ())


def _unknown(
    probe: Probe, region: str, names: set[str], found: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Report the stack's alarms among those that it doesn't define.

    The name doesn't decide: that of another stack may begin with this one's.
    """
    for name in sorted(names):
        arn = found[name]["AlarmArn"]
        tags = probe.aws("cloudwatch", "list_tags_for_resource", region=region, ResourceARN=arn)
        if {"Key": "Stack", "Value": probe.context.stack} in tags["Tags"]:
            yield (
                f"{name} is no alarm of this configuration; to delete it, run: aws cloudwatch"
                f" delete-alarms --region {region} --alarm-names {name}"
            )


def _muted(probe: Probe, region: str) -> Iterator[str]:
    """Report a mute rule that doesn't end soon; a deployment's may be in use."""
    name = probe.context.names.mute_rule
    try:
        rule = probe.aws("cloudwatch", "get_alarm_mute_rule", region=region, AlarmMuteRuleName=name)
    except ClientError as error:
        if is_not_found(error):
            return
        raise
    if rule["Status"] == "EXPIRED":
        return
    end = mute_end(rule)
    if end is None or end > dt.datetime.now(dt.UTC) + MUTED:
        yield (
            f"the rule {name} mutes the alarms, and wasn't made by a deployment. To end that, run:"
            f" aws cloudwatch delete-alarm-mute-rule --region {region}"
            f" --alarm-mute-rule-name {name}"
        )
    else:
        probe.note(
            name,
            f"A deployment mutes the alarms until {end:%H:%M} UTC at the latest",
        )
