"""What the checks of a stack's monitoring share."""

from automation.checks.probe import Probe
from automation.checks.verdicts import Failed, Skipped

_TOPIC = "alarmTopicArn"


def require_monitoring(probe: Probe) -> None:
    """Require that a stack has monitoring.

    Raises:
        Skipped: it is off.
        Failed: it is on, but isn't deployed.
    """
    context = probe.context
    if not context.settings.monitoring.enabled:
        raise Skipped("this stack has no monitoring (monitoring.enabled: false)")
    if _TOPIC not in context.outputs:
        raise Failed(
            "monitoring.enabled is true, but that isn't deployed. Run: python -m automation deploy"
            f" --stack {context.stack}"
        )


def own_region(probe: Probe) -> str:
    """Return the stack's region."""
    return str(probe.context.outputs[_TOPIC]).split(":")[3]


def topic_arn(probe: Probe, region: str) -> str:
    """Return the ARN of the topic that the stack's alarms in a region notify."""
    before, _, after = str(probe.context.outputs[_TOPIC]).partition(f":{own_region(probe)}:")
    return f"{before}:{region}:{after}"


def refresh_command(probe: Probe) -> str:
    """Return the command that restores what was changed or deleted by hand."""
    return f"pulumi up --refresh --stack {probe.context.stack}"
