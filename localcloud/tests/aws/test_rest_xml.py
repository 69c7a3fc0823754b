import datetime as dt
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import prepare_request_dict
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from localcloud.aws.protocol import ApiError
from localcloud.aws.rest_xml import RestXmlProtocol, XmlRequest, XmlResponse

_MODEL = botocore.session.Session().get_service_model("cloudfront")
PROTOCOL = RestXmlProtocol("cloudfront")


def operation(name: str) -> OperationModel:
    return _MODEL.operation_model(name)


def sent(name: str, parameters: dict[str, Any]) -> XmlRequest:
    """Return a request as botocore's client sends it."""
    serialized = create_serializer("rest-xml").serialize_to_request(parameters, operation(name))
    prepare_request_dict(serialized, "http://localhost")
    body = serialized["body"]
    return XmlRequest(
        method=serialized["method"],
        path=serialized["url_path"].partition("?")[0],
        query=serialized["url"].partition("?")[2],
        headers={key.lower(): str(value) for key, value in serialized["headers"].items()},
        body=body.encode() if isinstance(body, str) else body,
    )


def received(name: str, response: XmlResponse) -> dict[str, Any]:
    """Return a response as botocore's client reads it."""
    shape: Any = operation(name).output_shape
    parsed: dict[str, Any] = create_parser("rest-xml").parse(
        {"status_code": response.status, "headers": response.headers, "body": response.body},
        shape,
    )
    return parsed


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("GetDistribution", {"Id": "E1"}),
        ("DeleteDistribution", {"Id": "E1", "IfMatch": "E2"}),
        ("ListFunctions", {"Stage": "LIVE"}),
        (
            "CreateFunction",
            {
                "Name": "edge",
                "FunctionConfig": {"Comment": "a < b", "Runtime": "cloudfront-js-2.0"},
                "FunctionCode": b"\x00code",
            },
        ),
        ("TagResource", {"Resource": "arn:aws:cloudfront::0:a", "Tags": {"Items": [{"Key": "a"}]}}),
        (
            "UntagResource",
            {"Resource": "arn:aws:cloudfront::0:a", "TagKeys": {"Items": ["a", "b"]}},
        ),
    ],
)
def test_a_request_of_botocore_is_read(name: str, parameters: dict[str, Any]) -> None:
    assert PROTOCOL.read(sent(name, parameters)) == (name, parameters)


def test_types_follow_from_the_model() -> None:
    config = {
        "CallerReference": "1",
        "Comment": "",
        "Enabled": False,
        "Origins": {"Quantity": 1, "Items": [{"Id": "a", "DomainName": "b"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "a", "ViewerProtocolPolicy": "https-only"},
    }
    tags = {"DistributionConfigWithTags": {"DistributionConfig": config, "Tags": {"Items": []}}}

    name, parameters = PROTOCOL.read(sent("CreateDistributionWithTags", tags))

    assert (name, parameters) == ("CreateDistributionWithTags", tags)


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/2020-05-31/nothing", b"", "InvalidAction"),
        ("POST", "/2020-05-31/function", b"<a", "MalformedXML"),
        ("POST", "/2020-05-31/function", b"<a><Unknown/></a>", "MalformedXML"),
        ("POST", "/2020-05-31/function", b"<a><FunctionCode>*</FunctionCode></a>", "MalformedXML"),
        ("POST", "/2020-05-31/function", b"", "MalformedXML"),
        (
            "POST",
            "/2020-05-31/function",
            b'<!DOCTYPE a [<!ENTITY b "c">]><a><Name>&b;</Name></a>',
            "MalformedXML",
        ),
    ],
)
def test_a_request_against_the_model_is_refused(
    method: str, path: str, body: bytes, code: str
) -> None:
    request = XmlRequest(method=method, path=path, query="", headers={}, body=body)

    with pytest.raises(ApiError) as error:
        PROTOCOL.read(request)
    assert error.value.code == code


def test_a_result_is_read_by_botocore() -> None:
    summary = {
        "Name": "edge",
        "Status": "DEPLOYED",
        "FunctionConfig": {"Comment": "a & b", "Runtime": "cloudfront-js-2.0"},
        "FunctionMetadata": {
            "FunctionARN": "arn",
            "LastModifiedTime": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        },
    }

    response = PROTOCOL.encode("DescribeFunction", {"FunctionSummary": summary, "ETag": "E1"})

    read = received("DescribeFunction", response)
    assert (read["FunctionSummary"], read["ETag"]) == (summary, "E1")
    code = PROTOCOL.encode("GetFunction", {"FunctionCode": b"\x00", "ETag": "E1"})
    assert (code.body, code.headers["ETag"]) == (b"\x00", "E1")
    assert PROTOCOL.encode("DeleteFunction", {}).status == 204


def test_a_result_outside_the_model_is_an_error_of_the_stand_in() -> None:
    with pytest.raises(KeyError, match="Nonsense"):
        PROTOCOL.encode("DescribeFunction", {"FunctionSummary": {"Nonsense": 1}, "ETag": "E1"})


def test_an_error_is_read_by_botocore() -> None:
    response = PROTOCOL.encode_error(ApiError("FunctionInUse", "It's <in> use.", 409))

    read = received("DeleteFunction", response)
    assert read["Error"]["Code"] == "FunctionInUse"
    assert read["Error"]["Message"] == "It's <in> use."
    assert response.status == 409
