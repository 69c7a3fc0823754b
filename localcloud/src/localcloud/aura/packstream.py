"""PackStream, Bolt's serialization.

Source: Neo4j's PackStream specification, version 1 (the one of every Bolt 4 and 5).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

_MAX_DEPTH: Final = 100
_INTEGER_SIZES: Final = {0xC8: 1, 0xC9: 2, 0xCA: 4, 0xCB: 8}
# Marker → size in bytes of the length that follows it.
_BYTES_SIZES: Final = {0xCC: 1, 0xCD: 2, 0xCE: 4}
_STRING_SIZES: Final = {0xD0: 1, 0xD1: 2, 0xD2: 4}
_LIST_SIZES: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4}
_MAP_SIZES: Final = {0xD8: 1, 0xD9: 2, 0xDA: 4}
_STEP: Final = 4096


class _Layout(NamedTuple):
    """What follows a marker: bytes, values, and a length that counts one of them."""

    bytes: int = 0
    values: int = 0
    length_width: int = 0
    bytes_per_length: int = 0
    values_per_length: int = 0


_LAYOUTS: Final[Mapping[int, _Layout]] = {
    **{marker: _Layout() for marker in (*range(0x80), *range(0xF0, 0x100), 0xC0, 0xC2, 0xC3)},
    0xC1: _Layout(bytes=8),
    **{marker: _Layout(bytes=size) for marker, size in _INTEGER_SIZES.items()},
    **{0x80 + size: _Layout(bytes=size) for size in range(0x10)},
    **{0x90 + size: _Layout(values=size) for size in range(0x10)},
    **{0xA0 + size: _Layout(values=2 * size) for size in range(0x10)},
    **{0xB0 + size: _Layout(bytes=1, values=size) for size in range(0x10)},
    **{
        marker: _Layout(length_width=width, bytes_per_length=1)
        for marker, width in (_BYTES_SIZES | _STRING_SIZES).items()
    },
    **{
        marker: _Layout(length_width=width, values_per_length=1)
        for marker, width in _LIST_SIZES.items()
    },
    **{
        marker: _Layout(length_width=width, values_per_length=2)
        for marker, width in _MAP_SIZES.items()
    },
}


class PackStreamError(ValueError):
    """The bytes are not valid PackStream, or the value can't be packed."""


@dataclass(frozen=True)
class Structure:
    """A tagged tuple of values: a message, a node, a date.

    Attributes:
        tag: the signature byte.
        fields: the values, at most 15.
    """

    tag: int
    fields: tuple["Value", ...] = ()


Value = None | bool | int | float | str | bytes | list["Value"] | dict[str, "Value"] | Structure


def pack(value: Value) -> bytes:
    """Serialize one value in the shortest form.

    Raises:
        PackStreamError: an integer needs more than 64 bits, or a structure is too large.
    """
    out = bytearray()
    _pack(value, out)
    return bytes(out)


def unpack(data: bytes) -> Value:
    """Deserialize one value, which must take up all the bytes.

    Raises:
        PackStreamError: the bytes are malformed, cut short, or too many.
    """
    reader = Reader(data)
    value = reader.read()
    if reader.position != len(data):
        raise PackStreamError("bytes follow the value")
    return value


def skip(data: bytes, position: int) -> Iterator[int]:
    """Find the end of a value without building it, in steps.

    Args:
        data: PackStream bytes.
        position: the value's offset, in bytes.

    Yields:
        The offset reached, after every few thousand values within it; the last is the end.

    Raises:
        PackStreamError: the bytes are malformed or cut short.
    """
    waiting, steps = 1, 0
    while waiting:
        if position >= len(data):
            raise PackStreamError("the value is cut short")
        marker = data[position]
        layout = _LAYOUTS.get(marker)
        if layout is None:
            raise PackStreamError(f"no value begins with the byte {marker:#04x}")
        begin = position + 1 + layout.length_width
        length = int.from_bytes(data[position + 1 : begin], "big")
        position = begin + layout.bytes + length * layout.bytes_per_length
        if position > len(data):
            raise PackStreamError("the value is cut short")
        waiting += layout.values + length * layout.values_per_length - 1
        steps += 1
        if steps % _STEP == 0:
            yield position
    yield position


