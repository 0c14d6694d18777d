"""Multicast DNS: what is asked, and what counts as an answer."""

from __future__ import annotations

import struct

import pytest
from hems import mdns


def test_the_question_is_dns() -> None:
    asked = mdns.question("cottage.local")
    assert asked[12:] == b"\x07cottage\x05local\x00\x00\x01\x00\x01"
    assert struct.unpack("!6H", asked[:12])[2:] == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("number", "flags", "answers", "expected"),
    [
        (mdns.NUMBER, 0x8400, 1, True),
        (mdns.NUMBER, 0x8400, 0, False),
        (mdns.NUMBER, 0x8403, 1, False),  # no such name
        (mdns.NUMBER, 0x0000, 1, False),  # a question
        (mdns.NUMBER + 1, 0x8400, 1, False),
    ],
)
def test_what_is_an_answer(number: int, flags: int, answers: int, expected: bool) -> None:
    assert mdns.is_answer(struct.pack("!6H", number, flags, 1, answers, 0, 0)) is expected


def test_half_a_message_is_none() -> None:
    assert not mdns.is_answer(b"\x48\x45\x84")
