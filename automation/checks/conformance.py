"""P5: the MCP conformance suite's server scenarios, run through a proxy that adds a token."""

from types import MappingProxyType
from typing import Any, Final

from automation.checks.probe import Probe
from automation.checks.registry import CheckFunction, check
from automation.checks.verdicts import Skipped, expect
from automation.conformance.forwarder import forwarding
from automation.conformance.suite import ConformanceError, Suite, failure_messages
from automation.installation import InstallationError

APPLICABLE: Final = ("server-initialize", "ping", "tools-list")
"""The scenarios that this server must pass."""

_TOOL: Final = "needs a test tool that this server doesn't have"
_NOT_OFFERED: Final = "not among the server's declared capabilities"
_STATELESS: Final = "the server keeps no session and opens no streams"
NOT_APPLICABLE: Final = MappingProxyType(
    {
        "completion-complete": f"completions: {_NOT_OFFERED}",
        "dns-rebinding-protection": "protects servers on a loopback address; this one is public",
        "elicitation-sep1034-defaults": _TOOL,
        "elicitation-sep1330-enums": _TOOL,
        "json-schema-2020-12": _TOOL,
        "logging-set-level": f"logging to clients: {_NOT_OFFERED}",
        **dict.fromkeys(
            (
                "prompts-get-embedded-resource",
                "prompts-get-simple",
                "prompts-get-with-args",
                "prompts-get-with-image",
                "prompts-list",
            ),
            f"prompts: {_NOT_OFFERED}",
        ),
        **dict.fromkeys(
            (
                "resources-list",
                "resources-read-binary",
                "resources-read-text",
                "resources-subscribe",
                "resources-templates-read",
                "resources-unsubscribe",
            ),
            f"resources: {_NOT_OFFERED}",
        ),
        "server-sse-multiple-streams": _STATELESS,
        "server-sse-polling": _STATELESS,
        **dict.fromkeys(
            (
                "tools-call-audio",
                "tools-call-elicitation",
                "tools-call-embedded-resource",
                "tools-call-error",
                "tools-call-image",
                "tools-call-mixed-content",
                "tools-call-sampling",
                "tools-call-simple-text",
                "tools-call-with-logging",
                "tools-call-with-progress",
            ),
            _TOOL,
        ),
    }
)
"""Why the other scenarios don't apply, by name."""

# Mostly for installing the suite the first time.
_TIME_LIMIT: Final = 1800.0
_SUCCESS: Final = "SUCCESS"


def _passes(scenario: str) -> CheckFunction:
    def passes(probe: Probe) -> None:
        (checks,) = _run(probe, scenario).values()
        probe.note(f"Scenario {scenario}", checks)
        expect(not failure_messages(checks), f"{scenario}: {failure_messages(checks)}")
        expect(_has_success(checks), f"{scenario}: no check of the suite succeeded")

    passes.__doc__ = f"The MCP conformance suite's scenario {scenario} passes."
    return passes


for _scenario in APPLICABLE:
    check(f"P5-conformance-{_scenario}", limit=_TIME_LIMIT)(_passes(_scenario))


@check("P5-conformance-others", limit=_TIME_LIMIT)
def others(probe: Probe) -> None:
    """The suite's other scenarios don't apply, each for a known reason."""
    found = _run(probe, None)
    probe.note(
        "The other scenarios: why they don't apply, and what the suite reports",
        {
            scenario: {
                "reason": reason,
                "suite": failure_messages(found.get(scenario, [])) or "no success",
            }
            for scenario, reason in NOT_APPLICABLE.items()
        },
    )
    unknown = sorted(found.keys() - NOT_APPLICABLE.keys() - set(APPLICABLE))
    expect(
        not unknown, f"the suite has scenarios that aren't classified here: {', '.join(unknown)}"
    )
    gone = sorted(NOT_APPLICABLE.keys() - found.keys())
    expect(not gone, f"the suite no longer has the scenarios {', '.join(gone)}")
    passing = sorted(
        scenario
        for scenario in NOT_APPLICABLE
        if _has_success(found[scenario]) and not failure_messages(found[scenario])
    )
    expect(not passing, f"these scenarios pass now, so they apply: {', '.join(passing)}")


def _run(probe: Probe, scenario: str | None) -> dict[str, list[dict[str, Any]]]:
    context = probe.context
    token = context.token(context.first_client)
    try:
        suite = Suite.install(context.stopping.is_set)
        with (
            context.http_client() as http,
            forwarding(http, context.outputs["mcpUrl"], token) as url,
        ):
            return suite.run(url, scenario)
    except (ConformanceError, InstallationError) as error:
        raise Skipped(f"the suite can't be run here: {error}") from error


def _has_success(checks: list[dict[str, Any]]) -> bool:
    return any(each["status"] == _SUCCESS for each in checks)
