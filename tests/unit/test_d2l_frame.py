"""A D2L dongle's frames, both ways, against recorded vectors and any bytes whatsoever."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hems.d2l.frame import (
    HEAD,
    LARGEST,
    Fault,
    Frame,
    FrameError,
    Key,
    Type,
    crc16,
    decode,
    encode,
    header,
    reading,
    reply,
)
from hypothesis import example, given
from hypothesis import strategies as st

# Made with a public implementation, whose code is not ours.
KEY = Key(
    bytes.fromhex("000102030405060708090a0b0c0d0e0f"),
    bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
)
CLOCK = bytes.fromhex(
    "03003000351cdcdf0200000001000000de8e8d962b69074b2a38943bad35bc52"
    "d7e757d88708755c214148e80a71c518"
)
ANSWER = bytes.fromhex(
    "03003000351cdcdf0200000001000000de8e8d962b69074b2a38943bad35bc52"
    "298e5b22f5961b11523da5f2e7ab24c9"
)
PUSH = bytes.fromhex(
    "03006000351cdcdf0200000001000000de8e8d962b69074b2a38943bad35bc52"
    "ae2640ec5fb53f8f100934143ff0905cd8dd2973ded42188c1084ba2c362810c"
    "421c4cd3dd129b2894b846d92613fdb4c8eb9f8f93543c7c3711d53923131ec8"
)
NEW_YEAR = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp()


def fault(data: bytes, key: Key = KEY) -> Fault:
    with pytest.raises(FrameError) as caught:
        decode(data, key)
    return caught.value.fault


def test_crc_is_modbus() -> None:
    assert crc16(b"123456789") == 0x4B37  # the check value of the CRC catalogue


def test_a_recorded_push_is_read() -> None:
    frame = decode(PUSH, KEY)
    assert (frame.dongle, frame.type, frame.answer, frame.error) == (
        "012345678901",
        3,
        False,
        False,
    )
    assert reading(frame) == {"_TYPE_TRAME": "HISTORIQUE", "BASE": "000001234"}


def test_a_recorded_request_gets_the_recorded_answer() -> None:
    answer = reply(decode(CLOCK, KEY), NEW_YEAR)
    assert answer is not None
    assert encode(answer, KEY) == ANSWER


@pytest.mark.parametrize("vector", [CLOCK, ANSWER, PUSH], ids=["clock", "answer", "push"])
def test_encoding_gives_the_recorded_bytes_again(vector: bytes) -> None:
    assert encode(decode(vector, KEY), KEY) == vector


@pytest.mark.parametrize("vector", [CLOCK, PUSH], ids=["clock", "push"])
def test_a_wrong_key_and_a_wrong_iv_are_told_apart(vector: bytes) -> None:
    assert fault(vector, replace(KEY, key=bytes(16))) is Fault.KEY
    assert fault(vector, replace(KEY, iv=bytes(16))) is Fault.IV


def test_a_key_is_never_printed() -> None:
    assert KEY.key.hex() not in repr(KEY) and repr(KEY.key) not in repr(KEY)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PUSH[:15], Fault.SHORT),
        (b"\x04" + PUSH[1:], Fault.VERSION),
        (PUSH[:12] + b"\x02" + PUSH[13:], Fault.ENCRYPTION),
        (PUSH[:2] + b"\x61" + PUSH[3:], Fault.SIZE),
        (PUSH[:2] + b"\x20" + PUSH[3:], Fault.SIZE),
        (PUSH[:2] + b"\x00\x30" + PUSH[4:], Fault.SIZE),
        (PUSH[:4] + b"\xff" * 8 + PUSH[12:], Fault.NUMBER),
        (PUSH[:-16], Fault.SIZE),
    ],
)
def test_what_can_not_be_a_frame_is_named(data: bytes, expected: Fault) -> None:
    assert fault(data) is expected


def test_only_what_asks_is_answered() -> None:
    for kind in range(128):
        frame = Frame("000000000001", bytes(16), kind)
        assert (reply(frame, NEW_YEAR) is not None) == (kind in (3, 5, 7))
        assert reply(replace(frame, answer=True), NEW_YEAR) is None


def test_a_clock_before_2016_answers_zero() -> None:
    answer = reply(Frame("000000000001", bytes(16), Type.CLOCK), 0)
    assert answer is not None and answer.payload == bytes(4)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"[" * 4000])
def test_a_push_without_a_meters_json_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        reading(Frame("000000000001", bytes(16), 3, payload))
    assert caught.value.fault is Fault.CONTENT


def test_a_payload_longer_than_its_frame_is_refused() -> None:
    frame = Frame("000000000001", bytes(16), 3, b"{}")
    plain = bytearray(encode(frame, KEY))
    # Written with the right CRC, as a dongle with a fault of its own would.
    decryptor = KEY.cipher().decryptor()
    text = bytearray(plain[:16] + decryptor.update(bytes(plain[16:])))
    text[34:36] = (500).to_bytes(2, "little")
    text[32:34] = crc16(bytes(text[:32] + text[34:])).to_bytes(2, "little")
    encryptor = KEY.cipher().encryptor()
    assert fault(bytes(text[:16]) + encryptor.update(bytes(text[16:]))) is Fault.PAYLOAD


FRAMES = st.builds(
    Frame,
    dongle=st.integers(0, 10**12 - 1).map(lambda number: f"{number:012d}"),
    random=st.binary(min_size=16, max_size=16),
    type=st.integers(0, 127),
    payload=st.binary(max_size=200) | st.binary(min_size=LARGEST - HEAD, max_size=LARGEST - HEAD),
    answer=st.booleans(),
    next_command=st.integers(0, 127),
    error=st.booleans(),
)
KEYS = st.builds(Key, st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))


@given(FRAMES, KEYS)
def test_every_frame_comes_back(frame: Frame, key: Key) -> None:
    data = encode(frame, key)
    assert header(data).size == len(data)
    assert len(data) % 16 == 0
    assert decode(data, key) == frame


@given(st.binary(max_size=300) | st.binary(max_size=284).map(lambda rest: PUSH[:16] + rest))
@example(PUSH[:16])
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    if data != PUSH:
        assert fault(data).value


@given(st.integers(0, len(PUSH) * 8 - 1))
def test_every_flipped_bit_is_noticed(bit: int) -> None:
    damaged = bytearray(PUSH)
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        decode(bytes(damaged), KEY)
    except FrameError:
        return
    raise AssertionError(f"bit {bit} may be flipped")


def test_a_payload_that_no_frame_holds_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="can't hold"):
        encode(Frame("000000000001", bytes(16), 3, bytes(LARGEST)), KEY)
