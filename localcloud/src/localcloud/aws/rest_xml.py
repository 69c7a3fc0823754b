"""AWS's REST-XML protocol, as botocore's model of a service describes it.

Source: "AWS restXml protocol" in Smithy's documentation.
"""

import base64
import binascii
import datetime as dt
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

import botocore.loaders
import botocore.model
import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from localcloud.aws.protocol import ApiError
from localcloud.aws.shapes import constraint_problems

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_CONTENT_TYPE: Final = "text/xml"
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class XmlRequest:
    """An HTTP request to a REST-XML service.

    Attributes:
        query: the query string.
        headers: with lowercase names.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class XmlResponse:
    """An HTTP response of a REST-XML service."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Route:
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    operation: str


class RestXmlProtocol:
    """One service's operations, from botocore's model of it."""

    def __init__(self, service: str) -> None:
        """Load the model of a service by botocore's name for it."""
        description = botocore.loaders.Loader().load_service_model(service, "service-2")
        self._model = botocore.model.ServiceModel(description, service)
        self.version = str(self._model.api_version)
        self._namespace = next(iter(_namespaces(self._model)), "")
        routes = [self._route(name) for name in self._model.operation_names]
        # An operation that is recognized by its query too comes before the one that isn't.
        self._routes = sorted(routes, key=lambda route: -len(route.query))

    def read(self, request: XmlRequest) -> tuple[str, dict[str, Any]]:
        """Return a request's operation and its validated parameters.

        Raises:
            ApiError: there is no such operation, or the request violates its model.
        """
        given = frozenset(parse_qsl(request.query, keep_blank_values=True))
        for route in self._routes:
            found = route.path.fullmatch(request.path)
            if found and route.method == request.method and route.query <= given:
                break
        else:
            raise ApiError(
                "InvalidAction",
                f"The service has no operation {request.method} {request.path}.",
                HTTPStatus.NOT_FOUND,
            )
        shape = self._model.operation_model(route.operation).input_shape
        if shape is None:
            return route.operation, {}
        labels = {name: unquote(text) for name, text in found.groupdict().items()}
        parameters = self._parameters(shape, request, labels, dict(given))
        problems = list(constraint_problems(shape, parameters))
        if problems:
            plural = "" if len(problems) == 1 else "s"
            raise ApiError(
                "MalformedXML",
                f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}",
            )
        return route.operation, parameters

    def encode(self, operation: str, result: Mapping[str, Any]) -> XmlResponse:
        """Return the response with an operation's result."""
        model = self._model.operation_model(operation)
        headers = {"x-amzn-requestid": str(uuid.uuid4())}
        shape = model.output_shape
        body = b""
        if shape is not None:
            for name, member in shape.members.items():
                if member.serialization.get("location") == "header" and name in result:
                    headers[member.serialization["name"]] = str(result[name])
            payload = shape.serialization.get("payload")
            if payload is not None and shape.members[payload].type_name == "blob":
                body = result[payload]
            elif payload is not None:
                headers["content-type"] = _CONTENT_TYPE
                body = self._document(payload, shape.members[payload], result[payload])
        return XmlResponse(status=model.http["responseCode"], headers=headers, body=body)

    def encode_error(self, error: ApiError) -> XmlResponse:
        """Return the response with an error."""
        request_id = str(uuid.uuid4())
        root = ET.Element("ErrorResponse", self._attributes())
        described = ET.SubElement(root, "Error")
        sender = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        ET.SubElement(described, "Type").text = "Sender" if sender else "Receiver"
        ET.SubElement(described, "Code").text = error.code
        ET.SubElement(described, "Message").text = error.message
        ET.SubElement(root, "RequestId").text = request_id
        return XmlResponse(
            status=error.status,
            headers={"x-amzn-requestid": request_id, "content-type": _CONTENT_TYPE},
            body=ET.tostring(root, encoding="utf-8", xml_declaration=True),
        )

    def _route(self, operation: str) -> _Route:
        http = self._model.operation_model(operation).http
        path, _, query = http["requestUri"].partition("?")
        pieces = _PLACEHOLDER.split(path)
        pattern = "".join(
            f"(?P<{piece}>[^/]+)" if number % 2 else re.escape(piece)
            for number, piece in enumerate(pieces)
        )
        return _Route(
            method=http["method"],
            path=re.compile(pattern),
            query=frozenset(parse_qsl(query, keep_blank_values=True)),
            operation=operation,
        )

    def _parameters(
        self,
        shape: botocore.model.StructureShape,
        request: XmlRequest,
        labels: Mapping[str, str],
        query: Mapping[str, str],
    ) -> dict[str, Any]:
        places = {"uri": labels, "querystring": query, "header": request.headers}
        parameters: dict[str, Any] = {}
        for name, member in shape.members.items():
            location = member.serialization.get("location")
            if location is not None:
                key = member.serialization["name"]
                text = places[location].get(key.lower() if location == "header" else key)
                if text is not None:
                    parameters[name] = _scalar(member, text, name)
        payload = shape.serialization.get("payload")
        if payload is not None:
            if request.body:
                parameters[payload] = _value(shape.members[payload], _root(request.body), payload)
        elif request.body:
            in_body = {
                name: member
                for name, member in shape.members.items()
                if "location" not in member.serialization
            }
            parameters |= _members(in_body, _root(request.body), "")
        return parameters

    def _document(self, name: str, shape: botocore.model.Shape, value: object) -> bytes:
        root = ET.Element(name, self._attributes())
        _write(root, shape, value)
        text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return text

    def _attributes(self) -> dict[str, str]:
        return {"xmlns": self._namespace} if self._namespace else {}


