"""Every probe, by its key."""

from typing import Final

from automation.probes.families.repositories import REPOSITORIES
from automation.probes.families.rotations import ROTATIONS
from automation.probes.families.secret_versions import SECRET_VERSIONS
from automation.probes.families.tokens import TOKENS
from automation.probes.families.user_pools import USER_POOLS
from automation.probes.probe import Probe

_FAMILIES: Final = (USER_POOLS, TOKENS, SECRET_VERSIONS, ROTATIONS, REPOSITORIES)
PROBES: Final[dict[str, Probe]] = {
    probe.key: probe for family in _FAMILIES for probe in family.probes
}
