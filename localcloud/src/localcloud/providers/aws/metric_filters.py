"""CloudWatch Logs: metric filters.

Sources: the Amazon CloudWatch Logs API reference, and the schema of
aws_cloudwatch_log_metric_filter for the changes that force a replacement.
"""

from typing import ClassVar, Final, cast

from botocore.model import ListShape, Shape

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    AwsRequest,
    AwsResource,
    Operation,
)
from localcloud.providers.aws.shapes import Casing, from_aws, to_aws, violations
from localcloud.providers.schema import (
    CheckRequest,
    Created,
    CreateRequest,
    Failure,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_object, as_string

_TRANSFORMATION: Final[Properties] = {
    # A number on AWS, and text in the real provider, where "" means none.
    "defaultValue": Property(unchecked=True),
    "dimensions": Property(kind=Kind.MAP, items=Property()),
    "name": Property(required=True, aws="metricName"),
    "namespace": Property(required=True, aws="metricNamespace"),
    "unit": Property(default="None"),
    "value": Property(required=True, aws="metricValue"),
}


class LogMetricFilter(AwsResource):
    """aws:cloudwatch/logMetricFilter:LogMetricFilter."""

    token = "aws:cloudwatch/logMetricFilter:LogMetricFilter"  # noqa: S105  # a Pulumi type
    service = "logs"
    casing = Casing.CAMEL
    autonamed = "name"
    creates = Operation(name="PutMetricFilter")
    reads = Operation(name="DescribeMetricFilters", result="metricFilters")
    updates = Operation(name="PutMetricFilter")
    deletes = Operation(name="DeleteMetricFilter")
    id_members = ("filterName",)
    # PutMetricFilter takes a list of one transformation.
    handled = HANDLED | {"metricTransformation"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="filterName"),
        "logGroupName": Property(required=True, force_new=True),
        "metricTransformation": Property(
            kind=Kind.OBJECT, required=True, properties=_TRANSFORMATION
        ),
        "pattern": Property(required=True, aws="filterPattern"),
        "region": REGION,
        **unsupported("applyOnTransformedLogs"),
    }

    def check(self, request: CheckRequest[Aws]) -> tuple[Values, list[Failure]]:
        """Check the transformation too, which is an item of a list."""
        completed, failures = super().check(request)
        transformation = completed.get("metricTransformation")
        if isinstance(transformation, dict):
            failures += violations(
                _TRANSFORMATION,
                transformation,
                _transformation_shape(request.context),
                self.casing,
                "metricTransformation.",
            )
        return completed, failures

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the group and the filter; an import names them as group:filter."""
        group, _, name = request.id.rpartition(":")
        return {
            "logGroupName": request.state.get("logGroupName") or group,
            "filterName": name,
            "filterNamePrefix": name,
        }

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Put the filter on the group."""
        self._put(request, request.inputs)
        return Created(id=as_string(request.inputs["name"]))

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Find the filter with exactly this name, not a longer one."""
        identity = self._identity(request, self.reads)
        try:
            response = self.call(request, Operation(name=self.reads.name), identity)
        except AwsError as error:
            if error.code in self.not_found_codes:
                return None
            raise
        for each in response.get("metricFilters", []):
            if each["filterName"] == identity["filterNamePrefix"]:
                return {
                    **from_aws(self._simple, each, self.casing),
                    "metricTransformation": _described(each["metricTransformations"][0]),
                    "region": request.state.get("region") or request.context.region,
                }
        return None

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Replace the pattern and the transformation."""
        self._put(request, request.inputs)

    @property
    def _simple(self) -> Properties:
        return {
            name: each for name, each in self.properties.items() if name != "metricTransformation"
        }

    def _put(self, request: AwsRequest, inputs: Values) -> None:
        shape = request.context.input_shape(self.service, self.creates.name)
        parameters = to_aws(self._simple, inputs, shape, self.casing)
        values = as_object(inputs["metricTransformation"])
        transformation = to_aws(
            _TRANSFORMATION, values, _transformation_shape(request.context), self.casing
        )
        default = transformation.pop("defaultValue", "")
        if default != "":
            transformation["defaultValue"] = float(str(default))
        parameters["metricTransformations"] = [transformation]
        self.call(request, self.creates, parameters)


def _described(transformation: Document) -> Values:
    found = from_aws(_TRANSFORMATION, transformation, Casing.CAMEL)
    if "defaultValue" in transformation:
        found["defaultValue"] = f"{transformation['defaultValue']:g}"
    return found


def _transformation_shape(aws: Aws) -> Shape:
    members = aws.input_shape("logs", "PutMetricFilter").members
    return cast("ListShape", members["metricTransformations"]).member
