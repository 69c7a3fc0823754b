import botocore.session
import pytest
from botocore.model import StructureShape

from localcloud.providers.aws import cognito, ecr
from localcloud.providers.aws.apprunner import Service
from localcloud.providers.aws.resource import AwsResource
from localcloud.providers.aws.secretsmanager import Secret
from localcloud.providers.aws.shapes import Casing, from_aws, to_aws, violations
from localcloud.providers.schema import Kind, Property
from localcloud.providers.values import UNKNOWN, Values

_SESSION = botocore.session.Session()


def _shape(resource: AwsResource) -> StructureShape:
    model = _SESSION.get_service_model(resource.service)
    shape = model.operation_model(resource.creates.name).input_shape
    assert shape is not None
    return shape


def _reported(resource: AwsResource, values: Values) -> dict[str, str]:
    found = violations(resource.properties, values, _shape(resource), resource.casing)
    return {each.property: each.reason for each in found}


@pytest.mark.parametrize(
    ("resource", "values", "reported"),
    [
        (
            cognito.UserPool(),
            {"userPoolTier": "FREE"},
            {"userPoolTier": "userPoolTier must be one of LITE, ESSENTIALS, PLUS"},
        ),
        (
            cognito.UserPool(),
            {"passwordPolicy": {"minimumLength": 5}},
            {"passwordPolicy.minimumLength": "passwordPolicy.minimumLength must be at least 6"},
        ),
        (
            cognito.UserPoolClient(),
            {"allowedOauthFlows": ["implicit", "magic"]},
            {
                "allowedOauthFlows[1]": (
                    "allowedOauthFlows[1] must be one of code, implicit, client_credentials"
                )
            },
        ),
        (
            cognito.UserPoolClient(),
            {"allowedOauthFlows": ["code"] * 4},
            {"allowedOauthFlows": "allowedOauthFlows must be at most 3 items"},
        ),
        (
            Secret(),
            {"name": "n" * 513},
            {"name": "name must be at most 512 characters"},
        ),
        (
            Service(),
            {"serviceName": "a"},
            {"serviceName": "serviceName must match [A-Za-z0-9][A-Za-z0-9-_]{3,39}"},
        ),
        (cognito.UserPool(), {"userPoolTier": UNKNOWN, "passwordPolicy": UNKNOWN}, {}),
        (cognito.UserPoolClient(), {"allowedOauthFlows": [UNKNOWN]}, {}),
        (cognito.UserPool(), {"passwordPolicy": "not an object"}, {}),
        (
            ecr.Repository(),
            {"encryptionConfigurations": [{"encryptionType": "AES256"}]},
            {},
        ),
    ],
)
def test_inputs_that_aws_would_reject_are_reported(
    resource: AwsResource, values: Values, reported: dict[str, str]
) -> None:
    found = _reported(resource, values)
    assert {name: found.get(name) for name in reported} == reported
    assert bool(found) == bool(reported)


def test_a_rejected_value_is_not_shown() -> None:
    assert "hunter2" not in str(_reported(Secret(), {"name": "hunter2" * 100}))


def test_a_missing_required_member_is_reported() -> None:
    reported = _reported(
        Service(), {"sourceConfiguration": {"imageRepository": {"imageIdentifier": UNKNOWN}}}
    )
    assert "ImageRepositoryType" in reported["sourceConfiguration.imageRepository"]


def test_values_are_converted_to_parameters_and_back() -> None:
    pool = cognito.UserPool()
    values: Values = {
        "name": "pool",
        "passwordPolicy": {"minimumLength": 8},
        "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
        "arn": "an output is never sent",
        "tags": {"a": "sent under another name"},
    }
    sent = to_aws(pool.properties, values, _shape(pool), pool.casing)
    assert sent == {
        "PoolName": "pool",
        "Policies": {"PasswordPolicy": {"MinimumLength": 8}},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    }
    found = from_aws(pool.properties, {**sent, "Name": sent["PoolName"]}, pool.casing)
    assert found == {name: values[name] for name in list(values)[:3]}


def test_a_list_of_at_most_one_item_is_an_object_in_aws() -> None:
    repository = ecr.Repository()
    values: Values = {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "k"}]}
    sent = to_aws(repository.properties, values, _shape(repository), repository.casing)
    assert sent == {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "k"}}
    assert from_aws(repository.properties, sent, repository.casing) == values


def test_a_document_that_boto3_parsed_is_serialized_again() -> None:
    declared = {"policy": Property(kind=Kind.JSON, aws="PolicyDocument")}
    answer = {"PolicyDocument": {"Version": "2012-10-17"}}
    assert from_aws(declared, answer, Casing.PASCAL) == {"policy": '{"Version": "2012-10-17"}'}
