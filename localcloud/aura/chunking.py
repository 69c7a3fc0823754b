"""Bolt's transport encoding: messages in chunks, each led by its size, ended by an empty one.

Source: Neo4j's Bolt protocol documentation, "Message exchange".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEADER: Final = 2
_MAX_CHUNK: Final = 0xFFFF


class MessageTooLargeError(ValueError):
    """A message is larger than its receiver allows."""


@dataclass(frozen=True)
class Frame:
    """One message as it lies on the wire.

    Attributes:
        raw: its chunks with their headers and the empty last one.
        payload: what the chunks hold together: one PackStream structure.
    """

    raw: bytes
    payload: bytes

    @property
    def tag(self) -> int | None:
        """The message's signature byte; None where there is none."""
        return self.payload[1] if len(self.payload) > 1 else None


def enclose(payload: bytes) -> bytes:
    """Split a message into chunks.

    Args:
        payload: the message; not empty.

    Returns:
        Its chunks with the empty last one.
    """
    out = bytearray()
    for start in range(0, len(payload), _MAX_CHUNK):
        chunk = payload[start : start + _MAX_CHUNK]
        out += len(chunk).to_bytes(_HEADER, "big")
        out += chunk
    out += bytes(_HEADER)
    return bytes(out)


class Dechunker:
    """Cuts a stream of bytes into messages.

    Empty chunks between messages (no-operations, which keep a connection alive) are dropped.
    """

    def __init__(self, limit: int) -> None:
        """Begin at a message's start.

        Args:
            limit: the largest message accepted, in bytes as they lie on the wire.
        """
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and give the messages that are whole.

        Args:
            data: the next bytes of the stream, cut anywhere.

        Yields:
            Every message that these bytes complete.

        Raises:
            MessageTooLargeError: a message is over the limit.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while (end := self._end(start)) is not None:
                if end - start > _HEADER:
                    yield _frame(bytes(buffer[start:end]))
                start = end
        finally:
            del buffer[:start]

    def _end(self, start: int) -> int | None:
        """Where the message that begins here ends; None while it is not whole."""
        buffer = self._buffer
        position = start
        while position + _HEADER <= len(buffer):
            size = (buffer[position] << 8) | buffer[position + 1]
            position += _HEADER + size
            if position - start > self.limit:
                raise MessageTooLargeError(f"a message is larger than {self.limit} bytes")
            if size == 0:
                return position
        return None


def _frame(raw: bytes) -> Frame:
    size = (raw[0] << 8) | raw[1]
    if len(raw) == size + 2 * _HEADER:
        return Frame(raw, raw[_HEADER:-_HEADER])
    payload = bytearray()
    position = 0
    while position < len(raw):
        size = (raw[position] << 8) | raw[position + 1]
        payload += raw[position + _HEADER : position + _HEADER + size]
        position += _HEADER + size
    return Frame(raw, bytes(payload))
