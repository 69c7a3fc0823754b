"""Every probe, by its key."""

from typing import Final

from automation.probes.families.access import EVENT_HISTORY, ROLES, SIGNATURES
from automation.probes.families.alarms import ALARMS
from automation.probes.families.deployments import APP_RUNNER, ECS
from automation.probes.families.edge import EDGE
from automation.probes.families.function_urls import FUNCTION_URLS
from automation.probes.families.functions import FUNCTIONS
from automation.probes.families.load_balancers import LOAD_BALANCERS
from automation.probes.families.log_groups import LOG_GROUPS
from automation.probes.families.messages import RULES, TOPICS
from automation.probes.families.networks import SECURITY_GROUPS, VPC_CONNECTORS
from automation.probes.families.repositories import REPOSITORIES
from automation.probes.families.rotations import ROTATIONS
from automation.probes.families.secret_versions import SECRET_VERSIONS
from automation.probes.families.tokens import TOKENS
from automation.probes.families.user_pools import USER_POOLS
from automation.probes.probe import Probe

_FAMILIES: Final = (
    SIGNATURES,
    ROLES,
    EVENT_HISTORY,
    REPOSITORIES,
    USER_POOLS,
    TOKENS,
    SECRET_VERSIONS,
    ROTATIONS,
    FUNCTIONS,
    FUNCTION_URLS,
    LOG_GROUPS,
    ALARMS,
    RULES,
    TOPICS,
    SECURITY_GROUPS,
    VPC_CONNECTORS,
    APP_RUNNER,
    LOAD_BALANCERS,
    ECS,
    EDGE,
)
PROBES: Final[dict[str, Probe]] = {
    probe.key: probe for family in _FAMILIES for probe in family.probes
}
