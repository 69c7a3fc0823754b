"""Counts what logs and images use in a month. Pure."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from automation.cost import prices
from automation.cost.clients import callers_tokens, retirements
from automation.cost.usage import HOURS, Group, Load, Resource, Usage, count, gigabytes, of_type

_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
_DELIVERY: Final = "aws:cloudwatch/logDelivery:LogDelivery"
_REPOSITORY: Final = "aws:ecr/repository:Repository"
_LIFECYCLE: Final = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_DAYS: Final = HOURS / 24
_ACCESS_KILOBYTES: Final = Decimal(1)
_RUN_KILOBYTES: Final = Decimal(1)
_IMAGE_GIGABYTES: Final = Decimal("0.011")
# Without a lifecycle policy, for which the program has no setting.
_IMAGES: Final = 10

_usage = partial(Usage, group=Group.STORAGE)


def usages(resources: Sequence[Resource], load: Load) -> Iterator[Usage]:
    """Count what logs receive and keep, and the images that the registry keeps."""
    deliveries = count(resources, _DELIVERY)
    server = load.calls * load.log_kilobytes_per_call
    access = load.calls * deliveries * _ACCESS_KILOBYTES
    functions = (callers_tokens(resources, load) + retirements(resources)) * _RUN_KILOBYTES
    yield _usage(
        what="Server's log",
        quantity=gigabytes(server),
        price=prices.LOG_INGESTION,
        assumes=f"{load.log_kilobytes_per_call.normalize():f} KB for each call; logLevel decides",
    )
    yield _usage(
        what="Access logs",
        quantity=gigabytes(access),
        price=prices.LOG_INGESTION,
        assumes=f"{_ACCESS_KILOBYTES} KB for each call, in each of {deliveries} logs",
    )
    yield _usage(
        what="Functions' logs",
        quantity=gigabytes(functions),
        price=prices.LOG_INGESTION,
        assumes=f"{_RUN_KILOBYTES} KB for each token and each retirement",
    )
    days = max(
        (int(each.inputs.get("retentionInDays") or 0) for each in of_type(resources, _GROUP)),
        default=0,
    )
    yield _usage(
        what="Storage of logs",
        quantity=gigabytes(server + access + functions) * days / _DAYS,
        price=prices.LOG_STORAGE,
        assumes=f"{days} days of the logs above, as if they weren't compressed",
    )
    images = sum(_images(resources) for _ in of_type(resources, _REPOSITORY))
    yield _usage(
        what="Storage of images",
        quantity=images * _IMAGE_GIGABYTES,
        price=prices.IMAGE_STORAGE,
        assumes=f"{images} images of 11 MB",
    )


def _images(resources: Sequence[Resource]) -> int:
    """Return how many images the repository keeps."""
    for each in of_type(resources, _LIFECYCLE):
        (rule,) = json.loads(each.inputs["policy"])["rules"]
        return int(rule["selection"]["countNumber"])
    return _IMAGES
