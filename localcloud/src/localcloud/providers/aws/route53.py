"""Route 53: alias records.

Sources: the Amazon Route 53 API reference, and the schema of aws_route53_record for the changes
that force a replacement.
"""

from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import AwsRequest, AwsResource, Operation
from localcloud.providers.aws.waiting import poll_until_done
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_object, as_string

# Source: the timeouts of aws_route53_record.
_SYNC_SECONDS: Final = 30 * 60.0


class Record(AwsResource):
    """aws:route53/record:Record that is an alias."""

    token = "aws:route53/record:Record"  # noqa: S105  # a Pulumi type
    service = "route53"
    not_found_codes = frozenset({"NoSuchHostedZone"})
    creates = Operation(name="ChangeResourceRecordSets", result="ChangeInfo")
    reads = Operation(name="ListResourceRecordSets", result="ResourceRecordSets")
    deletes = Operation(name="ChangeResourceRecordSets")
    id_members = ("Id",)
    # A change is a list of actions with whole record sets.
    handled = frozenset({"aliases", "allowOverwrite", "name", "type", "zoneId"})
    properties: ClassVar[Properties] = {
        "aliases": Property(
            kind=Kind.LIST,
            required=True,
            items=Property(
                kind=Kind.OBJECT,
                properties={
                    "evaluateTargetHealth": Property(kind=Kind.BOOLEAN, required=True),
                    "name": Property(required=True),
                    "zoneId": Property(required=True),
                },
            ),
        ),
        "allowOverwrite": Property(kind=Kind.BOOLEAN, write_only=True, computed=True),
        "name": Property(required=True, force_new=True),
        # The real provider replaces the record set without replacing the resource.
        "type": Property(required=True),
        "zoneId": Property(required=True, force_new=True),
        "fqdn": Property(output=True),
        **unsupported(
            "cidrRoutingPolicy",
            "failoverRoutingPolicies",
            "geolocationRoutingPolicies",
            "geoproximityRoutingPolicy",
            "healthCheckId",
            "latencyRoutingPolicies",
            "multivalueAnswerRoutingPolicy",
            "records",
            "setIdentifier",
            "ttl",
            "weightedRoutingPolicies",
        ),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the zone, the name and the type, which the id joins; the type may have changed."""
        zone, name, type_ = [*request.id.split("_", 2), "", ""][:3]
        return {
            "HostedZoneId": zone,
            "StartRecordName": name,
            "StartRecordType": request.state.get("type") or type_,
            "ChangeBatch": {},
        }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Create the record; refuse to overwrite one unless the program allows it."""
        action = "UPSERT" if request.inputs.get("allowOverwrite") is True else "CREATE"
        self._change(request, (action, request.inputs))
        parts = (as_string(request.inputs[each]) for each in ("zoneId", "name", "type"))
        return Created(id="_".join(parts))

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Find the record among those that follow its name."""
        identity = self.identity(request)
        identity.pop("ChangeBatch")
        try:
            response = self.call(request, Operation(name=self.reads.name), identity)
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        name, type_ = identity["StartRecordName"], identity["StartRecordType"]
        for found in response["ResourceRecordSets"]:
            if found["Name"].rstrip(".") == name.rstrip(".") and found["Type"] == type_:
                alias = found.get("AliasTarget")
                return {
                    "aliases": [_alias(alias)] if alias else [],
                    "fqdn": name,
                    "name": name,
                    "type": type_,
                    "zoneId": identity["HostedZoneId"],
                }
        return None

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the record set; one of another type is deleted in the same change."""
        if request.inputs["type"] != request.state["type"]:
            self._change(request, ("DELETE", request.state), ("CREATE", request.inputs))
        else:
            self._change(request, ("UPSERT", request.inputs))

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the record; succeed if it no longer exists."""
        if self.read(request) is not None:
            self._change(request, ("DELETE", request.state))

    def _change(self, request: AwsRequest, *changes: tuple[str, Values]) -> None:
        """Make changes, each an action with a record, at once or not at all."""
        _, values = changes[-1]
        listed = [
            {"Action": action, "ResourceRecordSet": _record(record)} for action, record in changes
        ]
        parameters = {
            "HostedZoneId": values["zoneId"],
            "ChangeBatch": {"Changes": listed, "Comment": "Managed by Pulumi"},
        }
        info = self.call(request, self.creates, parameters)
        operation = Operation(name="GetChange", result="ChangeInfo")

        def poll() -> bool | None:
            name = info["Id"].rpartition("/")[2]
            return self.call(request, operation, {"Id": name})["Status"] == "INSYNC" or None

        poll_until_done(request, poll, what=f"the record {values['name']}", limit=_SYNC_SECONDS)


def _record(values: Values) -> Document:
    aliases = values["aliases"]
    alias = as_object(aliases[0] if isinstance(aliases, list) else {})
    return {
        "Name": values["name"],
        "Type": values["type"],
        "AliasTarget": {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        },
    }


def _alias(target: Document) -> Values:
    return {
        "evaluateTargetHealth": target["EvaluateTargetHealth"],
        "name": target["DNSName"].rstrip("."),
        "zoneId": target["HostedZoneId"],
    }
