"""How a record of Route 53 is changed."""

from localcloud.providers.aws.route53 import Record
from localcloud.providers.values import Values
from providers.aws.fake import fake, resource_request, update_request

INPUTS: Values = {
    "name": "mcp.example.com",
    "type": "A",
    "zoneId": "Z1",
    "aliases": [{"name": "lb.example.com", "zoneId": "Z2", "evaluateTargetHealth": False}],
}
CHANGED = {"ChangeInfo": {"Id": "/change/C1", "Status": "INSYNC"}}


def test_a_record_of_another_type_replaces_the_first_in_one_change() -> None:
    aws = fake(ChangeResourceRecordSets=[CHANGED], GetChange=[CHANGED])
    Record().update(update_request(aws, "Z1_mcp.example.com_A", INPUTS, {**INPUTS, "type": "AAAA"}))
    [request] = aws.called("ChangeResourceRecordSets")
    assert [
        (each["Action"], each["ResourceRecordSet"]["Type"])
        for each in request["ChangeBatch"]["Changes"]
    ] == [("DELETE", "A"), ("CREATE", "AAAA")]


def test_a_record_is_found_by_the_type_that_it_has() -> None:
    found = {
        "Name": "mcp.example.com.",
        "Type": "AAAA",
        "AliasTarget": {
            "DNSName": "lb.example.com.",
            "HostedZoneId": "Z2",
            "EvaluateTargetHealth": False,
        },
    }
    aws = fake(ListResourceRecordSets=[{"ResourceRecordSets": [found]}])
    state = {**INPUTS, "type": "AAAA"}
    read = Record().read(resource_request(aws, "Z1_mcp.example.com_A", state))
    assert read is not None
    assert read["type"] == "AAAA"
