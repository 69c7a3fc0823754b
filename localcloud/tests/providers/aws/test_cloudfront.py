from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from localcloud.providers.aws.clients import AwsError, Document
from localcloud.providers.aws.cloudfront import Distribution, Function, with_quantities
from localcloud.providers.values import Values
from providers.aws.fake import FakeAws, create_request, fake, resource_request, update_request

_MODEL = botocore.session.Session().get_service_model("cloudfront")
INPUTS: Values = {
    "aliases": ["mcp.example.com"],
    "comment": "edge",
    "enabled": True,
    "httpVersion": "http2and3",
    "isIpv6Enabled": True,
    "priceClass": "PriceClass_All",
    "origins": [
        {
            "originId": "host",
            "domainName": "localhost",
            "customOriginConfig": {
                "httpPort": 80,
                "httpsPort": 8443,
                "originProtocolPolicy": "https-only",
                "originSslProtocols": ["TLSv1.2"],
                "originReadTimeout": 90,
            },
        }
    ],
    "defaultCacheBehavior": {
        "targetOriginId": "host",
        "viewerProtocolPolicy": "https-only",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "cachePolicyId": "policy",
        "functionAssociations": [{"eventType": "viewer-request", "functionArn": "arn"}],
    },
    "restrictions": {"geoRestriction": {"restrictionType": "none"}},
    "viewerCertificate": {"cloudfrontDefaultCertificate": True},
    "tags": {"Team": "graph"},
}
FUNCTION: Values = {
    "name": "edge",
    "code": "function handler(event) { return event.request; }",
    "comment": "",
    "runtime": "cloudfront-js-2.0",
    "publish": True,
}


def described(*, enabled: bool = True, status: str = "Deployed", etag: str = "E1") -> Document:
    config = {"CallerReference": "first", "Enabled": enabled}
    return {
        "Distribution": {"Id": "EDFDVBD6EXAMPLE", "Status": status, "DistributionConfig": config},
        "ETag": etag,
    }


def is_valid(operation: str, parameters: Document) -> str:
    shape = _MODEL.operation_model(operation).input_shape
    assert shape is not None
    report: Any = ParamValidator().validate(parameters, shape)
    return str(report.generate_report())


def test_a_distribution_is_created_with_its_tags_once_it_is_deployed_everywhere() -> None:
    operation = "CreateDistributionWithTags"
    aws = fake(
        CreateDistributionWithTags=[described(status="InProgress")],
        GetDistribution=[described(status="InProgress"), described()],
    )

    created = Distribution().create(create_request(aws, INPUTS))

    assert created.id == "EDFDVBD6EXAMPLE"
    (parameters,) = aws.called(operation)
    assert is_valid(operation, parameters) == ""
    whole = parameters["DistributionConfigWithTags"]
    assert whole["Tags"] == {"Items": [{"Key": "Team", "Value": "graph"}]}
    config = whole["DistributionConfig"]
    assert config["Aliases"] == {"Items": ["mcp.example.com"], "Quantity": 1}
    assert config["Origins"]["Quantity"] == 1
    methods = config["DefaultCacheBehavior"]["AllowedMethods"]
    assert methods["CachedMethods"] == {"Items": ["GET", "HEAD"], "Quantity": 2}
    assert config["Restrictions"]["GeoRestriction"] == {"RestrictionType": "none", "Quantity": 0}
    assert len(aws.called("GetDistribution")) == 2


def test_two_distributions_have_two_references() -> None:
    aws = fake(CreateDistributionWithTags=[described()], GetDistribution=[described()])

    for _ in range(2):
        Distribution().create(create_request(aws, INPUTS))

    references = {
        each["DistributionConfigWithTags"]["DistributionConfig"]["CallerReference"]
        for each in aws.called("CreateDistributionWithTags")
    }
    assert len(references) == 2


def test_a_distribution_is_changed_as_a_whole_in_the_version_that_was_read() -> None:
    aws = fake(UpdateDistribution=[{}], GetDistribution=[described(etag="E7")])
    state = {**INPUTS, "arn": "arn", "comment": "before"}

    Distribution().update(update_request(aws, "EDFDVBD6EXAMPLE", state, INPUTS))

    (parameters,) = aws.called("UpdateDistribution")
    assert is_valid("UpdateDistribution", parameters) == ""
    assert (parameters["Id"], parameters["IfMatch"]) == ("EDFDVBD6EXAMPLE", "E7")
    config = parameters["DistributionConfig"]
    assert (config["CallerReference"], config["Comment"]) == ("first", "edge")


def test_a_distribution_is_disabled_everywhere_before_it_is_deleted() -> None:
    aws = fake(
        UpdateDistribution=[{}],
        DeleteDistribution=[{}],
        GetDistribution=[
            described(),
            described(),
            described(enabled=False, status="InProgress"),
            described(enabled=False),
            described(enabled=False, etag="E2"),
        ],
    )

    Distribution().delete(resource_request(aws, "EDFDVBD6EXAMPLE", INPUTS))

    (update,) = aws.called("UpdateDistribution")
    assert update["DistributionConfig"]["Enabled"] is False
    assert aws.called("DeleteDistribution") == [{"Id": "EDFDVBD6EXAMPLE", "IfMatch": "E2"}]


def test_a_distribution_that_is_gone_counts_as_deleted() -> None:
    gone = AwsError("GetDistribution", "NoSuchDistribution", "gone")
    aws = fake(GetDistribution=[gone], DeleteDistribution=[gone])

    Distribution().delete(resource_request(aws, "EDFDVBD6EXAMPLE", INPUTS))

    assert aws.called("DeleteDistribution") == []


def of_function(**script: list[Any]) -> FakeAws:
    summary = {"Name": "edge", "FunctionMetadata": {"FunctionARN": "arn"}}
    return fake(
        CreateFunction=[{"FunctionSummary": summary, "ETag": "E1"}],
        DescribeFunction=[{"FunctionSummary": summary, "ETag": "E1"}],
        PublishFunction=[{}],
        **script,
    )


@pytest.mark.parametrize("publish", [True, False])
def test_a_function_is_published_unless_the_program_does_not_want_that(publish: bool) -> None:
    aws = of_function()

    created = Function().create(create_request(aws, {**FUNCTION, "publish": publish}))

    assert created.id == "edge"
    (parameters,) = aws.called("CreateFunction")
    assert is_valid("CreateFunction", parameters) == ""
    assert parameters["FunctionConfig"] == {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    expected = [{"Name": "edge", "IfMatch": "E1"}] if publish else []
    assert aws.called("PublishFunction") == expected


def test_a_functions_changed_code_is_published() -> None:
    aws = of_function(UpdateFunction=[{}])
    state = {**FUNCTION, "code": "before", "arn": "arn"}

    Function().update(update_request(aws, "edge", state, FUNCTION))

    (parameters,) = aws.called("UpdateFunction")
    assert is_valid("UpdateFunction", parameters) == ""
    assert parameters["FunctionCode"] == str(FUNCTION["code"]).encode()
    assert len(aws.called("PublishFunction")) == 1


def test_quantities_count_the_items_at_every_depth() -> None:
    assert with_quantities({"A": {"Items": [{"B": {"Items": []}}]}}) == {
        "A": {"Items": [{"B": {"Items": [], "Quantity": 0}}], "Quantity": 1}
    }
