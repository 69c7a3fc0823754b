"""Dashboards: what their bodies may contain. Pure.

Sources: "Dashboard body structure and syntax" in the API reference, and the API reference of
PutDashboard.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 24
_MAX_WIDGETS: Final = 500
_MAX_HEIGHT: Final = 1000
_DEFAULT_SIZE: Final = 6
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
_TYPES: Final = frozenset({"alarm", "custom", "explorer", "log", "metric", "text"})
_NUMBERS: Final = ("x", "y", "width", "height")
_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "alarm": ("alarms",),
    "custom": ("endpoint",),
    "explorer": ("metrics",),
    "log": ("query", "region"),
    "text": ("markdown",),
}


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard.

    Attributes:
        name, arn: its names.
        body: its JSON text, as it was put.
        modified: when it was put, in seconds since the epoch.
    """

    name: str
    arn: str
    body: str
    modified: float


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong in a body.

    Attributes:
        path: where, such as /widgets/0/properties.
        message: what.
    """

    path: str
    message: str

    def described(self) -> dict[str, str]:
        """Return the problem as the API does."""
        return {"DataPath": self.path, "Message": self.message}


def is_name(name: str) -> bool:
    """Return whether a dashboard can have a name."""
    return _NAME.fullmatch(name) is not None


def problems(body: str) -> Iterator[Problem]:
    """Find what is wrong in a body."""
    try:
        content = json.loads(body)
    except ValueError:
        yield Problem(path="", message="The field DashboardBody must be a valid JSON object")
        return
    if not isinstance(content, dict) or not isinstance(content.get("widgets"), list):
        yield Problem(path="/", message="Should have property 'widgets', an array")
        return
    if len(content["widgets"]) > _MAX_WIDGETS:
        yield Problem(path="/widgets", message=f"Should have at most {_MAX_WIDGETS} items")
    for index, widget in enumerate(content["widgets"]):
        yield from _widget_problems(widget, f"/widgets/{index}")


def _widget_problems(widget: object, path: str) -> Iterator[Problem]:
    if not isinstance(widget, dict):
        yield Problem(path=path, message="Should be an object")
        return
    kind, properties = widget.get("type"), widget.get("properties")
    if kind not in _TYPES:
        allowed = ", ".join(sorted(_TYPES))
        yield Problem(path=f"{path}/type", message=f"Should be one of {allowed}")
        return
    yield from _size_problems(widget, path)
    if not isinstance(properties, dict):
        yield Problem(path=path, message="Should have property 'properties', an object")
        return
    for name in _REQUIRED.get(kind, ()):
        if name not in properties:
            yield Problem(path=f"{path}/properties", message=f"Should have property '{name}'")
    if kind == "metric":
        yield from _metric_problems(properties, f"{path}/properties")


def _size_problems(widget: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in _NUMBERS:
        value = widget.get(name, 0 if name in {"x", "y"} else 1)
        least = 0 if name in {"x", "y"} else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            yield Problem(path=f"{path}/{name}", message=f"Should be an integer >= {least}")
            return
    if ("x" in widget) != ("y" in widget):
        yield Problem(path=path, message="Should have both properties 'x' and 'y', or none")
    if widget.get("x", 0) + widget.get("width", _DEFAULT_SIZE) > WIDTH:
        yield Problem(path=path, message=f"Should not be wider than {WIDTH} columns")
    if widget.get("height", _DEFAULT_SIZE) > _MAX_HEIGHT:
        yield Problem(path=f"{path}/height", message=f"Should be <= {_MAX_HEIGHT}")


def _metric_problems(properties: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if "metrics" not in properties and "annotations" not in properties:
        yield Problem(path=path, message="Should have property 'metrics' or 'annotations'")
        return
    if "region" not in properties and "metrics" in properties:
        yield Problem(path=path, message="Should have property 'region'")
    for index, metric in enumerate(properties.get("metrics", ())):
        where = f"{path}/metrics/{index}"
        if not isinstance(metric, list) or not metric:
            yield Problem(path=where, message="Should be an array with at least one item")
            continue
        options = metric[-1] if isinstance(metric[-1], dict) else None
        names = metric[:-1] if options is not None else metric
        if not names and not (options and "expression" in options):
            yield Problem(path=where, message="Should have a metric or an expression")
        elif not all(isinstance(each, str) for each in names):
            yield Problem(path=where, message="Should contain texts, and options at the end")
        elif names and (len(names) == 1 or len(names) % 2):
            yield Problem(
                path=where,
                message="Should contain a namespace, a name, and pairs of dimensions",
            )
