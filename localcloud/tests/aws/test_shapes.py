import botocore.loaders
import botocore.model
import pytest

from localcloud.aws.shapes import constraint_problems

SERVICES = [
    "application-autoscaling",
    "apprunner",
    "cloudfront",
    "cognito-idp",
    "ecs",
    "elbv2",
    "events",
    "secretsmanager",
    "wafv2",
]


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_a_service_can_be_compared(service: str) -> None:
    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    model = botocore.model.ServiceModel(description, service)
    for name, shape in description["shapes"].items():
        if shape["type"] == "string" and "pattern" in shape:
            list(constraint_problems(model.shape_for(name), "text"))


@pytest.mark.parametrize(
    ("value", "valid"), [("requests per target", True), ("caf\u00e9", False), ("a\tb", False)]
)
def test_a_policys_name_is_printable(value: str, valid: bool) -> None:
    shape = _shape("application-autoscaling", "PolicyName")
    assert (not list(constraint_problems(shape, value))) is valid


def test_a_resource_id_may_have_any_character_of_unicode() -> None:
    shape = _shape("application-autoscaling", "ResourceIdMaxLen1600")
    assert not list(constraint_problems(shape, "service/\U0001f600"))
    assert list(constraint_problems(shape, "service/\x01"))


def _shape(service: str, name: str) -> botocore.model.Shape:
    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(description, service).shape_for(name)
