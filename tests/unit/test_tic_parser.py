"""A Linky's serial line, in both modes, damaged and whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from hems.linky.labels import Mode
from hems.tic.line import BAUD, TRY_SECONDS, Line, Trouble
from hems.tic.parser import LARGEST, Frame, GroupError, Parser, checksum, parse_group
from hypothesis import given
from hypothesis import strategies as st


def group(label: str, *words: str, separator: str = " ") -> bytes:
    text = separator.join((label, *words)).encode()
    covered = text if separator == " " else text + b"\t"
    return b"\n" + text + separator.encode() + bytes([checksum(covered)]) + b"\r"


def frame(*groups: bytes) -> bytes:
    return b"\x02" + b"".join(groups) + b"\x03"


HISTORIQUE = frame(
    group("ADCO", "041776199277"), group("BASE", "002565285"), group("PAPP", "00420")
)
STANDARD = frame(
    group("EAST", "002565285", separator="\t"),
    group("SMAXSN", "H250101093012", "03381", separator="\t"),
    group("EAIT", "", separator="\t"),
)


def test_checksums_are_the_standards() -> None:
    # The document's own example for historique mode, and one from a meter in standard mode.
    assert parse_group(b"ADCO 031428097115 @") == ("ADCO", "031428097115")
    assert parse_group(b"NTARF\t01\tN") == ("NTARF", "01")


def test_both_modes_are_read() -> None:
    assert Parser().feed(HISTORIQUE) == [
        Frame({"ADCO": "041776199277", "BASE": "002565285", "PAPP": "00420"})
    ]
    assert Parser().feed(STANDARD) == [
        Frame({"EAST": "002565285", "SMAXSN": "H250101093012|03381", "EAIT": ""})
    ]


def test_a_checksum_that_is_a_space_is_one() -> None:
    one = group("BASE", "000000993")
    assert one.endswith(b"  \r")
    assert parse_group(one.strip(b"\n\r")) == ("BASE", "000000993")


def test_a_damaged_group_is_left_out_and_counted() -> None:
    damaged = HISTORIQUE.replace(b"002565285", b"002565286")
    assert Parser().feed(damaged) == [Frame({"ADCO": "041776199277", "PAPP": "00420"}, 1)]


@pytest.mark.parametrize("end", [b"\x04", b"\x02", b"x" * (LARGEST + 1)])
def test_a_frame_that_is_cut_short_is_lost(end: bytes) -> None:
    parser = Parser()
    assert parser.feed(HISTORIQUE[:40] + end + HISTORIQUE) == Parser().feed(HISTORIQUE)
    assert parser.lost == 1


def test_the_parity_bit_does_not_matter() -> None:
    assert Parser().feed(bytes(byte | 0x80 for byte in HISTORIQUE)) == Parser().feed(HISTORIQUE)


@given(st.lists(st.integers(0, 40), max_size=20))
def test_any_pieces_give_the_same_frames(cuts: list[int]) -> None:
    parser, stream, found = Parser(), HISTORIQUE + b"noise" + STANDARD, []
    for cut in [*cuts, len(stream)]:
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    assert found == Parser().feed(HISTORIQUE) + Parser().feed(STANDARD)


@given(st.binary(max_size=400))
def test_any_bytes_are_taken(data: bytes) -> None:
    for found in Parser().feed(b"\x02" + data + b"\x03"):
        assert found.damaged >= 0


@given(st.binary(max_size=40))
def test_any_group_is_read_or_refused(data: bytes) -> None:
    try:
        label, _ = parse_group(data)
    except GroupError:
        return
    assert label


class Clock:
    """Time that goes by reading and sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Adapter:
    """Gives a meter's frames at one speed and rubbish at others; may be pulled out."""

    def __init__(self, clock: Clock, baud: int, stream: bytes) -> None:
        self.clock, self.baud, self.stream = clock, baud, stream
        self.plugged, self.opened = True, list[int]()

    def open(self, device: Path, baud: int) -> Adapter:
        if not self.plugged:
            raise FileNotFoundError(2, "No such file or directory", str(device))
        self.opened.append(baud)
        return self

    def read(self, size: int = 1) -> bytes:
        self.clock.sleep(1.0)
        if not self.plugged:
            raise OSError("device reports readiness to read but returned no data")
        return self.stream[:size] if self.opened[-1] == self.baud else b"\xff\x00\x02garbage\x03"

    def close(self) -> None:
        pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


