"""Why some behaviors in docs/parity.md have no probe, by where their tests are. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

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
        "It needs a distribution, which takes a quarter of an hour to create and to delete.",
    ),
    (
        ("elbv2", "autoscaling"),
        "It needs a load balancer with targets: a network, minutes and money.",
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
        "It shows with a delay of up to a day, or needs a KMS key, which can't be deleted at once.",
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
        found.setdefault(_reason(test.strip("`").partition("::")[0]), []).append(behavior)
    return found


def _reason(test: str) -> str:
    return next(
        (reason for parts, reason in _REASONS if any(part in test for part in parts)), _OTHER
    )
