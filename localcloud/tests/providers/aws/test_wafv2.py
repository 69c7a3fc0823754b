from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from localcloud.providers.aws.clients import AwsError, Document
from localcloud.providers.aws.wafv2 import WebAcl
from localcloud.providers.values import Values
from providers.aws.fake import create_request, fake, resource_request, update_request

_MODEL = botocore.session.Session().get_service_model("wafv2")
_VISIBILITY: Values = {
    "cloudwatchMetricsEnabled": True,
    "metricName": "edge",
    "sampledRequestsEnabled": False,
}
INPUTS: Values = {
    "name": "edge",
    "scope": "CLOUDFRONT",
    "region": "us-east-1",
    "defaultAction": {"allow": {}},
    "visibilityConfig": _VISIBILITY,
    "rules": [
        {
            "name": "rate",
            "priority": 0,
            "action": {"block": {"customResponse": {"responseCode": 429}}},
            "statement": {"rateBasedStatement": {"limit": 500, "aggregateKeyType": "IP"}},
            "visibilityConfig": _VISIBILITY,
        }
    ],
    "tags": {"Team": "graph"},
}
IDENTITY = {"Id": "1", "Name": "edge", "Scope": "CLOUDFRONT"}
DESCRIBED: Document = {"WebACL": {"Name": "edge", "Id": "1", "ARN": "arn"}, "LockToken": "L1"}


def report(operation: str, parameters: Document) -> str:
    shape = _MODEL.operation_model(operation).input_shape
    assert shape is not None
    found: Any = ParamValidator().validate(parameters, shape)
    return str(found.generate_report())


def test_a_web_acl_is_created_with_its_rules_and_tags() -> None:
    aws = fake(CreateWebACL=[{"Summary": {"Id": "1", "ARN": "arn"}}])

    created = WebAcl().create(create_request(aws, INPUTS))

    assert created.id == "1"
    (parameters,) = aws.called("CreateWebACL")
    assert report("CreateWebACL", parameters) == ""
    assert parameters["DefaultAction"] == {"Allow": {}}
    assert parameters["Rules"][0]["Action"] == {
        "Block": {"CustomResponse": {"ResponseCode": 429}},
    }
    assert parameters["Tags"] == [{"Key": "Team", "Value": "graph"}]


def test_a_web_acl_is_read_with_its_tags() -> None:
    tags = {"TagInfoForResource": {"TagList": [{"Key": "Team", "Value": "graph"}]}}
    aws = fake(GetWebACL=[DESCRIBED], ListTagsForResource=[tags])

    found = WebAcl().read(resource_request(aws, "1", INPUTS))

    assert found is not None
    assert (found["tags"], found["lockToken"]) == ({"Team": "graph"}, "L1")
    assert aws.called("GetWebACL")[0] == IDENTITY


def test_a_web_acl_is_changed_in_the_version_that_was_read() -> None:
    aws = fake(GetWebACL=[DESCRIBED], UpdateWebACL=[{}])
    state = {**INPUTS, "arn": "arn", "rules": []}

    WebAcl().update(update_request(aws, "1", state, INPUTS))

    (parameters,) = aws.called("UpdateWebACL")
    assert report("UpdateWebACL", parameters) == ""
    assert parameters.items() >= {**IDENTITY, "LockToken": "L1"}.items()


def test_a_web_acl_is_deleted_once_no_distribution_uses_it() -> None:
    used = AwsError("DeleteWebACL", "WAFAssociatedItemException", "in use")
    aws = fake(GetWebACL=[DESCRIBED], DeleteWebACL=[used, {}])

    WebAcl().delete(resource_request(aws, "1", INPUTS))

    assert aws.called("DeleteWebACL") == [{**IDENTITY, "LockToken": "L1"}] * 2
