import io
from pathlib import Path

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from localcloud.providers.aws.clients import Aws, AwsError
from localcloud.providers.schema import ProviderError
from localcloud.providers.values import Values

_CONFIGURATION: Values = {
    "region": "eu-central-1",
    "endpoints": [{"sts": "http://localhost:1"}, {"iam": "http://localhost:2"}],
    "accessKey": "made-up-id",
    "secretKey": "made-up-key",
    "defaultTags": {"tags": {"project": "graph"}},
}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def _aws(**changes: object) -> Aws:
    return Aws.configure({**_CONFIGURATION, **changes}, Path("/project"))  # type: ignore[dict-item] # tests give values of any kind


def test_a_configuration_is_parsed() -> None:
    aws = _aws()
    assert aws.region == "eu-central-1"
    assert aws.endpoints == {"sts": "http://localhost:1", "iam": "http://localhost:2"}
    assert aws.default_tags == {"project": "graph"}


def test_credentials_default_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ProviderError, match="aws:accessKey"):
        _aws(accessKey=None, secretKey=None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    assert _aws(accessKey=None, secretKey=None).access_key == "from-environment"


def test_credentials_are_not_shown() -> None:
    shown = repr(_aws(token="made-up-token"))
    assert "made-up" not in shown


def test_a_service_without_an_endpoint_is_reported_by_name() -> None:
    with pytest.raises(ProviderError, match="no address for cognitoidp"):
        _aws().call("cognito-idp", "ListUserPools", {"MaxResults": 1})


def test_the_aws_settings_of_the_machine_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://elsewhere:1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere:1")
    client = _aws().client("sts", "eu-central-1")
    assert client.meta.endpoint_url == "http://localhost:1"


def test_a_client_is_created_once_per_region() -> None:
    aws = _aws()
    assert aws.client("sts", "us-east-1") is aws.client("sts", "us-east-1")
    assert aws.client("sts", "us-east-1") is not aws.client("sts", "us-west-2")


def test_the_code_and_message_of_aws_are_reported() -> None:
    aws = _aws()
    with Stubber(aws.client("sts", "eu-central-1")) as stubber:
        stubber.add_client_error("get_caller_identity", "ExpiredToken", "too old")
        with pytest.raises(AwsError, match="GetCallerIdentity: ExpiredToken: too old") as error:
            aws.call("sts", "GetCallerIdentity", {})
        assert error.value.code == "ExpiredToken"


def test_a_response_has_no_metadata() -> None:
    aws = _aws()
    answer = {"Account": "1", "Arn": "a" * 20, "UserId": "u"}
    with Stubber(aws.client("sts", "eu-central-1")) as stubber:
        stubber.add_response("get_caller_identity", answer)
        assert aws.call("sts", "GetCallerIdentity", {}) == answer


def test_a_stream_in_a_response_is_read() -> None:
    aws = _aws(endpoints=[{"lambda": "http://localhost:1"}])
    body = StreamingBody(io.BytesIO(b"{}"), content_length=2)
    with Stubber(aws.client("lambda", "eu-central-1")) as stubber:
        stubber.add_response("invoke", {"StatusCode": 200, "Payload": body})
        assert aws.call("lambda", "Invoke", {"FunctionName": "f"})["Payload"] == b"{}"


def test_an_interrupted_stream_is_reported() -> None:
    aws = _aws(endpoints=[{"lambda": "http://localhost:1"}])
    body = StreamingBody(io.BytesIO(b"{"), content_length=2)
    with Stubber(aws.client("lambda", "eu-central-1")) as stubber:
        stubber.add_response("invoke", {"StatusCode": 200, "Payload": body})
        with pytest.raises(ProviderError, match=r"Invoke: 1 read, but total bytes expected is 2"):
            aws.call("lambda", "Invoke", {"FunctionName": "f"})


def test_an_invocation_may_take_as_long_as_a_function() -> None:
    aws = _aws(endpoints=[{"lambda": "http://localhost:1", "sts": "http://localhost:1"}])
    seconds = {
        name: vars(aws.client(name, "eu-central-1").meta.config)["read_timeout"]
        for name in ("lambda", "sts")
    }
    assert seconds["lambda"] > 900 > seconds["sts"]


@pytest.mark.parametrize(
    ("operation", "parameters", "named"),
    [
        ("GetRole", {"RoleName": {"secret": "hunter2"}}, "RoleName must be of the type string"),
        ("GetRole", {"RoleName": ""}, "RoleName must be at least 1 characters"),
        ("GetRole", {}, "RoleName is required"),
        ("GetRole", {"RoleName": "r", "Rule": "hunter2"}, "there is no parameter Rule"),
        (
            "TagRole",
            {"RoleName": "r", "Tags": [{"Key": "", "Value": 5}]},
            r"Tags\[0\]\.Key must be at least 1 .*; Tags\[0\]\.Value must be of the type string",
        ),
    ],
)
def test_an_invalid_parameter_is_reported_with_its_rule_but_without_its_value(
    operation: str, parameters: dict[str, object], named: str
) -> None:
    with pytest.raises(ProviderError, match=f"^{operation}: {named}") as error:
        _aws().call("iam", operation, parameters)
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


def test_an_unreachable_service_is_reported() -> None:
    with pytest.raises(ProviderError, match=r"GetCallerIdentity: .*localhost:1"):
        _aws().call("sts", "GetCallerIdentity", {})
