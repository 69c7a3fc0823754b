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


def to_chunks(payload: bytes) -> bytes:
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

    Every byte is looked at once, however small the chunks and the pieces in which they arrive.
    Empty chunks between messages (no-operations, which keep a connection alive) are dropped.
    """

    def __init__(self, limit: int) -> None:
        """Begin at a message's start.

        Args:
            limit: the largest message accepted, in bytes as they lie on the wire.
        """
        self.limit = limit
        self._buffer = bytearray()
        """The bytes from the message's start on."""
        self._payload = bytearray()
        """What the message's whole chunks hold."""
        self._position = 0
        """Where the message's next chunk begins, in the buffer."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and give the messages that are whole.

        Args:
            data: the next bytes of the stream, cut anywhere.

        Yields:
            Every message that these bytes complete.

        Raises:
            MessageTooLargeError: a message is over the limit.
        """
        self._buffer += data
        while (frame := self._next()) is not None:
            if frame.payload:
                yield frame

    def _next(self) -> Frame | None:
        """Cut the next message off; None while it isn't whole."""
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
                return self._cut_off(end)
            self._payload += buffer[begin:end]
        return None

    def _cut_off(self, end: int) -> Frame:
        frame = Frame(bytes(self._buffer[:end]), bytes(self._payload))
        del self._buffer[:end]
        self._payload.clear()
        self._position = 0
        return frame
