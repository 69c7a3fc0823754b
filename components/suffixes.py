"""Random ends of names that stay taken after their resource has been deleted."""

import pulumi
import pulumi_random as random

from components.context import StackContext
from components.names import SUFFIX_LENGTH


def random_suffix(
    logical_name: str, context: StackContext, *, parent: pulumi.ComponentResource
) -> pulumi.Output[str]:
    """Declare random lower-case letters and digits, which stay the same until destroyed."""
    suffix = random.RandomString(
        logical_name,
        length=SUFFIX_LENGTH,
        special=False,
        upper=False,
        opts=context.options(random.RandomString, parent=parent),
    )
    return suffix.result
