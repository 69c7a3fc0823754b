"""Why some behaviors in docs/parity.md have no probe, by where their tests are. Pure."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

_REASONS_BY_TEST: Final = (
    (
        "test_a_target_that_is_silent_for_the_idle_timeout_is_a_504",
        "The server ends a response before the load balancer does, so a stack doesn't show it.",
    ),
    (
        "test_a_key_that_cloudwatch_logs_may_not_use_is_refused",
        "It needs a KMS key, which can be deleted after seven days at the earliest.",
    ),
    (
        "test_no_event_is_missing_where_a_page_ends",
        "It needs the permission to write to log groups, which the role `probe` doesn't have.",
    ),
)
"""By the test's name, where its file doesn't decide."""
_REASONS: Final = (
    (
        ("localcloud/tests/providers/",),
        "It is about Pulumi's providers, which a deployment shows rather than AWS's API.",
    ),
    (
        ("tests/end_to_end/", "tests/automation/", "tests/server/", "tests/components/"),
        "It is about this repository, or shows in a deployment only.",
    ),
    (
        ("cloudfront", "wafv2", "test_cloudfront"),
        "It needs its own distribution, which takes a quarter of an hour to create and to delete.",
    ),
    (
        ("elbv2", "autoscaling"),
        "It needs its own load balancer with targets: a network, minutes and money.",
    ),
    (
        ("apprunner", "test_api", "test_apprunner"),
        "It needs its own running service, or an account that App Runner refuses.",
    ),
    (
        ("/ecs/", "test_ecs"),
        "It needs tasks that run: an image, a network, minutes and money.",
    ),
    (
        ("sns", "events", "test_events"),
        "It needs a receiver that the probe can read, such as a queue or a server.",
    ),
    (
        ("cloudwatch",),
        "It shows after many minutes of values, or takes days.",
    ),
    (
        ("test_logs", "/logs/", "test_cloudtrail", "/cloudtrail/"),
        "It shows with a delay of up to a day.",
    ),
    (
        ("secretsmanager",),
        "It shows after a day or more.",
    ),
)
_OTHER: Final = "It needs a second identity, or is about what the program doesn't use."


def reasons(rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Return the behaviors without a probe by the reason why they have none.

    Args:
        rows: the cells of those rows: behavior, AWS, stand-in and test.
    """
    found: dict[str, list[str]] = {}
    for behavior, _aws, _stand_in, test, *_ in rows:
        file, _, name = test.strip("`").partition("::")
        found.setdefault(_reason(file, name), []).append(behavior)
    return found


def _reason(file: str, name: str) -> str:
    by_name = (reason for test, reason in _REASONS_BY_TEST if test == name)
    by_file = (reason for parts, reason in _REASONS if any(part in file for part in parts))
    return next(chain(by_name, by_file), _OTHER)
