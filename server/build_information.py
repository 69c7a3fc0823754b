"""Reads the build information that Go's linker puts into a binary, as `go version -m` prints it.

The format is documented in Go's debug/buildinfo (the section) and runtime/debug (its text).
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from server.errors import ServerImageError

# Of an ELF file for 64 bits, little-endian: all that AWS's hosts run.
_ELF: Final = b"\x7fELF\x02\x01"
_ELF_HEADER: Final = struct.Struct("<40xQ10xHHH")
# name, offset and size
_SECTION_HEADER: Final = struct.Struct("<I20xQQ24x")
_SECTION: Final = b".go.buildinfo"
_MAGIC: Final = b"\xff Go buildinf:"
_HEADER_SIZE: Final = 32
_FLAGS_OFFSET: Final = 15
# Since Go 1.18, both texts follow the header.
_INLINE: Final = 0x2
# The linker frames the second text. Source: infoStart and infoEnd in cmd/go/internal/modload.
_FRAME_SIZE: Final = 16
_VARINT_BITS: Final = 7
_VARINT_BYTES: Final = 10
_QUOTES: Final = ('"', "`")
_ESCAPES: Final = r"""\\(?:[abfnrtv\\"]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"""
_ESCAPE: Final = re.compile(_ESCAPES)
# Between backquotes, a backslash is a backslash.
_QUOTED: Final = re.compile(rf"""`[^`]*`|"(?:[^"\\]|{_ESCAPES})*\"""")
# A path and a version, without or with a checksum.
_MODULE_COLUMNS: Final = (2, 3)


class BuildInformationError(ServerImageError):
    """A file has no build information that can be read."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Go module that was compiled into a binary.

    Attributes:
        path: such as ``golang.org/x/text``.
        version: such as ``v0.37.0``.
        checksum: as in go.sum, beginning with ``h1:``; empty for the main module.
        replaced: the path that the module was required by, if go.mod replaces it.
    """

    path: str
    version: str
    checksum: str = ""
    replaced: str = ""


@dataclass(frozen=True, kw_only=True)
class BuildInformation:
    """What a binary was built from.

    Attributes:
        go_version: version of the toolchain and the standard library, such as ``go1.27.3``.
        main: the module with the program.
        dependencies: all other modules, direct and indirect.
        settings: the build's settings, such as GOARCH and vcs.revision.
    """

    go_version: str
    main: Module
    dependencies: tuple[Module, ...]
    settings: Mapping[str, str]


def read_build_information(binary: bytes) -> BuildInformation:
    """Read the build information of a Go binary for Linux.

    Raises:
        BuildInformationError: there is none, or it is damaged.
    """
    try:
        blob = _section(binary)
        if not blob.startswith(_MAGIC):
            raise BuildInformationError("its build information doesn't begin as Go's does")
        if not blob[_FLAGS_OFFSET] & _INLINE:
            raise BuildInformationError("it was built with a version of Go before 1.18")
        go_version, rest = _text(blob[_HEADER_SIZE:])
        framed, _ = _text(rest)
        return _parse(go_version.decode(), framed[_FRAME_SIZE:-_FRAME_SIZE].decode())
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise _damaged(str(error)) from error


def _section(binary: bytes) -> bytes:
    if not binary.startswith(_ELF):
        raise BuildInformationError("it is no program for Linux on a 64-bit processor")
    table, entry_size, count, names_index = _ELF_HEADER.unpack_from(binary)
    headers = [
        _SECTION_HEADER.unpack_from(binary, table + index * entry_size) for index in range(count)
    ]
    _, names, names_size = headers[names_index]
    table_of_names = binary[names : names + names_size]
    for name, offset, size in headers:
        if table_of_names[name:].partition(b"\0")[0] == _SECTION:
            section = binary[offset : offset + size]
            if len(section) < size:
                raise BuildInformationError("it is truncated")
            return section
    raise BuildInformationError("it has no build information: it wasn't built by Go")


def _text(data: bytes) -> tuple[bytes, bytes]:
    """Split off a text that its length precedes, as a varint."""
    length = 0
    for position in range(_VARINT_BYTES):
        length |= (data[position] & 0x7F) << (_VARINT_BITS * position)
        if data[position] < 0x80:  # noqa: PLR2004 - the bit that says whether another byte follows
            start = position + 1
            if len(data) < start + length:
                break
            return data[start : start + length], data[start + length :]
    raise _damaged("a text's length is wrong")


def _parse(go_version: str, text: str) -> BuildInformation:
    main: Module | None = None
    dependencies: list[Module] = []
    settings: dict[str, str] = {}
    for kind, value in _lines(text):
        match kind:
            case "mod":
                main = _module(value)
            case "dep":
                dependencies.append(_module(value))
            case "=>" if dependencies:
                dependencies[-1] = replace(_module(value), replaced=dependencies[-1].path)
            case "build":
                key, setting = _setting(value)
                settings[key] = setting
            case _:
                pass
    if not go_version or main is None:
        raise BuildInformationError("its build information names no module: it was built without")
    return BuildInformation(
        go_version=go_version,
        main=main,
        dependencies=tuple(dependencies),
        settings=MappingProxyType(settings),
    )


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        kind, _, value = line.partition("\t")
        yield kind, value


def _module(value: str) -> Module:
    columns = value.split("\t")
    if len(columns) not in _MODULE_COLUMNS or not columns[0]:
        raise _damaged(f"a module is {value!r}")
    return Module(path=columns[0], version=columns[1], checksum="".join(columns[2:]))


def _setting(line: str) -> tuple[str, str]:
    # Go quotes a key or a value with characters that could be misread.
    key, rest = _quoted(line) if line.startswith(_QUOTES) else (None, line)
    name, equals, value = rest.partition("=")
    if not equals or (name and key is not None):
        raise _damaged(f"a setting is {line!r}")
    if value.startswith(_QUOTES):
        value, rest = _quoted(value)
        if rest:
            raise _damaged(f"a setting is {line!r}")
    return name if key is None else key, value


def _quoted(text: str) -> tuple[str, str]:
    """Split off a quoted string, as Go's strconv.Unquote reads it."""
    found = _QUOTED.match(text)
    if found is None:
        raise _damaged(f"a text is {text!r}")
    quoted, rest = found[0], text[found.end() :]
    if quoted.startswith("`"):
        return quoted[1:-1], rest
    return _ESCAPE.sub(_unescape, quoted[1:-1]), rest


def _unescape(escape: re.Match[str]) -> str:
    # Python has all escapes of Go, with the same meaning.
    return escape[0].encode().decode("unicode_escape")


def _damaged(what: str) -> BuildInformationError:
    return BuildInformationError(f"its build information is damaged ({what})")
