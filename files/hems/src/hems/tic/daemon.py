"""The USB-TIC daemon: serial adapter to MQTT. ``python -m hems.tic.daemon``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hems import process, settings, systemd
from hems.linky import status
from hems.linky.labels import Mode
from hems.linky.publisher import CREDENTIAL, Publisher
from hems.linky.tracker import Meter, Tracker
from hems.process import Stopped, Surroundings, say
from hems.tic.line import Line, Trouble
from hems.tic.report import Record, report
from hems.tic.tic_settings import TicSettings, tic


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


def daemon(around: Surroundings) -> None:
    """Read the adapter until a signal ends it. Raises HemsError."""
    appliance, mine = settings.appliance(around.settings), tic(around.settings)
    meter = Meter(mine.name, mine.title, mine.expire, appliance.mqtt.discovery, mine.confirm)
    tracker = Tracker(meter, around.state, say)
    publisher = Publisher("tic", around.credential(CREDENTIAL), tracker.discovery, say)
    publisher.start(appliance.ports.mqtt)
    process.raise_on_stop()
    try:
        systemd.ready(str(mine.device))
        Daemon(mine, publisher, tracker, around.runtime / status.TIC.name).run()
    except Stopped:
        systemd.stopping()
    finally:
        publisher.close()
        tracker.save(time.monotonic())


if __name__ == "__main__":
    sys.exit(process.run(daemon))
