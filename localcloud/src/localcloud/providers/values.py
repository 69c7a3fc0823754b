"""Property values, converted from and to the protocol between the engine and a provider.

The engine sends a protobuf Struct in which signatures mark secrets, assets, archives and unknowns.
Here unknowns are UNKNOWN, assets and archives are classes, and secrets are unwrapped; the names of
their top-level properties are kept. A property that contains a secret is secret as a whole.

Sources: pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go and
sdk/python/lib/pulumi/runtime/rpc.py.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

_SIGNATURE: Final = rpc._special_sig_key  # noqa: SLF001  # the protocol's constants, published nowhere else
_SECRET: Final = rpc._special_secret_sig  # noqa: SLF001  # the same
_ASSET: Final = rpc._special_asset_sig  # noqa: SLF001  # the same
_ARCHIVE: Final = rpc._special_archive_sig  # noqa: SLF001  # the same
_UNKNOWNS: Final = frozenset(
    {
        rpc.UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown(Enum):
    """The type of UNKNOWN, a value that is known only after the deployment."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file: by path, text or URI.

    Attributes:
        path: a file of this machine.
        text: the content itself.
        uri: the address of the content.
        hash: the content's SHA-256, as the engine computed it.
    """

    path: str | None = None
    text: str | None = field(default=None, repr=False)
    uri: str | None = None
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Many files: a folder or an archive by path or URI, or a map of assets.

    Attributes:
        path: a folder or an archive file of this machine.
        uri: the address of the archive.
        assets: assets and archives by name in the archive.
        hash: the content's SHA-256, as the engine computed it.
    """

    path: str | None = None
    uri: str | None = None
    assets: Mapping[str, "Asset | Archive"] | None = None
    hash: str = ""


Value: TypeAlias = (
    "bool | int | float | str | Unknown | Asset | Archive | list[Value] | dict[str, Value] | None"
)
Values: TypeAlias = dict[str, Value]


def decode(struct: struct_pb2.Struct) -> tuple[Values, frozenset[str]]:
    """Return the values that the engine sent, and the names of the secret top-level properties.

    Raises:
        ValueError: a value is of a kind that these providers don't support.
    """
    values: Values = {}
    secret: set[str] = set()
    for name, encoded in struct.fields.items():
        found: list[bool] = []
        values[name] = _decode(encoded, found)
        if found:
            secret.add(name)
    return values, frozenset(secret)


def encode(values: Mapping[str, Value], secret: Collection[str] = ()) -> struct_pb2.Struct:
    """Convert values for the engine.

    Args:
        values: the properties; those that are None are left out.
        secret: the names of the top-level properties to mark as secret.
    """
    fields = {}
    for name, value in values.items():
        if value is None:
            continue
        encoded = _encode(value)
        fields[name] = _signed(_SECRET, {"value": encoded}) if name in secret else encoded
    return struct_pb2.Struct(fields=fields)


def is_known(value: Value) -> bool:
    """Return whether a value contains no unknown at any depth."""
    if isinstance(value, dict):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return value is not UNKNOWN


def is_empty(value: Value) -> bool:
    """Return whether a value is None or empty, which AWS and Pulumi treat as absent."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def without_empty(value: Value) -> Value:
    """Remove empty members at any depth of an object."""
    if not isinstance(value, dict):
        return value
    pruned = {name: without_empty(item) for name, item in value.items()}
    return {name: item for name, item in pruned.items() if not is_empty(item)}


def as_string(value: Value) -> str:
    """Return a value that must be a string.

    Raises:
        TypeError: it isn't; the message doesn't show it.
    """
    if not isinstance(value, str):
        raise TypeError(f"a string was expected, not {type(value).__name__}")
    return value


def as_object(value: Value) -> Values:
    """Return a value that must be an object; an empty one for None.

    Raises:
        TypeError: it is something else; the message doesn't show it.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, not {type(value).__name__}")
    return value


def as_strings(value: Value) -> Sequence[str]:
    """Return a value that must be a list of strings; an empty one for None.

    Raises:
        TypeError: it is something else; the message doesn't show it.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return [as_string(item) for item in value]


def join_path(path: str, name: str) -> str:
    """Append a member's name to the path of an object; the path of the top level is empty."""
    return f"{path}.{name}" if path else name


def _decode(encoded: struct_pb2.Value, secret: list[bool]) -> Value:
    kind = encoded.WhichOneof("kind")
    if kind == "bool_value":
        return encoded.bool_value
    if kind == "number_value":
        number = encoded.number_value
        return int(number) if math.isfinite(number) and number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if encoded.string_value in _UNKNOWNS else encoded.string_value
    if kind == "list_value":
        return [_decode(item, secret) for item in encoded.list_value.values]
    if kind == "struct_value":
        return _decode_struct(encoded.struct_value, secret)
    return None


def _decode_struct(struct: struct_pb2.Struct, secret: list[bool]) -> Value:
    fields = struct.fields
    if _SIGNATURE not in fields:
        return {name: _decode(encoded, secret) for name, encoded in fields.items()}
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        secret.append(True)
        return _decode(fields["value"], secret)
    path, uri, digest = (_optional(fields, name) for name in ("path", "uri", "hash"))
    if signature == _ASSET:
        # The engine sends every member; the inapplicable ones are empty.
        content = None if path or uri else fields["text"].string_value
        return Asset(path=path, text=content, uri=uri, hash=digest or "")
    if signature == _ARCHIVE:
        members = None if path or uri else dict(_members(fields["assets"].struct_value))
        return Archive(path=path, uri=uri, assets=members, hash=digest or "")
    raise ValueError(f"values with the signature {signature} are not supported by this provider")


def _members(struct: struct_pb2.Struct) -> Iterator[tuple[str, Asset | Archive]]:
    for name, encoded in struct.fields.items():
        member = _decode(encoded, [])
        if not isinstance(member, Asset | Archive):
            raise ValueError(f"the archive's member {name} is neither an asset nor an archive")  # noqa: TRY004  # the engine's data, not a caller's argument
        yield name, member


def _optional(fields: Mapping[str, struct_pb2.Value], name: str) -> str | None:
    return fields[name].string_value or None if name in fields else None


def _encode(value: Value) -> struct_pb2.Value:
    if isinstance(value, dict):
        return struct_pb2.Value(
            struct_value=struct_pb2.Struct(
                fields={name: _encode(item) for name, item in value.items()}
            )
        )
    if isinstance(value, list):
        return struct_pb2.Value(
            list_value=struct_pb2.ListValue(values=[_encode(item) for item in value])
        )
    if isinstance(value, Asset | Archive):
        return _encode_content(value)
    return _encode_scalar(value)


def _encode_scalar(value: "bool | float | str | Unknown | None") -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=rpc.UNKNOWN)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    return struct_pb2.Value(number_value=value)


def _encode_content(value: Asset | Archive) -> struct_pb2.Value:
    fields = {
        name: struct_pb2.Value(string_value=content)
        for name in ("path", "uri", "text", "hash")
        if (content := getattr(value, name, None)) is not None
    }
    if isinstance(value, Archive) and value.assets is not None:
        members = {name: _encode_content(member) for name, member in value.assets.items()}
        fields["assets"] = struct_pb2.Value(struct_value=struct_pb2.Struct(fields=members))
    return _signed(_ASSET if isinstance(value, Asset) else _ARCHIVE, fields)


def _signed(signature: str, fields: Mapping[str, struct_pb2.Value]) -> struct_pb2.Value:
    return struct_pb2.Value(
        struct_value=struct_pb2.Struct(
            fields={_SIGNATURE: struct_pb2.Value(string_value=signature), **fields}
        )
    )
