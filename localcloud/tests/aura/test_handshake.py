import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aura import handshake
from localcloud.aura.handshake import HandshakeError, Version

# What the drivers send: the Python driver 6.4 and the Go driver 5.28 and 6.
PYTHON = bytes.fromhex("6060b017000001ff000808050002040400000003")
GO = bytes.fromhex("6060b017000001ff000404050002040400000003")


@pytest.mark.parametrize("request_", [PYTHON, GO])
def test_drivers_request_the_manifest(request_: bytes) -> None:
    assert handshake.wants_manifest(request_)


def test_the_manifest_contains_every_version() -> None:
    head, count, *ranges = (
        handshake.MANIFEST[:4],
        handshake.MANIFEST[4],
        *(handshake.MANIFEST[start : start + 4] for start in (5, 9, 13)),
    )
    assert head.hex() == "000001ff"
    assert count == len(ranges)
    offered = {
        Version(major, minor - below)
        for _, most, minor, major in ranges
        for below in range(most + 1)
    }
    assert offered == set(handshake.SUPPORTED)
    assert handshake.MANIFEST[17:] == handshake.NO_CAPABILITIES


@pytest.mark.parametrize(
    ("proposals", "version"),
    [
        ("00080805000000000000000000000000", Version(5, 8)),
        ("00040405000204040000000000000000", Version(5, 4)),
        ("00020404000808050000000000000000", Version(4, 4)),
        ("00030905000000000000000000000000", Version(5, 8)),
        ("00000005000000000000000000000000", Version(5, 0)),
        ("00000006000000030000010400000304", None),
        ("000000050000000000000000000001ff", Version(5, 0)),
    ],
)
def test_the_first_supported_version_is_chosen(proposals: str, version: Version | None) -> None:
    assert handshake.choose_version(handshake.MAGIC + bytes.fromhex(proposals)) == version


@given(st.binary(min_size=16, max_size=16))
def test_the_chosen_version_is_always_supported(proposals: bytes) -> None:
    assert handshake.choose_version(handshake.MAGIC + proposals) in {*handshake.SUPPORTED, None}


@given(st.binary(max_size=30))
def test_other_protocols_are_rejected(data: bytes) -> None:
    if data.startswith(handshake.MAGIC) and len(data) == handshake.REQUEST_SIZE:
        return
    with pytest.raises(HandshakeError):
        handshake.choose_version(data)


@pytest.mark.parametrize("version", handshake.SUPPORTED)
def test_a_choice_from_the_manifest_is_decoded(version: Version) -> None:
    assert handshake.read_choice(handshake.encode(version)) == version
    assert handshake.choose_version(handshake.request(version)) == version


@pytest.mark.parametrize("answer", ["00000905", "00000505", "00000304", "00080805", "00000000"])
def test_a_choice_outside_the_manifest_is_rejected(answer: str) -> None:
    with pytest.raises(HandshakeError):
        handshake.read_choice(bytes.fromhex(answer))
