"""Random ends of names that are still taken when their resource has been deleted."""

import pulumi
import pulumi_random as random

from components.names import SUFFIX_LENGTH


def random_suffix(name: str, *, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Declare random lower-case letters and digits that stay the same until they are destroyed.

    Args:
        name: logical name.
        parent: the component that they belong to.

    Returns:
        The characters.
    """
    suffix = random.RandomString(
        name,
        length=SUFFIX_LENGTH,
        special=False,
        upper=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return suffix.result
