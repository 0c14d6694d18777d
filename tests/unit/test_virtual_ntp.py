"""The time server of the emulated machine's house."""

from __future__ import annotations

import struct

from tests.virtual.ntp.server import EPOCH, SIZE, answer, stamp

REQUEST = bytes([4 << 3 | 3]) + bytes(39) + b"its time"


def test_a_client_gets_the_time_and_its_own_back() -> None:
    reply = answer(REQUEST, 1_700_000_000.0, 1_700_000_000.5)
    assert reply is not None
    assert len(reply) == SIZE
    assert reply[0] == 4 << 3 | 4  # no warning of a leap second, version 4, server
    assert 0 < reply[1] < 16
    assert reply[24:32] == b"its time"
    assert struct.unpack(">I", reply[32:36])[0] - EPOCH == 1_700_000_000
    assert reply[40:48] == stamp(1_700_000_000.5)
    assert struct.unpack(">I", reply[44:48])[0] == 2**31


def test_what_is_no_request_gets_no_answer() -> None:
    assert answer(REQUEST[:-1], 0.0, 0.0) is None
    assert answer(bytes([4 << 3 | 4]) + REQUEST[1:], 0.0, 0.0) is None


def test_the_count_of_seconds_begins_anew_in_2036() -> None:
    assert struct.unpack(">I", stamp(2**32 - EPOCH + 1)[:4])[0] == 1