def _namespaces(model: botocore.model.ServiceModel) -> Iterator[str]:
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        for each in (shape, *(shape.members.values() if shape else ())):
            if each is not None and "xmlNamespace" in each.serialization:
                yield str(each.serialization["xmlNamespace"]["uri"])


def _root(body: bytes) -> ET.Element:
    try:
        root: ET.Element = defusedxml.ElementTree.fromstring(body)
    except (ET.ParseError, DefusedXmlException):
        raise ApiError("MalformedXML", "The XML document is malformed.") from None
    return root


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(shape: botocore.model.Shape, element: ET.Element, path: str) -> Any:  # noqa: ANN401 - of any shape
    if isinstance(shape, botocore.model.StructureShape):
        return _members(shape.members, element, path)
    if isinstance(shape, botocore.model.ListShape):
        wanted = shape.member.serialization.get("name", "member")
        return [
            _value(shape.member, _expected(child, wanted, path), f"{path}.{number}")
            for number, child in enumerate(element, start=1)
        ]
    return _scalar(shape, element.text or "", path)


def _members(
    members: Mapping[str, botocore.model.Shape], element: ET.Element, path: str
) -> dict[str, Any]:
    names = {shape.serialization.get("name", name): name for name, shape in members.items()}
    found: dict[str, Any] = {}
    for child in element:
        name = names.get(_local(child))
        at = f"{path}.{_local(child)}" if path else _local(child)
        if name is None:
            raise ApiError("MalformedXML", f"The member {at} is unknown.")
        found[name] = _value(members[name], child, at)
    return found


def _expected(element: ET.Element, name: str, path: str) -> ET.Element:
    if _local(element) != name:
        raise ApiError("MalformedXML", f"{path} must consist of {name}, not {_local(element)}.")
    return element


def _scalar(shape: botocore.model.Shape, text: str, path: str) -> Any:  # noqa: ANN401 - of any shape
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "boolean":
                return _TRUTH[text.strip().lower()]
            case "blob":
                return base64.b64decode(text, validate=True)
            case "string":
                return text
    except (KeyError, ValueError, binascii.Error):
        raise ApiError("MalformedXML", f"{path} must be of type {shape.type_name}.") from None
    raise ApiError("MalformedXML", f"The stand-in can't read {path}, a {shape.type_name}.")


def _write(element: ET.Element, shape: botocore.model.Shape, value: Any) -> None:  # noqa: ANN401 - of any shape
    if isinstance(shape, botocore.model.StructureShape):
        _write_members(element, shape, value)
    elif isinstance(shape, botocore.model.ListShape):
        _write_items(element, shape.member, value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, dt.datetime):
        element.text = value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    else:
        element.text = str(value)


def _write_members(
    element: ET.Element, shape: botocore.model.StructureShape, value: Mapping[str, Any]
) -> None:
    unknown = value.keys() - shape.members.keys()
    if unknown:
        raise KeyError(f"{shape.name} has no members {sorted(unknown)}")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            child = ET.SubElement(element, member.serialization.get("name", name))
            _write(child, member, value[name])


def _write_items(element: ET.Element, shape: botocore.model.Shape, items: Sequence[object]) -> None:
    for item in items:
        child = ET.SubElement(element, shape.serialization.get("name", "member"))
        _write(child, shape, item)
