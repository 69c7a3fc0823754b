"""EventBridge: rules and their targets.

Sources: the Amazon EventBridge API reference, and the schemas of aws_cloudwatch_event_rule and
aws_cloudwatch_event_target for the changes that force a replacement.
"""

from dataclasses import replace
from typing import ClassVar, Final, cast

from botocore.model import ListShape, Shape

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    ARN,
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.shapes import to_aws, violations
from localcloud.providers.aws.waiting import retry_while_refused
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ProviderError,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_string

_DEFAULT_BUS: Final = "default"
# Source: resourceRuleDelete in hashicorp/terraform-provider-aws, internal/service/events/rule.go.
_DELETION_SECONDS: Final = 300.0


class EventRule(AwsResource):
    """aws:cloudwatch/eventRule:EventRule."""

    token = "aws:cloudwatch/eventRule:EventRule"  # noqa: S105  # a Pulumi type
    service = "events"
    autonamed = "name"
    creates = Operation(name="PutRule")
    reads = Operation(name="DescribeRule")
    updates = Operation(name="PutRule")
    deletes = Operation(name="DeleteRule")
    id_members = ("EventBusName", "Name")
    tagging = Tagging(resource="ResourceARN")
    handled = HANDLED | {"forceDestroy"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "description": Property(),
        "eventBusName": Property(force_new=True, default=_DEFAULT_BUS),
        "forceDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "eventPattern": Property(kind=Kind.JSON),
        "scheduleExpression": Property(),
        "state": Property(computed=True),
        "region": REGION,
        **TAGGED,
        "arn": ARN,
        "isEnabled": Property(kind=Kind.BOOLEAN, output=True, unsupported=True),
        **unsupported("namePrefix", "roleArn"),
    }

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Require a schedule or a pattern, as the real provider does."""
        completed, failures = super().check(request)
        if not {"eventPattern", "scheduleExpression"} & completed.keys():
            reason = "one of eventPattern and scheduleExpression is required"
            failures.append(Failure(property="scheduleExpression", reason=reason))
        return completed, failures

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the bus and the rule; the id leaves out the default bus."""
        bus, _, name = request.id.rpartition("/")
        return {"EventBusName": bus or _DEFAULT_BUS, "Name": name}

    def created_id(self, created: Document) -> str:
        """Return bus/rule, or the rule alone on the default bus."""
        return _join("/", created["EventBusName"], created["Name"])

    def described(self, response: Document) -> Values:
        """Add whether the rule is enabled, in the deprecated form too."""
        enabled = response["State"] != "DISABLED"
        return {**super().described(response), "isEnabled": enabled}

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Send an empty description, which AWS treats like none."""
        super().update(replace(request, inputs={"description": "", **request.inputs}))

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Delete the rule once its targets are gone."""
        retry_while_refused(
            request,
            lambda: super(EventRule, self).delete(request),
            is_transient=lambda error: "has targets" in str(error),
            limit=_DELETION_SECONDS,
        )

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Add whether to delete a rule that an AWS service manages."""
        return super().delete_parameters(request) | _force(request.state)


class EventTarget(AwsResource):
    """aws:cloudwatch/eventTarget:EventTarget."""

    token = "aws:cloudwatch/eventTarget:EventTarget"  # noqa: S105  # a Pulumi type
    service = "events"
    creates = Operation(name="PutTargets")
    reads = Operation(name="ListTargetsByRule", result="Targets")
    updates = Operation(name="PutTargets")
    deletes = Operation(name="RemoveTargets")
    id_members = ("EventBusName", "Rule", "Id")
    not_found_codes = frozenset({"ResourceNotFoundException", "ValidationException"})
    # PutTargets takes a list of targets.
    handled = HANDLED | {"arn", "forceDestroy", "input", "targetId"}
    properties: ClassVar[Properties] = {
        "arn": Property(required=True),
        "eventBusName": Property(force_new=True, default=_DEFAULT_BUS),
        "forceDestroy": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "input": Property(),
        "rule": Property(required=True, force_new=True),
        # The real provider makes one up.
        "targetId": Property(required=True, force_new=True, aws="Id"),
        "region": REGION,
        **unsupported(
            "appsyncTarget",
            "batchTarget",
            "deadLetterConfig",
            "ecsTarget",
            "httpTarget",
            "inputPath",
            "inputTransformer",
            "kinesisTarget",
            "redshiftTarget",
            "retryPolicy",
            "roleArn",
            "runCommandTargets",
            "sagemakerPipelineTarget",
            "sqsTarget",
        ),
    }

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Check the target itself too, which is an item of a list."""
        completed, failures = super().check(request)
        shape = _target_shape(request.context)
        return completed, [
            *failures,
            *violations(self.properties, completed, shape, self.casing),
        ]

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name bus, rule and target; an import names them too: rule/target or bus/rule/target."""
        rest, _, target = request.id.rpartition("/")
        bus, _, rule = rest.rpartition("/")
        state = request.state
        return {
            "EventBusName": state.get("eventBusName") or bus or _DEFAULT_BUS,
            "Rule": state.get("rule") or rule,
            "Ids": [state.get("targetId") or target],
        }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Add the target to the rule."""
        self._put(request, request.inputs)
        inputs = request.inputs
        rule, target = as_string(inputs["rule"]), as_string(inputs["targetId"])
        return Created(id=_join("-", as_string(inputs["eventBusName"]), f"{rule}-{target}"))

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Find the target among those of the rule."""
        identity = self.identity(request)
        parameters: Document = {name: identity[name] for name in ("EventBusName", "Rule")} | {
            "Limit": 100
        }
        try:
            response = self.call(request, Operation(name=self.reads.name), parameters)
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        for target in response["Targets"]:
            if target["Id"] in identity["Ids"]:
                return {
                    **self.described(target),
                    "eventBusName": identity["EventBusName"],
                    "rule": identity["Rule"],
                    "region": request.state.get("region") or request.context.region,
                    "id": _join(
                        "-", identity["EventBusName"], f"{identity['Rule']}-{target['Id']}"
                    ),
                }
        return None

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the target's settings."""
        self._put(request, request.inputs)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Remove the target from the rule; succeed if either no longer exists."""
        parameters = self.delete_parameters(request) | _force(request.state)
        try:
            _require_accepted(self.deletes, self.call(request, self.deletes, parameters))
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise

    def _put(self, request: AwsRequest, inputs: Values) -> None:
        target = to_aws(self.properties, inputs, _target_shape(request.context), self.casing)
        parameters = self._parameters(request, self.creates, inputs) | {"Targets": [target]}
        _require_accepted(self.creates, self.call(request, self.creates, parameters))


def _target_shape(aws: Aws) -> Shape:
    targets = cast("ListShape", aws.input_shape("events", "PutTargets").members["Targets"])
    return targets.member


def _require_accepted(operation: Operation, response: Document) -> None:
    """Raise the errors of single targets, which a response contains although it is a success."""
    if failed := response.get("FailedEntries"):
        reasons = "; ".join(
            f"{each['TargetId']}: {each['ErrorCode']}: {each['ErrorMessage']}" for each in failed
        )
        raise ProviderError(f"{operation.name}: {reasons}")


def _join(separator: str, bus: str, name: str) -> str:
    return name if bus == _DEFAULT_BUS else f"{bus}{separator}{name}"


def _force(state: Values) -> Document:
    return {"Force": True} if state.get("forceDestroy") is True else {}
