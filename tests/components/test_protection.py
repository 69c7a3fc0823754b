import pytest

from components.protection import PROTECTED, Protection
from components.replacement import REPLACEMENTS, Replacement, delete_before_replace
from tests.components.conftest import MakeSettings
from tests.components.resource_classes import resource_class


@pytest.mark.parametrize("deletion", [True, False])
def test_only_protected_types_have_the_option(make_settings: MakeSettings, deletion: bool) -> None:
    protection = Protection.configured(make_settings(deletionProtection=str(deletion).lower()))

    assert {protection.protects(kind) for kind in PROTECTED} == {deletion}
    # None, so that an option of the parent still applies.
    assert protection.protects("aws:iam/role:Role") is None


def test_protection_is_as_configured(make_settings: MakeSettings) -> None:
    settings = make_settings(
        deletionProtection="false",
        retainClaimsLog="true",
        logRetentionDays="7",
        secretRecoveryDays="0",
    )

    assert Protection.configured(settings) == Protection(
        deletion=False, retain_claims_log=True, log_retention_days=7, secret_recovery_days=0
    )


def test_replacements_are_pulumis_option() -> None:
    assert {each.name: each.value for each in Replacement} == {
        "DELETE_FIRST": True,
        "CREATE_FIRST": False,
        "BY_NAME": None,
    }
    assert delete_before_replace("aws:apprunner/service:Service") is True
    assert delete_before_replace("aws:cognito/userPool:UserPool") is False
    assert delete_before_replace("aws:iam/role:Role") is None


@pytest.mark.parametrize("kind", sorted(REPLACEMENTS))
def test_every_rule_is_for_a_type_that_an_sdk_declares(kind: str) -> None:
    assert resource_class(kind).pulumi_type == kind


def test_protected_types_have_a_replacement_rule() -> None:
    assert set(REPLACEMENTS) >= PROTECTED
