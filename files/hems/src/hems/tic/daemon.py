"""The USB-TIC daemon: serial adapter to MQTT. ``python -m hems.tic.daemon``."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from hems import HemsError, settings, systemd
from hems.linky import status
from hems.linky.labels import Mode
from hems.linky.publisher import Publisher, password
from hems.linky.tracker import Meter, Tracker
from hems.tic.line import Line, Trouble
from hems.tic.report import Record, report
from hems.tic.settings import TicSettings, tic


def say(line: str) -> None:
    """Write a line to the journal."""
    print(line, file=sys.stderr, flush=True)


class Stopped(Exception):
    """SIGTERM or SIGINT came."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


class Daemon:
    """Feeds the meter with the line's frames, and writes down how it is."""

    def __init__(
        self, mine: TicSettings, publisher: Publisher, tracker: Tracker, shown: Path
    ) -> None:
        mode = None if mine.mode == "auto" else Mode(mine.mode)
        self._line = Line(mine.device, mode)
        self._settings, self._shown = mine, shown
        self._publisher, self._tracker = publisher, tracker
        self._record = Record(time.monotonic())
        self._tried = self._written = float("-inf")
        self._said: Trouble | None = None
        self._unwritten = False

    def run(self) -> None:
        """Run until Stopped is raised."""
        for frame in self._line.frames():
            now = time.monotonic()
            systemd.feed_watchdog()
            # A meter sends every two seconds: more than a card or a chart needs.
            if frame is not None and now - self._tried >= self._settings.interval:
                self._tried = now
                self._record.note(self._tracker.take(self._publisher, frame.texts, now), now)
            self._tell()
            if now - self._written >= status.WRITE_SECONDS:
                self._written = now
                self._write(now)

    def _tell(self) -> None:
        trouble = self._line.trouble
        if trouble is not self._said:
            self._said = trouble
            say(f"{self._settings.device}: {trouble.value if trouble else 'the meter is read'}.")

    def _write(self, now: float) -> None:
        state = self._tracker.state
        content = report(
            self._record,
            self._line.trouble,
            state.mode,
            now,
            name=self._settings.name,
            device=str(self._settings.device),
            set_mode=self._settings.mode,
            silence=self._settings.silence,
            damage=self._line.damage,
            broker=self._publisher.connected,
            changed=state.changed,
            contradictions=dict(state.dropped),
        )
        try:
            status.write(self._shown, content)
        except OSError as error:  # a full disk stops nothing, and is an issue of its own
            if not self._unwritten:
                say(f"{self._shown} can't be written: {error.strerror}.")
            self._unwritten = True
        else:
            self._unwritten = False


def run(environment: Mapping[str, str]) -> None:
    """Run until a signal ends it. Raises HemsError."""
    directory = Path(environment.get("HEMS_SETTINGS", settings.DIRECTORY))
    appliance, mine = settings.appliance(directory), tic(directory)
    meter = Meter(mine.name, mine.title, mine.expire, appliance.mqtt.discovery, mine.confirm)
    tracker = Tracker(meter, Path(environment.get("STATE_DIRECTORY", "")), say)
    publisher = Publisher("tic", password(environment), tracker.discovery, say)
    shown = Path(environment.get("RUNTIME_DIRECTORY", "")) / status.TIC.name
    publisher.start(appliance.ports.mqtt)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        systemd.ready(str(mine.device))
        Daemon(mine, publisher, tracker, shown).run()
    except Stopped:
        systemd.stopping()
    finally:
        publisher.close()
        tracker.save(time.monotonic())


def main() -> int:
    """Run as a service."""
    try:
        run(os.environ)
    except HemsError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
