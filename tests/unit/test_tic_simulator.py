"""The simulated USB-TIC adapter against the product's own line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hems.linky.labels import Mode
from hems.linky.values import read
from hems.tic.line import Line, Trouble
from hems.tic.parser import parse_frame

from tests.unit.tic_line import first_trouble
from tests.virtual.d2l.linky import HISTORIQUE, MODES, STANDARD, values
from tests.virtual.tic.adapter import Adapter
from tests.virtual.tic.frame import frame

METER = "041776100001"


def texts(mode: str) -> dict[str, str]:
    return values(mode, METER, 2_565_285, 420, 1.7e9)


@pytest.mark.parametrize("mode", MODES)
def test_a_frame_is_what_the_meter_says(mode: str) -> None:
    found = parse_frame(frame(mode, texts(mode))[1:-1])
    assert found.damaged == 0
    assert found.texts.keys() == {one for one in texts(mode) if not one.startswith("_")}
    one = read(found.texts, b"salt", None)
    other = read(texts(mode), b"salt", None)
    assert one is not None and other is not None
    assert one.reading.values == other.reading.values
    damaged = parse_frame(frame(mode, texts(mode), damaged=True)[1:-1])
    assert damaged.damaged > len(texts(mode)) // 4


class Plugged:
    """An adapter on which a meter in one mode repeats its frame."""

    def __init__(self, link: Path, mode: str) -> None:
        self.adapter = Adapter(link)
        self.adapter.open()
        self._mode, self._done = mode, threading.Event()
        self._thread = threading.Thread(target=self._repeat)
        self._thread.start()

    def _repeat(self) -> None:
        while not self._done.wait(0.05):
            self.adapter.send(frame(self._mode, texts(self._mode)), self._mode)

    def pull(self) -> None:
        self._done.set()
        self._thread.join()
        self.adapter.close()


@pytest.fixture(params=MODES)
def plugged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Plugged, str]]:
    one = Plugged(tmp_path / "usb-tic", request.param)
    yield one, request.param
    one.pull()


def hasty() -> Iterator[float]:
    """A clock on which a second has gone by at each look."""
    now = 0.0
    while True:
        yield now
        now += 1.0


def test_the_speed_is_found_and_a_pulled_adapter_noticed(plugged: tuple[Plugged, str]) -> None:
    one, mode = plugged
    clock = hasty()
    line = Line(one.adapter.link, None, now=lambda: next(clock), sleep=lambda _: None)
    frames = line.frames()
    found = next(frame for frame in frames if frame is not None)
    assert found.texts["PRM" if mode == STANDARD else "ADCO"]
    assert line.trouble is None
    one.pull()
    assert first_trouble(line, frames) is Trouble.ABSENT


def test_a_fixed_mode_that_is_not_the_meters_is_named(plugged: tuple[Plugged, str]) -> None:
    one, mode = plugged
    wrong = Mode.STANDARD if mode == HISTORIQUE else Mode.HISTORIQUE
    clock = hasty()
    line = Line(one.adapter.link, wrong, now=lambda: next(clock), sleep=lambda _: None)
    for found in line.frames():
        assert found is None
        if line.trouble:
            break
    assert line.trouble is Trouble.GARBLED
