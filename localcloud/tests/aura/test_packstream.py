import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aura import packstream
from localcloud.aura.packstream import (
    PackStreamError,
    Reader,
    Structure,
    Value,
    pack,
    skip,
    unpack,
)
from tests.work import lines_run

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
)


def _nested(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return (
        st.lists(inner, max_size=20)
        | st.dictionaries(st.text(), inner, max_size=20)
        | st.builds(Structure, st.integers(0, 127), st.lists(inner, max_size=15).map(tuple))
    )


VALUES: st.SearchStrategy[Value] = st.recursive(SCALARS, _nested, max_leaves=20)


@given(VALUES)
def test_a_value_is_unchanged_after_packing_and_unpacking(value: Value) -> None:
    assert unpack(pack(value)) == value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_value_or_an_error(data: bytes) -> None:
    try:
        unpack(data)
    except PackStreamError:
        return


@given(VALUES)
def test_a_truncated_value_is_an_error(value: Value) -> None:
    with pytest.raises(PackStreamError):
        unpack(pack(value)[:-1])


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (1, "01"),
        (-16, "f0"),
        (-17, "c8ef"),
        (128, "c90080"),
        (2**31, "cb0000000080000000"),
        (1.25, "c13ff4000000000000"),
        ("A", "8141"),
        ("a" * 16, "d010" + "61" * 16),
        (b"\x01", "cc0101"),
        ([], "90"),
        ({"one": 1}, "a1836f6e6501"),
        (Structure(0x4E, (1, ["A"])), "b24e01918141"),
    ],
)
def test_values_have_the_documented_bytes(value: Value, encoded: str) -> None:
    assert pack(value).hex() == encoded
    assert unpack(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize("size", [15, 16, 255, 256, 65535, 65536])
def test_values_at_the_length_limits_of_markers_are_unchanged(size: int) -> None:
    values: list[Value] = ["x" * size, b"x" * size, [None] * size]
    assert unpack(pack(values)) == values


def test_nan_is_unchanged() -> None:
    value = unpack(pack(math.nan))
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    "encoded",
    ["", "c4", "81ff", "a10101", "a2816101816102", "0101", "91" * 200 + "01"],
    ids=["empty", "marker", "utf-8", "key", "key twice", "rest", "depth"],
)
def test_malformed_bytes_are_an_error(encoded: str) -> None:
    with pytest.raises(PackStreamError):
        unpack(bytes.fromhex(encoded))


@pytest.mark.parametrize("value", [2**63, Structure(1, (None,) * 16)])
def test_values_that_are_too_large_are_an_error(value: Value) -> None:
    with pytest.raises(PackStreamError):
        pack(value)


def test_a_reader_exposes_the_offsets_of_values() -> None:
    reader = Reader(pack("query") + pack({"a": 1}) + pack({}))
    assert reader.read() == "query"
    start = reader.position
    reader.read()
    assert pack({"a": 1}) == (pack("query") + pack({"a": 1}) + pack({}))[start : reader.position]


@given(VALUES, st.binary(max_size=5))
def test_skip_finds_the_end_of_a_value(value: Value, after: bytes) -> None:
    packed = pack(value)
    assert [*skip(b"before" + packed + after, 6)][-1] == 6 + len(packed)


@given(VALUES)
def test_skip_rejects_a_truncated_value(value: Value) -> None:
    with pytest.raises(PackStreamError):
        list(skip(pack(value)[:-1], 0))


@pytest.mark.parametrize("data", ["", "c4", "d6ffffffff", "daffffffff00", "91c4", "ccff"])
def test_skip_rejects_invalid_bytes(data: str) -> None:
    with pytest.raises(PackStreamError):
        list(skip(bytes.fromhex(data), 0))


def test_skip_takes_many_steps_for_a_large_value() -> None:
    def skipping(count: int) -> list[int]:
        return list(skip(pack([0] * count), 0))

    assert len(skipping(100_000)) > 20
    small = lines_run(packstream, lambda: skipping(2000))
    large = lines_run(packstream, lambda: skipping(20_000))
    assert large <= 11 * small


def test_skip_does_not_recurse() -> None:
    deep = b"\x91" * 100_000 + b"\x00"
    assert [*skip(deep, 0)][-1] == len(deep)
