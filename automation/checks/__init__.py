"""Checks of a deployed stack, one module per topic. Importing the package registers all of them.

registry    what a check is, and the decorator that registers one
context     the stack under test: settings, outputs, AWS clients, tokens
probe       what a check gets: access to the stack, recording every request as evidence
runner      runs checks in parallel, each within its time limit
results     reports as data
verdicts    exceptions and assertions with which a check ends
lookups, mcp, tokens, forgery, schedules, monitoring    helpers that several checks share
"""

from automation.checks import (
    access_logs,
    alarms,
    canary,
    conformance,
    edge,
    identity,
    loading,
    policy,
    protocol,
    refusals,
    repository,
    rights,
    roles,
    rotation,
    service,
    sign_on,
    subscriptions,
)
from automation.checks.registry import CHECKS, Check

__all__ = [
    "CHECKS",
    "Check",
    "access_logs",
    "alarms",
    "canary",
    "conformance",
    "edge",
    "identity",
    "loading",
    "policy",
    "protocol",
    "refusals",
    "repository",
    "rights",
    "roles",
    "rotation",
    "service",
    "sign_on",
    "subscriptions",
]
