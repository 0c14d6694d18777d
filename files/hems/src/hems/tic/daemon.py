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
from hems.linky.labels import Mode
from hems.linky.publisher import Publisher, password
from hems.linky.tracker import Meter, Tracker
from hems.tic.line import Line
from hems.tic.settings import TicSettings, tic


def say(line: str) -> None:
    """Write a line to the journal."""
    print(line, file=sys.stderr, flush=True)


class Stopped(Exception):
    """SIGTERM or SIGINT came."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


class Daemon:
    """Feeds the meter with the line's frames."""

    def __init__(self, mine: TicSettings, publisher: Publisher, tracker: Tracker) -> None:
        mode = None if mine.mode == "auto" else Mode(mine.mode)
        self._line = Line(mine.device, mode)
        self._interval = mine.interval
        self._publisher, self._tracker = publisher, tracker
        self._taken = float("-inf")
        self._said = ""

    def run(self) -> None:
        """Run until Stopped is raised."""
        for frame in self._line.frames():
            now = time.monotonic()
            systemd.feed_watchdog()
            if self._line.problem != self._said:
                self._said = self._line.problem
                say(f"{self._said or 'The meter is heard again'}.")
            # A meter sends every two seconds: more than a card or a chart needs.
            if frame is None or now - self._taken < self._interval:
                continue
            if self._tracker.take(self._publisher, frame.texts, now):
                self._taken = now


def run(environment: Mapping[str, str]) -> None:
    """Run until a signal ends it. Raises HemsError."""
    directory = Path(environment.get("HEMS_SETTINGS", settings.DIRECTORY))
    appliance, mine = settings.appliance(directory), tic(directory)
    meter = Meter(mine.name, mine.title, mine.expire, appliance.mqtt.discovery, mine.confirm)
    tracker = Tracker(meter, Path(environment.get("STATE_DIRECTORY", "")), say)
    publisher = Publisher("tic", password(environment), tracker.discovery, say)
    publisher.start(appliance.ports.mqtt)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        systemd.ready(str(mine.device))
        Daemon(mine, publisher, tracker).run()
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
