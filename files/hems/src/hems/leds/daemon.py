"""The LED daemon: looks every two seconds, and never waits for what it asks.

One thread and one select: a request that hangs holds up neither the blinking nor the feeding of
systemd's watchdog, and a loop that hangs is restarted by it.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from pathlib import Path

from hems import hotspot_status, process, settings, systemd
from hems.health import store
from hems.leds import show
from hems.leds.answer import HomeAssistant
from hems.leds.core import ROUND_SECONDS, Light, Observation, State, light, step
from hems.leds.led_settings import LedSettings, leds
from hems.leds.log_tail import LogTail
from hems.leds.pins import MOCK, Leds
from hems.leds.uplink import Uplink
from hems.process import Surroundings, say
from hems.settings import Appliance

SILENCE = "watchdog_silent"


def blink_number(report: store.Report, running: float) -> int:
    """Return the number that a health report is shown by, ``running`` seconds after the start.

    The watchdog starts when this daemon does: at first, its silence means nothing.
    """
    worst = report.worst
    if worst is None or (worst.kind.code == SILENCE and running < store.STALE_SECONDS):
        return 0
    return worst.kind.blink


class Daemon:
    """Feeds the core with what it sees, and the LEDs with what the core says."""

    def __init__(
        self, appliance: Appliance, mine: LedSettings, lamps: Leds, shown: Path, now: float
    ) -> None:
        self._lamps = lamps
        self._health = appliance.paths.run / store.FILE
        self._shown = shown
        self._home_assistant = HomeAssistant(appliance.ports.home_assistant)
        self._uplink = Uplink(appliance.internet.targets)
        self._log = LogTail(mine.log)
        self._state = State()
        self._written: object = None  # what leds.json was last written for
        self._unwritten = ""  # why leds.json could not be
        self._problems = {"log": "", "ping": "", "file": ""}
        self._started = self._next_round = now

    def turn(self, now: float) -> float:
        """Do what is due at ``now`` and return for how many seconds nothing will be."""
        if now >= self._next_round:
            self._round(now)
            # A suspended box does not make up for the rounds it has slept through.
            self._next_round = max(self._next_round + ROUND_SECONDS, now + ROUND_SECONDS / 2)
        lit, until = light(self._state, now)
        self._put(lit, now)
        return max(0.0, min(self._next_round, until or self._next_round) - now)

    def wait(self, seconds: float, wake: socket.socket) -> bool:
        """Take answers for at most ``seconds``; return False when a signal came."""
        reading = [wake, self._home_assistant.reading, self._uplink.handle]
        writing = [self._home_assistant.writing]
        readable, writable, _ = select.select(
            [one for one in reading if one], [one for one in writing if one], [], seconds
        )
        if self._home_assistant.reading in readable or writable:
            self._home_assistant.proceed()
        if self._uplink.handle in readable:
            self._uplink.receive(time.monotonic())
        return wake not in readable

    def close(self, now: float) -> None:
        """Turn the LEDs off and let everything go."""
        self._state = State()
        self._put(Light(), now, running=False)
        self._home_assistant.close()
        self._uplink.close()
        self._log.close()

    def _round(self, now: float) -> None:
        systemd.feed_watchdog()
        # The answers to the last round's questions, then this round's questions.
        news = self._log.look()
        report = store.read(self._health, now)
        seen = Observation(
            home_assistant=self._home_assistant.answers,
            internet=self._uplink.is_reachable(now),
            records=news.records,
            errors=news.errors,
            blink=blink_number(report, now - self._started),
            hotspot=hotspot_status.read().open,
        )
        before, self._state = self._state, step(self._state, seen, now)
        self._home_assistant.ask(now)
        self._uplink.ask(now)
        self._tell(before)

    def _tell(self, before: State) -> None:
        after = self._state
        if after.home_assistant != before.home_assistant:
            say(f"Home Assistant {'answers' if after.home_assistant else 'does not answer'}.")
        if after.internet != before.internet:
            say(f"The Internet is {'reachable' if after.internet else 'not reachable'}.")
        if after.hotspot != before.hotspot:
            say(f"The box's hotspot is {'open' if after.hotspot else 'closed'}.")
        if after.error != before.error:
            say(f"Home Assistant's log has {'an error' if after.error else 'no new error'}.")
        if after.blink != before.blink:
            say(f"The error LED blinks {after.blink or 'no more'}.")
        cures = {
            "log": (self._log.problem, "Home Assistant's log can't be read", "run the playbook"),
            "ping": (
                self._uplink.problem,
                "No echo can be sent",
                "net.ipv4.ping_group_range must include this service's group, run the playbook",
            ),
            "file": (self._unwritten, f"{self._shown} can't be written", "make room there"),
        }
        for name, (problem, what, cure) in cures.items():
            if problem and problem != self._problems[name]:
                say(f"{what} ({problem}): {cure}.")
            self._problems[name] = problem

    def _put(self, lit: Light, now: float, *, running: bool = True) -> None:
        self._lamps.show(lit)
        # Mock pins can be read nowhere else, so each flash is written; real ones spare the Pi that.
        fresh = (lit, self._state.blink) if self._lamps.pins == MOCK else self._state
        if fresh == self._written and running:
            return
        try:
            show.write(
                self._shown,
                self._lamps.levels(),
                pins=self._lamps.pins,
                blink=self._state.blink,
                running=running,
                now=now,
            )
            self._written, self._unwritten = fresh, ""
        except OSError as error:  # the LEDs matter more
            self._unwritten = error.strerror or str(error)


def daemon(around: Surroundings) -> None:
    """Run until SIGTERM or SIGINT; a file in the runtime directory says what the LEDs show.

    Raises HemsError when settings or pins can't be had.
    """
    appliance, mine = settings.appliance(around.settings), leds(around.settings)
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    process.on_stop(lambda: None)  # select wakes by the socket
    lamps = Leds(mine)
    looking = Daemon(appliance, mine, lamps, around.runtime / show.FILE, time.monotonic())
    try:
        systemd.ready(f"LEDs by {lamps.pins}")
        say(f"The LEDs are driven by {lamps.pins}.")
        while looking.wait(looking.turn(time.monotonic()), wake):
            pass
        systemd.stopping()
    finally:
        try:
            looking.close(time.monotonic())
        finally:
            lamps.close()


if __name__ == "__main__":
    sys.exit(process.run(daemon))
