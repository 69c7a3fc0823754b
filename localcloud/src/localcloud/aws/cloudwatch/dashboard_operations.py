"""The API of dashboards: one handler per operation.

Source: the API reference of Amazon CloudWatch.
"""

import datetime as dt
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from localcloud.aws.cloudwatch import dashboards
from localcloud.aws.cloudwatch.dashboards import Dashboard
from localcloud.aws.cloudwatch.errors import unsupported, value_error
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject, page
from localcloud.aws.context import ServiceContext
from localcloud.aws.movable_clock import MovableClock
from localcloud.aws.protocol import ApiError

_LISTED: Final = 1000


class DashboardOperations:
    """Stores and returns dashboards."""

    def __init__(self, clock: MovableClock, context: ServiceContext) -> None:
        """Start without dashboards."""
        self._by_name: dict[str, Dashboard] = {}
        self._clock = clock
        self._context = context

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by their operations."""
        return {
            "DeleteDashboards": self._delete_dashboards,
            "GetDashboard": self._get_dashboard,
            "ListDashboards": self._list_dashboards,
            "PutDashboard": self._put_dashboard,
        }

    async def _put_dashboard(self, parameters: JsonObject) -> JsonObject:
        if "Tags" in parameters:
            raise unsupported("tags of dashboards")
        name, body = parameters["DashboardName"], parameters["DashboardBody"]
        if not dashboards.is_name(name):
            raise _invalid("DashboardName must have 1 to 255 letters, digits, - and _.")
        found = [each.described() for each in dashboards.problems(body)]
        if found:
            raise _invalid(
                f"The dashboard body is invalid, there are {len(found)} validation errors:"
                f" {json.dumps(found)}"
            )
        # The ARN of a dashboard has no region.
        arn = f"arn:aws:cloudwatch::{self._context.account_id}:dashboard/{name}"
        self._by_name[name] = Dashboard(
            name=name,
            arn=arn,
            body=body,
            modified=self._clock.now(),
        )
        return {"DashboardValidationMessages": []}

    async def _get_dashboard(self, parameters: JsonObject) -> JsonObject:
        found = self._found(parameters["DashboardName"])
        return {
            "DashboardArn": found.arn,
            "DashboardBody": found.body,
            "DashboardName": found.name,
        }

    async def _list_dashboards(self, parameters: JsonObject) -> JsonObject:
        prefix = parameters.get("DashboardNamePrefix", "")
        matching = [
            self._by_name[name] for name in sorted(self._by_name) if name.startswith(prefix)
        ]
        found, token = page(matching, parameters, size=_LISTED)
        return {
            "DashboardEntries": [
                {
                    "DashboardName": each.name,
                    "DashboardArn": each.arn,
                    "LastModified": dt.datetime.fromtimestamp(
                        self._clock.to_client(each.modified), dt.UTC
                    ),
                    "Size": len(each.body.encode()),
                }
                for each in found
            ],
            "NextToken": token,
        }

    async def _delete_dashboards(self, parameters: JsonObject) -> JsonObject:
        if not parameters["DashboardNames"]:
            raise value_error("DashboardNames must not be empty.")
        # As on AWS, none is deleted if one doesn't exist.
        for name in parameters["DashboardNames"]:
            self._found(name)
        for name in parameters["DashboardNames"]:
            self._by_name.pop(name, None)
        return {}

    def _found(self, name: str) -> Dashboard:
        found = self._by_name.get(name)
        if found is None:
            raise ApiError(
                "DashboardNotFoundError",
                f"Dashboard {name} does not exist",
                HTTPStatus.NOT_FOUND,
            )
        return found


def _invalid(message: str) -> ApiError:
    return ApiError("DashboardInvalidInputError", message)
