"""Whether a composite alarm's actions are suppressed. Pure.

Source: "Suppressing composite alarm actions" in the user guide.
"""

from localcloud.aws.cloudwatch.alarms import CompositeAlarm
from localcloud.aws.cloudwatch.states import State, StateRecord


def suppressed_by(alarm: CompositeAlarm, suppressor: StateRecord | None, now: float) -> str | None:
    """Return what suppresses an alarm's actions, as the API names it; None if nothing does.

    Args:
        alarm: the composite alarm.
        suppressor: the state of the alarm that suppresses its actions; None without one.
        now: the time, in seconds since the epoch.
    """
    if alarm.suppressor is None or suppressor is None:
        return None
    if suppressor.value is State.ALARM:
        return "Alarm"
    left = suppressor.left_alarm
    if left is not None and now - left < alarm.suppressor.extension:
        return "ExtensionPeriod"
    if now - alarm.state.transitioned < alarm.suppressor.wait:
        return "WaitPeriod"
    return None
