"""Makes readable how the engine reports the program's errors. Pure."""

import re
from typing import Final

# How the Automation API reports an exception of the program: pulumi/automation/_server.py. What a
# provider says about a lookup is one too; every other exception is a bug, and keeps its traceback.
_FAILED_INVOKE: Final = re.compile(
    r"python inline source runtime error: invoke of (?P<function>\S+) failed: "
    r"(?:invocation of (?P=function) returned an error: )?"
    r"(?P<reason>.*?)\nTraceback \(most recent call last\):\n.*",
    re.DOTALL,
)


def readable(message: str) -> str:
    """Return an error's message without the traceback, if a provider's function failed."""
    return _FAILED_INVOKE.sub(r"\g<function> failed: \g<reason>", message)
