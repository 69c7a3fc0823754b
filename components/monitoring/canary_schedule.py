"""When the canary runs. Pure."""


def schedule(minutes: int) -> str:
    """Return the schedule of a rule that runs at this interval.

    Source: "Creating a rule that runs on a schedule" in the Amazon EventBridge User Guide, which
    requires the singular for one.
    """
    return f"rate({minutes} {'minute' if minutes == 1 else 'minutes'})"
