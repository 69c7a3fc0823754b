import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from localcloud.providers.values import (
    UNKNOWN,
    Archive,
    Asset,
    Value,
    as_object,
    as_string,
    as_strings,
    decode,
    encode,
    is_known,
)

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SCALARS = st.one_of(
    st.booleans(),
    st.integers(min_value=-(2**53), max_value=2**53),
    st.text(max_size=5),
    st.just(UNKNOWN),
    st.builds(Asset, text=st.text(max_size=5), hash=st.text(max_size=5)),
    st.builds(Archive, path=st.text(min_size=1, max_size=5), hash=st.text(max_size=5)),
)
_NAMES = st.text(max_size=5)
_VALUES: st.SearchStrategy[Value] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4), st.data())
def test_values_are_unchanged_after_encoding_and_decoding(
    values: dict[str, Value], data: st.DataObject
) -> None:
    secret = frozenset(data.draw(st.sets(st.sampled_from(sorted(values))))) if values else ()
    assert decode(encode(values, secret)) == (values, frozenset(secret))


def test_a_secret_inside_makes_its_property_secret() -> None:
    inner = encode({"password": "hunter2"}, {"password"})
    wire = struct_pb2.Struct(
        fields={"registry": struct_pb2.Value(struct_value=inner), **encode({"a": 1}).fields}
    )
    assert decode(wire) == (
        {"registry": {"password": "hunter2"}, "a": 1},
        frozenset({"registry"}),
    )


def test_absent_values_are_not_sent() -> None:
    assert decode(encode({"a": None, "b": ""})) == ({"b": ""}, frozenset())


def test_an_archive_of_assets_is_unchanged_after_encoding_and_decoding() -> None:
    archive = Archive(assets={"a.py": Asset(text="x = 1"), "d": Archive(path="lib")})
    assert decode(encode({"code": archive}))[0]["code"] == archive


def test_empty_members_from_the_engine_count_as_absent() -> None:
    wire = encode({"code": Archive(path="lambda", hash="h")})
    wire.fields["code"].struct_value.update({"assets": {}, "uri": ""})
    assert decode(wire)[0]["code"] == Archive(path="lambda", hash="h")


def test_unsupported_signatures_are_rejected() -> None:
    wire = encode({"r": {_SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e", "urn": "u"}})
    with pytest.raises(ValueError, match="5cf8f73096256a8f31e491e813e4eb8e"):
        decode(wire)


@pytest.mark.parametrize("value", [{"a": [UNKNOWN]}, [{"a": UNKNOWN}], UNKNOWN])
def test_an_unknown_anywhere_is_unknown(value: Value) -> None:
    assert not is_known(value)


def test_assets_do_not_show_their_text() -> None:
    assert "hunter2" not in repr(Asset(text="hunter2"))


def test_a_value_of_the_wrong_type_is_reported_without_its_content() -> None:
    for take in (as_object, as_strings):
        with pytest.raises(TypeError) as error:
            take("hunter2")
        assert "hunter2" not in str(error.value)
    with pytest.raises(TypeError):
        as_string(1)