class Reader:
    """Reads values one after the other and exposes their offsets.

    Attributes:
        position: the offset of the next value, in bytes.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        """Start at an offset in bytes."""
        self._data = data
        self.position = position

    def read(self) -> Value:
        """Read the next value.

        Raises:
            PackStreamError: the bytes are malformed or cut short.
        """
        return self._read(_MAX_DEPTH)

    def _read(self, depth: int) -> Value:  # noqa: C901, PLR0911, PLR0912 - a table of the format's markers
        if depth == 0:
            raise PackStreamError("values are nested too deeply")
        marker = self._take(1)[0]
        high, low = marker & 0xF0, marker & 0x0F
        if marker < 0x80:  # noqa: PLR2004 - tiny integers
            return marker
        if high == 0x80:  # noqa: PLR2004
            return self._string(low)
        if high == 0x90:  # noqa: PLR2004
            return self._list(low, depth)
        if high == 0xA0:  # noqa: PLR2004
            return self._map(low, depth)
        if high == 0xB0:  # noqa: PLR2004
            tag = self._take(1)[0]
            return Structure(tag, tuple(self._read(depth - 1) for _ in range(low)))
        if marker >= 0xF0:  # noqa: PLR2004 - tiny negative integers
            return marker - 0x100
        match marker:
            case 0xC0:
                return None
            case 0xC1:
                number: float = struct.unpack(">d", self._take(8))[0]
                return number
            case 0xC2:
                return False
            case 0xC3:
                return True
        if marker in _INTEGER_SIZES:
            return int.from_bytes(self._take(_INTEGER_SIZES[marker]), "big", signed=True)
        if marker in _BYTES_SIZES:
            return bytes(self._take(self._size(_BYTES_SIZES[marker])))
        if marker in _STRING_SIZES:
            return self._string(self._size(_STRING_SIZES[marker]))
        if marker in _LIST_SIZES:
            return self._list(self._size(_LIST_SIZES[marker]), depth)
        if marker in _MAP_SIZES:
            return self._map(self._size(_MAP_SIZES[marker]), depth)
        raise PackStreamError(f"no value begins with the byte {marker:#04x}")

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise PackStreamError("the value is cut short")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _size(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _string(self, size: int) -> str:
        try:
            return self._take(size).decode("utf-8")
        except UnicodeDecodeError:
            raise PackStreamError("a string is not UTF-8") from None

    def _list(self, size: int, depth: int) -> list[Value]:
        return [self._read(depth - 1) for _ in range(size)]

    def _map(self, size: int, depth: int) -> dict[str, Value]:
        result: dict[str, Value] = {}
        for _ in range(size):
            key = self._read(depth - 1)
            if not isinstance(key, str):
                raise PackStreamError("a map's key is not a string")
            if key in result:
                raise PackStreamError("a map has a key twice")
            result[key] = self._read(depth - 1)
        return result


def _pack(value: Value, out: bytearray) -> None:  # noqa: C901, PLR0912 - a table of the format's types
    match value:
        case None:
            out.append(0xC0)
        case bool():
            out.append(0xC3 if value else 0xC2)
        case int():
            _pack_integer(value, out)
        case float():
            out.append(0xC1)
            out += struct.pack(">d", value)
        case str():
            encoded = value.encode("utf-8")
            _pack_size(len(encoded), 0x80, _STRING_SIZES, out)
            out += encoded
        case bytes():
            _pack_size(len(value), None, _BYTES_SIZES, out)
            out += value
        case list():
            _pack_size(len(value), 0x90, _LIST_SIZES, out)
            for item in value:
                _pack(item, out)
        case dict():
            _pack_size(len(value), 0xA0, _MAP_SIZES, out)
            for key, item in value.items():
                _pack(key, out)
                _pack(item, out)
        case Structure():
            if len(value.fields) > 15:  # noqa: PLR2004 - four bits count them
                raise PackStreamError("a structure has more than 15 fields")
            out.append(0xB0 + len(value.fields))
            out.append(value.tag)
            for item in value.fields:
                _pack(item, out)


def _pack_integer(value: int, out: bytearray) -> None:
    if -0x10 <= value < 0x80:  # noqa: PLR2004 - tiny integers
        out += value.to_bytes(1, "big", signed=True)
        return
    for marker, size in _INTEGER_SIZES.items():
        limit = 1 << (8 * size - 1)
        if -limit <= value < limit:
            out.append(marker)
            out += value.to_bytes(size, "big", signed=True)
            return
    raise PackStreamError("an integer needs more than 64 bits")


def _pack_size(size: int, tiny: int | None, sizes: dict[int, int], out: bytearray) -> None:
    if tiny is not None and size < 0x10:  # noqa: PLR2004 - four bits hold it
        out.append(tiny + size)
        return
    for marker, width in sizes.items():
        if size < 1 << (8 * width):
            out.append(marker)
            out += size.to_bytes(width, "big")
            return
    raise PackStreamError("a value is longer than 4 GiB")
