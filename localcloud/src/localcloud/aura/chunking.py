"""Bolt's transport encoding: each message in chunks with their size, ended by an empty chunk.

Source: Neo4j's Bolt protocol documentation, "Message exchange".
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

_HEADER: Final = 2
_MAX_CHUNK: Final = 0xFFFF


class MessageTooLargeError(ValueError):
    """A message is larger than its receiver allows."""


class Frame(NamedTuple):
    """One message in its transport encoding.

    Attributes:
        raw: its chunks with their headers, and the empty last one.
        payload: the content of the chunks: one PackStream structure.
    """

    raw: bytes
    payload: bytes

    @property
    def tag(self) -> int | None:
        """The message's signature byte; None if it has none."""
        return self.payload[1] if len(self.payload) > 1 else None


def to_chunks(payload: bytes) -> bytes:
    """Encode a message, which must not be empty, as chunks."""
    out = bytearray()
    for start in range(0, len(payload), _MAX_CHUNK):
        chunk = payload[start : start + _MAX_CHUNK]
        out += len(chunk).to_bytes(_HEADER, "big")
        out += chunk
    out += bytes(_HEADER)
    return bytes(out)


class Dechunker:
    """Splits a stream of bytes into messages.

    It looks at every byte once, however small the chunks and the pieces in which they arrive. It
    drops empty chunks between messages (no-operations, which keep a connection alive).
    """

    def __init__(self, limit: int) -> None:
        """Start at the beginning of a message.

        Args:
            limit: the largest accepted message, in bytes with its headers.
        """
        self.limit = limit
        self._buffer = bytearray()
        """The bytes since the beginning of the message."""
        self._payload = bytearray()
        """The content of the message's complete chunks."""
        self._position = 0
        """The offset of the message's next chunk in the buffer."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Add the next bytes of the stream, and yield every message that they complete.

        Raises:
            MessageTooLargeError: a message is larger than the limit.
        """
        self._buffer += data
        while (frame := self._next()) is not None:
            if frame.payload:
                yield frame

    def _next(self) -> Frame | None:
        """Remove and return the next message; None while it is incomplete."""
        buffer = self._buffer
        while self._position + _HEADER <= len(buffer):
            begin = self._position + _HEADER
            end = begin + ((buffer[self._position] << 8) | buffer[self._position + 1])
            if end > self.limit:
                raise MessageTooLargeError(f"a message is larger than {self.limit} bytes")
            if end > len(buffer):
                break
            self._position = end
            if begin == end:
                return self._remove(end)
            self._payload += buffer[begin:end]
        return None

    def _remove(self, end: int) -> Frame:
        frame = Frame(bytes(self._buffer[:end]), bytes(self._payload))
        del self._buffer[:end]
        self._payload.clear()
        self._position = 0
        return frame
