"""Filter patterns of CloudWatch Logs: which log events match, and with which fields. Pure.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live
Tail" in the Amazon CloudWatch Logs User Guide.
"""

from localcloud.aws.logs.delimited_pattern import parse_delimited
from localcloud.aws.logs.json_pattern import parse_json
from localcloud.aws.logs.matching import Pattern
from localcloud.aws.logs.terms_pattern import parse_terms


def parse_pattern(text: str) -> Pattern:
    """Parse a filter pattern of any kind; the empty one matches every event.

    Raises:
        PatternError: it isn't valid, or the stand-in doesn't support a part of it.
    """
    stripped = text.strip()
    if stripped.startswith("{"):
        return parse_json(stripped)
    if stripped.startswith("["):
        return parse_delimited(stripped)
    return parse_terms(stripped)
