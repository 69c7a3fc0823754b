import pulumi_aws as aws
import pytest

from components.protection import PROTECTED, Protection
from components.replacement import Replacement, delete_before_replace
from tests.components.conftest import MakeSettings


@pytest.mark.parametrize("deletion", [True, False])
def test_only_protected_types_have_the_option(make_settings: MakeSettings, deletion: bool) -> None:
    protection = Protection.configured(make_settings(deletionProtection=str(deletion).lower()))

    assert {protection.protects(resource) for resource in PROTECTED} == {deletion}
    # None, so that an option of the parent still applies.
    assert protection.protects(aws.iam.Role) is None


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
    assert delete_before_replace(aws.apprunner.Service) is True
    assert delete_before_replace(aws.cognito.UserPool) is False
    assert delete_before_replace(aws.iam.Role) is None
