from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aura import chunking
from localcloud.aura.chunking import Dechunker, Frame, MessageTooLargeError, to_chunks
from tests.work import lines_run

MESSAGES = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@given(MESSAGES, st.integers(1, 50))
def test_messages_are_unchanged_however_the_stream_is_cut(messages: list[bytes], size: int) -> None:
    dechunker = Dechunker(1000)
    stream = b"".join(to_chunks(message) for message in messages)
    frames = [frame for piece in _cut(stream, size) for frame in dechunker.feed(piece)]
    assert [frame.payload for frame in frames] == messages
    assert b"".join(frame.raw for frame in frames) == stream


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=8))
def test_a_message_in_several_chunks_is_one(chunks: list[bytes]) -> None:
    stream = b"".join(len(chunk).to_bytes(2, "big") + chunk for chunk in chunks) + b"\0\0"
    frames = list(Dechunker(1000).feed(stream))
    assert frames == [Frame(stream, b"".join(chunks))]


@pytest.mark.parametrize("size", [0xFFFF, 0x10000, 200_000])
def test_large_messages_take_several_chunks(size: int) -> None:
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert [frame.payload for frame in Dechunker(300_000).feed(to_chunks(message))] == [message]


def test_empty_chunks_between_messages_are_dropped() -> None:
    stream = bytes(2) + to_chunks(b"\xb0\x0f") + bytes(4)
    assert [frame.tag for frame in Dechunker(100).feed(stream)] == [0x0F]


def test_a_message_over_the_limit_is_rejected_before_it_has_arrived() -> None:
    dechunker = Dechunker(100)
    with pytest.raises(MessageTooLargeError):
        list(dechunker.feed((200).to_bytes(2, "big") + b"x"))


def test_small_chunks_count_towards_the_limit() -> None:
    with pytest.raises(MessageTooLargeError):
        list(Dechunker(100).feed(b"\0\x01x" * 100))


def test_a_raised_limit_applies_to_the_next_message() -> None:
    dechunker = Dechunker(10)
    payloads = []
    for frame in dechunker.feed(to_chunks(b"\xb0\x6a") + to_chunks(b"x" * 50)):
        dechunker.limit = 100
        payloads.append(frame.payload)
    assert payloads == [b"\xb0\x6a", b"x" * 50]


def test_a_message_without_a_signature_has_no_tag() -> None:
    assert Frame(b"", b"\xb0").tag is None


def _in_small_chunks(count: int) -> bytes:
    return b"\0\x01x" * count + bytes(2)


def _feeding(stream: bytes, piece: int) -> Callable[[], None]:
    def feed() -> None:
        dechunker = Dechunker(len(stream))
        [frame] = [frame for each in _cut(stream, piece) for frame in dechunker.feed(each)]
        assert len(frame.raw) == len(stream)

    return feed


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_the_work_is_linear_in_the_size_of_the_message(piece: int) -> None:
    small, large = (
        lines_run(chunking, _feeding(_in_small_chunks(count), piece)) for count in (300, 3000)
    )
    assert large <= 11 * small


def test_the_work_is_linear_for_a_large_chunk_that_arrives_byte_by_byte() -> None:
    small, large = (
        lines_run(chunking, _feeding(to_chunks(bytes(size)), 1)) for size in (1000, 10_000)
    )
    assert large <= 11 * small
