from typing import Any

import pulumi
import pytest

from components.access_log import EDGE_LOG, LOAD_BALANCER_LOG, AccessLog, AccessLogArgs
from components.context import StackContext
from components.log_key import key_in, serves_edge
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, REGION, Result, run_program

BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/neo4j-mcp-dev-0/1"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-0a"
SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
DESTINATION = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def declare(context: StackContext, **changes: Any) -> Result:  # noqa: ANN401  any argument
    def program() -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "context": context,
            "name": context.names.load_balancer_log_delivery,
            "log_stem": context.names.load_balancer_log_stem,
            "resource_arn": pulumi.Output.from_input(BALANCER),
            "log_type": LOAD_BALANCER_LOG,
            **changes,
        }
        return {"logGroup": AccessLog("access", AccessLogArgs(**arguments)).log_group}

    return run_program(program)


def test_entries_are_delivered_from_the_resource_to_a_log_group(make_context: MakeContext) -> None:
    result = declare(make_context(logRetentionDays="7"))

    group = result.one(LOG_GROUP).inputs
    # CloudWatch Logs has one statement for all groups of this name.
    assert group["name"].startswith("/aws/vendedlogs/neo4j-mcp-dev-load-balancer-")
    assert group["retentionInDays"] == 7
    source = result.one(SOURCE).inputs
    assert (source["resourceArn"], source["logType"]) == (BALANCER, "ALB_ACCESS_LOGS")
    destination = result.one(DESTINATION).inputs
    assert destination["outputFormat"] == "json"
    assert destination["deliveryDestinationConfiguration"] == {
        "destinationResourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group['name']}"
    }
    delivery = result.one(DELIVERY).inputs
    assert delivery["deliverySourceName"] == source["name"] == destination["name"]
    assert delivery["deliveryDestinationArn"].endswith(destination["name"])
    assert result.outputs == {"logGroup": group["name"]}


def test_the_edges_log_is_where_cloudfront_delivers_it(make_context: MakeContext) -> None:
    result = declare(make_context(logKeyArn=KEY), log_type=EDGE_LOG, region="us-east-1")

    for type_ in (LOG_GROUP, SOURCE, DESTINATION, DELIVERY):
        assert result.one(type_).inputs["region"] == "us-east-1"
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/mrk-0a"
    assert result.one(LOG_GROUP).inputs["kmsKeyId"] == key


@pytest.mark.parametrize(
    ("region", "key", "found"),
    [
        (None, None, None),
        ("us-east-1", None, None),
        (None, KEY, KEY),
        ("eu-west-1", KEY, KEY),
        ("us-east-1", KEY, KEY.replace("eu-west-1", "us-east-1")),
    ],
)
def test_a_log_group_uses_the_key_in_its_region(
    region: str | None, key: str | None, found: str | None
) -> None:
    assert key_in(region, key) == found


@pytest.mark.parametrize(
    ("key", "serves"),
    [
        (KEY, True),
        (KEY.replace("mrk-", ""), False),
        (KEY.replace("mrk-", "").replace("eu-west-1", "us-east-1"), True),
        (KEY.replace("key/mrk-0a", "key/0a-mrk-"), False),
    ],
)
def test_the_edges_log_needs_a_key_in_its_region(key: str, serves: bool) -> None:
    assert serves_edge(key) is serves
