import datetime as dt
import json

import pytest

from localcloud.aws.protocol import (
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)


@pytest.fixture(scope="module")
def protocol() -> ServiceProtocol:
    return ServiceProtocol("apprunner")


def test_a_request_is_parsed(protocol: ServiceProtocol) -> None:
    assert protocol.read("AppRunner.ListServices", b"") == ("ListServices", {})
    assert protocol.read("AppRunner.ListServices", b'{"MaxResults": 3}') == (
        "ListServices",
        {"MaxResults": 3},
    )


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("AppRunner.Fly", b"{}", "UnknownOperationException"),
        ("AppRunner.ListServices", b"{", "SerializationException"),
    ],
)
def test_malformed_requests_are_refused(
    target: str, body: bytes, code: str, protocol: ServiceProtocol
) -> None:
    with pytest.raises(ApiError) as error:
        protocol.read(target, body)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ([], "SerializationException", "the request must be of type structure"),
        ({"MaxResults": "3"}, "SerializationException", "maxResults must be of type integer"),
        ({"MaxResults": True}, "SerializationException", "maxResults must be of type integer"),
        ({"Surprise": 1, "More": 2}, "SerializationException", "surprise is unknown; more is"),
        (
            {"MaxResults": 21},
            "ValidationException",
            "at 'maxResults' failed to satisfy constraint: Member must have value less than",
        ),
        ({"MaxResults": 0}, "ValidationException", "greater than or equal to 1"),
    ],
)
def test_invalid_parameters_are_refused(
    parameters: object, code: str, message: str, protocol: ServiceProtocol
) -> None:
    with pytest.raises(ApiError) as error:
        protocol.validate("ListServices", parameters)
    assert error.value.code == code
    assert message in error.value.message


def test_null_members_are_absent(protocol: ServiceProtocol) -> None:
    protocol.validate("ListServices", {"MaxResults": None})
    assert without_nulls({"a": None, "b": {"c": None, "d": 1}}) == {"b": {"d": 1}}


def test_all_violations_are_reported_at_once(protocol: ServiceProtocol) -> None:
    with pytest.raises(ApiError) as error:
        protocol.validate(
            "CreateAutoScalingConfiguration",
            {"MaxConcurrency": 0, "Tags": [{"Key": "aws:x", "Value": "y" * 257}]},
        )
    message = error.value.message
    assert message.startswith("4 validation errors detected: ")
    for path in (
        "'autoScalingConfigurationName'",
        "'maxConcurrency'",
        "'tags.1.member.key'",
        "'tags.1.member.value'",
    ):
        assert path in message


def test_values_outside_an_enumeration_are_refused(protocol: ServiceProtocol) -> None:
    with pytest.raises(ApiError, match=r"must satisfy enum value set: \[AWSXRAY\]"):
        protocol.validate(
            "CreateObservabilityConfiguration",
            {"ObservabilityConfigurationName": "name", "TraceConfiguration": {"Vendor": "x"}},
        )


def test_timestamps_are_epoch_seconds() -> None:
    at = dt.datetime(2026, 11, 25, 1, 2, 3, 456000, tzinfo=dt.UTC)
    assert json.loads(encode({"At": at, "None": None})) == {"At": 1795568523.456}
    assert json.loads(encode_error(ApiError("Code", "why"))) == {
        "__type": "Code",
        "Message": "why",
        "message": "why",
    }


@pytest.mark.parametrize("url", ["https://x.example/é?a=1&b=[^]-2", "x", "²"])
def test_a_pattern_with_unicode_categories_matches(url: str) -> None:
    ServiceProtocol("cognito-idp").validate(
        "CreateUserPoolClient",
        {"UserPoolId": "us-east-1_a", "ClientName": "x", "CallbackURLs": [url]},
    )


@pytest.mark.parametrize("url", ["https://x y", "a\u200bb", " ", "\0", "\U0010ffff", "x\n"])
def test_a_character_of_another_category_does_not_match(url: str) -> None:
    with pytest.raises(ApiError, match="callbackURLs"):
        ServiceProtocol("cognito-idp").validate(
            "CreateUserPoolClient",
            {"UserPoolId": "us-east-1_a", "ClientName": "x", "CallbackURLs": [url]},
        )
