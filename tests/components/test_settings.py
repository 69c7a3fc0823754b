"""What holds for every model of the configuration."""

import pytest
from pydantic import ValidationError

from components.settings import HealthCheck, StackSettings
from tests.components.model_rules import BASE
from tests.components.parsing import parse


def test_settings_never_change() -> None:
    settings = parse(BASE)
    assert isinstance(settings, StackSettings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.cpu = 2048  # type: ignore[misc] # which mypy refuses too


def test_an_error_never_shows_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        HealthCheck.model_validate({"path": 42, "interval": "hush"})
    assert "interval" in str(caught.value)
    assert "hush" not in str(caught.value)