def until(frames: Iterator[Frame | None], clock: Clock, seconds: float) -> list[Frame]:
    found, end = [], clock.now + seconds
    for one in frames:
        if one is not None:
            found.append(one)
        if clock.now >= end:
            break
    return found


def test_the_speed_is_found_by_itself(clock: Clock) -> None:
    adapter = Adapter(clock, BAUD[Mode.HISTORIQUE], HISTORIQUE)
    line = Line(Path("/dev/x"), None, adapter.open, clock, clock.sleep)
    frames = line.frames()
    assert until(frames, clock, 2 * TRY_SECONDS)
    assert adapter.opened == [9600, 1200]
    assert line.trouble is None


def test_an_adapter_that_is_pulled_out_is_taken_again(clock: Clock) -> None:
    adapter = Adapter(clock, BAUD[Mode.STANDARD], STANDARD)
    line = Line(Path("/dev/x"), Mode.STANDARD, adapter.open, clock, clock.sleep)
    frames = line.frames()
    assert until(frames, clock, 3)
    adapter.plugged = False
    assert until(frames, clock, 20) == []
    assert line.trouble is Trouble.ABSENT
    adapter.plugged = True
    assert until(frames, clock, 10)
    assert line.trouble is None


def test_a_silent_meter_is_said(clock: Clock) -> None:
    adapter = Adapter(clock, BAUD[Mode.STANDARD], b"")
    line = Line(Path("/dev/x"), Mode.STANDARD, adapter.open, clock, clock.sleep)
    assert until(line.frames(), clock, TRY_SECONDS + 2) == []
    assert line.trouble is Trouble.SILENT


@pytest.mark.parametrize("mode", [None, Mode.STANDARD])
def test_a_meter_that_speaks_otherwise_is_said(clock: Clock, mode: Mode | None) -> None:
    adapter = Adapter(clock, 300, STANDARD)  # rubbish at every speed that is tried
    line = Line(Path("/dev/x"), mode, adapter.open, clock, clock.sleep)
    assert until(line.frames(), clock, 3 * TRY_SECONDS) == []
    assert line.trouble is Trouble.GARBLED


def test_finding_the_speed_is_no_trouble(clock: Clock) -> None:
    adapter = Adapter(clock, BAUD[Mode.HISTORIQUE], HISTORIQUE)
    line = Line(Path("/dev/x"), None, adapter.open, clock, clock.sleep)
    for frame in line.frames():
        assert line.trouble is None
        if frame is not None:
            break


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(2, "x"), Trouble.ABSENT),
        (OSError(11, "x"), Trouble.BUSY),
        (OSError(16, "x"), Trouble.BUSY),
        (OSError(13, "x"), Trouble.UNUSABLE),
        (serial.SerialException("could not configure port"), Trouble.UNUSABLE),
    ],
)
def test_why_an_adapter_can_not_be_opened(clock: Clock, error: OSError, trouble: Trouble) -> None:
    def refuse(_device: Path, _baud: int) -> Adapter:
        raise error

    line = Line(Path("/dev/x"), None, refuse, clock, clock.sleep)
    assert next(line.frames()) is None
    assert line.trouble is trouble


def test_the_share_of_damaged_groups_is_known(clock: Clock) -> None:
    stream = HISTORIQUE.replace(b"PAPP 0", b"PAPP 9")
    assert stream != HISTORIQUE
    adapter = Adapter(clock, BAUD[Mode.HISTORIQUE], stream)
    line = Line(Path("/dev/x"), Mode.HISTORIQUE, adapter.open, clock, clock.sleep)
    frames = until(line.frames(), clock, 1000)
    wrong, right = frames[-1].damaged, len(frames[-1].texts)
    assert wrong == 1
    assert line.damage == pytest.approx(wrong / (wrong + right), rel=0.01)
    adapter.stream = HISTORIQUE
    assert until(line.frames(), clock, 1000)
    assert line.damage < 0.001
