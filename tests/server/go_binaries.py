"""Small ELF files with Go's build information, as its linker writes it."""

import struct
from collections.abc import Mapping

_FRAME = 16
_SETTINGS = {"-compiler": "gc", "GOARCH": "amd64", "GOOS": "linux"}


def varint(number: int) -> bytes:
    """Encode a length as Go's binary.PutUvarint does."""
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def build_lines(
    module: str = "github.com/neo4j/mcp",
    version: str = "v1.6.1+dirty",
    settings: Mapping[str, str] = _SETTINGS,
) -> str:
    lines = [f"path\t{module}", f"mod\t{module}\t{version}\t"]
    lines += [f"build\t{key}={value}" for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def blob(text: str, go_version: str = "go1.27.3", flags: int = 2) -> bytes:
    """Return the content of the section .go.buildinfo."""
    header = b"\xff Go buildinf:" + bytes([8, flags]) + bytes(16)
    framed = b"<" * _FRAME + text.encode() + b">" * _FRAME
    version = go_version.encode()
    return header + varint(len(version)) + version + varint(len(framed)) + framed


def elf(content: bytes, section: str = ".go.buildinfo") -> bytes:
    """Return a 64-bit ELF file with one section next to that of the sections' names."""
    names = b"\0.shstrtab\0" + section.encode() + b"\0"
    names_at = 64
    content_at = names_at + len(names)
    headers_at = content_at + len(content)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, headers_at, 0, 64, 0, 0, 64, 3, 1)
    name_at = names.index(section.encode())
    headers = bytes(64) + _header(1, 3, names_at, len(names))
    headers += _header(name_at, 1, content_at, len(content))
    return header + names + content + headers


def go_binary(module: str = "github.com/neo4j/mcp", version: str = "v1.6.1+dirty") -> bytes:
    """Return a binary that says it was built from a module and version."""
    return elf(blob(build_lines(module, version)))


def _header(name: int, kind: int, offset: int, size: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)
