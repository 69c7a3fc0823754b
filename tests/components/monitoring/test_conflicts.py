"""Values of `monitoring` that a stack can't have."""

import pytest

from components.configuration import ConfigurationError
from tests.components.conftest import MakeSettings


def test_a_threshold_of_an_unknown_alarm_is_refused_with_the_known_ones(
    make_settings: MakeSettings,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_settings(monitoring={"thresholds": {"high-cpus": 50}})
    (problem,) = caught.value.problems
    assert problem.key == "neo4j-mcp:monitoring.thresholds.high-cpus"
    assert "is no alarm of this stack" in problem.message
    assert "high-cpu, high-memory" in problem.message
    assert "pulumi config rm --path" in str(problem)


def test_a_host_has_no_threshold_of_another_hosts_alarm(make_settings: MakeSettings) -> None:
    thresholds = {"thresholds": {"service-throttled": 50}}
    make_settings(hosting="lambda", monitoring=thresholds)
    with pytest.raises(ConfigurationError, match="service-throttled"):
        make_settings(monitoring=thresholds)


@pytest.mark.parametrize("level", ["critical", "alert", "emergency"])
def test_monitoring_needs_the_servers_error_lines(make_settings: MakeSettings, level: str) -> None:
    make_settings(logLevel=level)
    with pytest.raises(ConfigurationError, match="counts failed tool calls"):
        make_settings(logLevel=level, monitoring={"enabled": True})
    make_settings(logLevel="error", monitoring={"enabled": True})
