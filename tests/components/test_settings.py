"""What holds for every model of the configuration."""

import pytest
from pydantic import ValidationError

from components import rules
from components.configuration import ConfigurationError
from components.hosting.apprunner.settings import HealthCheck
from components.hosting.keys import ImageHostSettings
from components.settings import HostSettings, StackSettings
from tests.components.model_rules import BASE
from tests.components.parsing import parse


def test_settings_never_change() -> None:
    settings = parse(BASE)
    assert isinstance(settings, StackSettings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.read_only = True  # type: ignore[misc] # which mypy refuses too
    with pytest.raises(ValidationError, match="frozen"):
        settings.host_as(ImageHostSettings).image_retention = 3  # type: ignore[misc] # as above


def test_a_hosts_settings_are_refused_to_another_host() -> None:
    class Other(HostSettings):
        """Another host's settings."""

    with pytest.raises(TypeError, match="hosting is apprunner, which has no Other"):
        parse(BASE).host_as(Other)


def test_an_error_never_shows_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        HealthCheck.model_validate({"path": 42, "interval": "hush"})
    assert "interval" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", [True, "true", False, "false"])
def test_pulumi_has_two_spellings_of_each_boolean(value: object) -> None:
    assert rules.boolean(value) is (value in {True, "true"})


@pytest.mark.parametrize("value", ["True", "yes", "on", "1", 1, 0, "", None])
def test_nothing_else_is_a_boolean(value: object) -> None:
    with pytest.raises(ValueError, match="must be true or false"):
        rules.boolean(value)


@pytest.mark.parametrize("host", ["[::1]", "[::]", "1.example.com", "192.0.2.1"])
def test_an_address_names_a_host(host: str) -> None:
    uri = f"neo4j+s://{host}"
    assert parse(BASE | {"neo4jUri": uri}).neo4j_uri == uri


@pytest.mark.parametrize("host", ["[:1]", "[:]", "[fe80::1%eth0]", "example.1", "192.0.2"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="must name a host"):
        parse(BASE | {"neo4jUri": f"neo4j+s://{host}"})
