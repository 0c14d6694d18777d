"""ASH frames. The golden bytes were recorded from bellows 1.1.0, which Home Assistant uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual.zigbee import ash
from tests.virtual.zigbee.session import ACK_TIMEOUT_SECONDS, MOST_TIMEOUTS, Session

GOLDEN = [
    (ash.Reset(), "c038bc"),
    (ash.ResetAck(ash.RESET_SOFTWARE), "c1020b0a52"),
    (ash.Failed(ash.ERROR_ACK_TIMEOUTS), "c20251a8bd"),
    (ash.Ack(5), "8520dd"),
    (ash.Nak(3), "a36479"),
    (ash.Data(2, 5, bytes.fromhex("00000004")), "254221a850c6cf"),
    (
        ash.Data(2, 5, bytes(range(40)), again=True),
        "2d4220aa572e10b45e9c432fa1599f47935e36b9feda729deade7a93e76222b9f4edff4dacdbe2fdf24e98",
    ),
]


@pytest.mark.parametrize(("frame", "golden"), GOLDEN)
def test_frames_are_those_of_bellows(frame: ash.Frame, golden: str) -> None:
    raw = bytes.fromhex(golden)
    assert ash.encode(frame) == ash.stuff(raw) + b"\x7e"
    assert ash.decode(ash.stuff(raw)) == frame


def test_stuffing_is_that_of_bellows() -> None:
    assert ash.stuff(bytes.fromhex("7e7d1113181a00")).hex() == "7d5e7d5d7d317d337d387d3a00"


@given(st.integers(0, 7), st.integers(0, 7), st.binary(min_size=1, max_size=128), st.booleans())
def test_data_survives_the_line(number: int, ack: int, payload: bytes, again: bool) -> None:
    frame = ash.Data(number, ack, payload, again)
    (raw,) = ash.Splitter().feed(ash.encode(frame))
    assert ash.decode(raw) == frame


@given(st.binary(max_size=600))
def test_garbage_is_refused_and_never_kept(data: bytes) -> None:
    splitter = ash.Splitter()
    for raw in splitter.feed(data):
        assert len(raw) <= 2 * ash.LONGEST
    splitter.feed(b"\x7e")
    assert splitter.feed(ash.encode(ash.Ack(1))) == [ash.encode(ash.Ack(1))[:-1]]


@pytest.mark.parametrize("raw", ["", "00", "c038bd", "857d", "c1030b1d62"])
def test_a_spoilt_frame_is_an_error(raw: str) -> None:
    with pytest.raises(ash.AshError):
        ash.decode(bytes.fromhex(raw))


class Line:
    """A session whose frames to the host are kept."""

    def __init__(self) -> None:
        self.sent: list[ash.Frame] = []
        self.received: list[bytes] = []
        self.reboots = 0
        self.session = Session(self._write, self.received.append, self._rebooted)
        self._splitter = ash.Splitter()

    def _write(self, data: bytes) -> None:
        self.sent += [ash.decode(raw) for raw in self._splitter.feed(data)]

    def _rebooted(self) -> None:
        self.reboots += 1

    def host(self, *frames: ash.Frame, now: float = 0.0) -> list[ash.Frame]:
        """Let the host send frames; return what came back."""
        self.sent.clear()
        for frame in frames:
            self.session.feed(ash.encode(frame), now)
        return list(self.sent)


@pytest.fixture
def line() -> Line:
    found = Line()
    assert found.host(ash.Reset()) == [ash.ResetAck()]
    assert found.reboots == 1
    return found


def test_nothing_is_said_before_a_reset() -> None:
    line = Line()
    line.session.send(b"abc", 0.0)
    assert line.host(ash.Data(0, 0, b"abc"), ash.Ack(0)) == []


def test_data_is_acknowledged_in_turn(line: Line) -> None:
    assert line.host(ash.Data(0, 0, b"one"), ash.Data(1, 0, b"two")) == [ash.Ack(1), ash.Ack(2)]
    assert line.received == [b"one", b"two"]


def test_a_repeated_frame_is_acknowledged_but_not_taken_twice(line: Line) -> None:
    line.host(ash.Data(0, 0, b"one"))
    assert line.host(ash.Data(0, 0, b"one", again=True)) == [ash.Ack(1)]
    assert line.received == [b"one"]


def test_a_gap_and_a_bad_crc_are_refused_once(line: Line) -> None:
    assert line.host(ash.Data(3, 0, b"x"), ash.Data(4, 0, b"y")) == [ash.Nak(0)]
    line.sent.clear()
    line.session.feed(b"\x25\x42\x00\x00\x00\x7e", 0.0)
    assert line.sent == []  # it has said so already
    assert line.host(ash.Data(0, 0, b"one")) == [ash.Ack(1)]


def test_the_window_is_kept_and_acknowledgements_open_it(line: Line) -> None:
    line.sent.clear()
    for payload in (b"a", b"b", b"c", b"d"):
        line.session.send(payload, 0.0)
    assert line.sent == [ash.Data(0, 0, b"a"), ash.Data(1, 0, b"b"), ash.Data(2, 0, b"c")]
    assert line.host(ash.Ack(2)) == [ash.Data(3, 0, b"d")]


def test_a_refused_frame_is_sent_again(line: Line) -> None:
    line.session.send(b"a", 0.0)
    assert line.host(ash.Nak(0)) == [ash.Data(0, 0, b"a", again=True)]


def test_silence_ends_in_the_error_state_until_a_reset(line: Line) -> None:
    line.session.send(b"a", 0.0)
    now = 0.0
    for _ in range(MOST_TIMEOUTS):
        now += 2 * ACK_TIMEOUT_SECONDS
        line.sent.clear()
        line.session.poll(now)
        assert line.sent == [ash.Data(0, 0, b"a", again=True)]
    line.sent.clear()
    line.session.poll(now + 2 * ACK_TIMEOUT_SECONDS)
    assert line.sent == [ash.Failed()]
    assert not line.session.connected
    assert line.host(ash.Data(0, 0, b"x")) == [ash.Failed()]
    assert line.host(ash.Reset()) == [ash.ResetAck()]
    assert line.session.connected
