"""A USB-TIC adapter as the daemon opens it: a terminal, here a pseudo-one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hems.linky.labels import Mode
from hems.tic.line import Line, Trouble

from tests.unit.test_tic_parser import HISTORIQUE, STANDARD
from tests.unit.tic_line import first_trouble


class Adapter:
    """A pseudo-terminal on which a meter repeats its frame until it is pulled out."""

    def __init__(self, frame: bytes) -> None:
        self._meter, slave = os.openpty()
        self.path = Path(os.ttyname(slave))
        self._slave = slave
        self._frame = frame
        self._pulled = threading.Event()
        self._thread = threading.Thread(target=self._repeat)
        self._thread.start()

    def _repeat(self) -> None:
        while not self._pulled.wait(0.05):
            os.write(self._meter, self._frame)

    def pull(self) -> None:
        """Pull it out."""
        if not self._pulled.is_set():
            self._pulled.set()
            self._thread.join()
            os.close(self._slave)
            os.close(self._meter)


@pytest.fixture(params=[(HISTORIQUE, Mode.HISTORIQUE), (STANDARD, Mode.STANDARD)])
def plugged(request: pytest.FixtureRequest) -> Iterator[tuple[Adapter, Mode]]:
    frame, mode = request.param
    adapter = Adapter(frame)
    yield adapter, mode
    adapter.pull()


def test_frames_come_through_a_terminal_until_it_is_gone(plugged: tuple[Adapter, Mode]) -> None:
    adapter, mode = plugged
    line = Line(adapter.path, mode, sleep=lambda _: None)
    frames = line.frames()
    whole = [frame for frame in (next(frames) for _ in range(20)) if frame is not None]
    assert whole and all(frame.damaged == 0 for frame in whole[1:])
    assert line.trouble is None
    adapter.pull()
    assert first_trouble(line, frames, looks=20) is Trouble.ABSENT
