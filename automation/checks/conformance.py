"""P5: the MCP conformance suite's scenarios for servers, with a token added on the way."""

from types import MappingProxyType
from typing import Any, Final

from automation.checks.inspection import Inspection
from automation.checks.registry import Look, check
from automation.checks.verdicts import Skipped, expect
from automation.conformance.forwarder import forwarding
from automation.conformance.suite import ConformanceError, Suite, failure

FITTING: Final = ("server-initialize", "ping", "tools-list")
"""The scenarios that any server must pass."""

_TOOL: Final = "wants a tool of the suite's own, which this server doesn't have"
_NONE_OFFERED: Final = "this server offers none, and says so"
OTHERS: Final = MappingProxyType(
    {
        "completion-complete": f"completions: {_NONE_OFFERED}",
        "dns-rebinding-protection": "guards servers on a loopback address; this one is public",
        "elicitation-sep1034-defaults": _TOOL,
        "elicitation-sep1330-enums": _TOOL,
        "json-schema-2020-12": _TOOL,
        "logging-set-level": f"logging to clients: {_NONE_OFFERED}",
        **dict.fromkeys(
            (
                "prompts-get-embedded-resource",
                "prompts-get-simple",
                "prompts-get-with-args",
                "prompts-get-with-image",
                "prompts-list",
            ),
            f"prompts: {_NONE_OFFERED}",
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
            f"resources: {_NONE_OFFERED}",
        ),
        "server-sse-multiple-streams": "the server keeps no session and answers without streams",
        "server-sse-polling": "the server keeps no session and answers without streams",
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
"""Why each of the other scenarios doesn't fit, by name."""

# Bringing the suite the first time takes most of it.
_LIMIT: Final = 1800.0
_PASSED: Final = "SUCCESS"


def _passes(scenario: str) -> Look:
    def look(inspection: Inspection) -> None:
        (looked_at,) = _run(inspection, scenario).values()
        inspection.note(f"Scenario {scenario}", looked_at)
        expect(not failure(looked_at), f"{scenario}: {failure(looked_at)}")
        expect(_succeeds(looked_at), f"{scenario}: the suite looked at nothing")

    look.__doc__ = f"The MCP conformance suite's scenario {scenario} passes."
    return look


for _scenario in FITTING:
    check(f"P5-conformance-{_scenario}", limit=_LIMIT)(_passes(_scenario))


@check("P5-conformance-others", limit=_LIMIT)
def others(inspection: Inspection) -> None:
    """The suite's other scenarios are known, and don't pass for known reasons."""
    found = _run(inspection, None)
    inspection.note(
        "The other scenarios: why they don't fit, and what the suite says",
        {
            scenario: {"reason": reason, "suite": failure(found.get(scenario, [])) or "no success"}
            for scenario, reason in OTHERS.items()
        },
    )
    unknown = sorted(found.keys() - OTHERS.keys() - set(FITTING))
    expect(not unknown, f"the suite has scenarios that nobody has judged: {', '.join(unknown)}")
    gone = sorted(OTHERS.keys() - found.keys())
    expect(not gone, f"the suite has no longer the scenarios {', '.join(gone)}")
    passing = sorted(
        scenario
        for scenario in OTHERS
        if _succeeds(found[scenario]) and not failure(found[scenario])
    )
    expect(not passing, f"these scenarios pass now and belong to the others: {', '.join(passing)}")


def _run(inspection: Inspection, scenario: str | None) -> dict[str, list[dict[str, Any]]]:
    context = inspection.context
    token = context.token(next(iter(context.clients)))
    try:
        suite = Suite.bring()
        with (
            context.http_client() as http,
            forwarding(http, context.outputs["mcpUrl"], token) as url,
        ):
            return suite.run(url, scenario)
    except ConformanceError as error:
        raise Skipped(f"the suite can't be run here: {error}") from error


def _succeeds(looked_at: list[dict[str, Any]]) -> bool:
    return any(each["status"] == _PASSED for each in looked_at)
