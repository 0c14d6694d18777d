"""The D2L daemon: takes the dongles' connections, publishes their meters.

``python -m hems.d2l.daemon``
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from hems import HemsError, settings, systemd
from hems.d2l.connection import PROXY_BYTES, Connections
from hems.d2l.frame import Key
from hems.d2l.intake import Intake, Source
from hems.d2l.settings import D2lSettings, Dongle, d2l, parse_key
from hems.linky import announce, status
from hems.linky.publisher import LOOPBACK, Publisher, password
from hems.linky.tracker import Meter, Tracker

BACKLOG = 512


def say(line: str) -> None:
    """Write a line to the journal."""
    print(line, file=sys.stderr, flush=True)


def _key(dongle: Dongle, environment: Mapping[str, str]) -> Key | None:
    path = Path(environment.get("CREDENTIALS_DIRECTORY", ""), f"d2l_{dongle.number}")
    try:
        return parse_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, HemsError) as error:  # the others are served all the same
        why = getattr(error, "strerror", None) or error
        say(f"Dongle '{dongle.name}' has no key ({why}): set it and run the playbook.")
        return None


class Daemon:
    """The meters, the broker and the status file."""

    def __init__(
        self,
        mine: D2lSettings,
        prefix: str,
        mqtt_password: str,
        state: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._trackers = {
            dongle.name: Tracker(
                Meter(dongle.name, dongle.title, mine.expire, prefix, mine.confirm), state, say
            )
            for dongle in mine.dongles
        }
        self._silence, self._started = mine.silence, time.monotonic()
        self.publisher = Publisher("d2l", mqtt_password, self._retained, say)
        sources = {
            dongle.number: Source(
                dongle.name,
                dongle.number,
                _key(dongle, environment),
                partial(self._trackers[dongle.name].take, self.publisher),
            )
            for dongle in mine.dongles
        }
        self.intake = Intake(sources, mine.limits, say)

    def _retained(self) -> Iterable[announce.Message]:
        for tracker in self._trackers.values():
            yield from tracker.discovery()

    def write_status(self, path: Path) -> None:
        """Say how all is; a full disk stops nothing."""
        modes = {name: tracker.state.mode for name, tracker in self._trackers.items()}
        now = time.monotonic()
        report = {
            "broker": self.publisher.connected,
            "silence": self._silence,
            "started": self._started,
            **self.intake.report(modes, now),
        }
        for entry in report["dongles"]:
            state = self._trackers[entry["name"]].state
            entry["changed"] = state.changed
            entry["contradictions"] = dict(state.dropped)
        try:
            status.write(path, report)
        except OSError as error:
            self.intake.tell(f"{path} can't be written: {error.strerror}.", now, "status")

    def save(self) -> None:
        """Write down what is known of every meter."""
        for tracker in self._trackers.values():
            tracker.save(time.monotonic())


async def serve(daemon: Daemon, mine: D2lSettings, shown: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connections = Connections(daemon.intake, mine.limits)
    server = await asyncio.start_server(
        connections.serve, LOOPBACK, mine.port, limit=PROXY_BYTES, backlog=BACKLOG
    )
    async with server:
        systemd.ready(f"{len(mine.dongles)} dongles")
        while not stop.is_set():
            daemon.write_status(shown)
            systemd.feed_watchdog()
            try:
                await asyncio.wait_for(stop.wait(), status.WRITE_SECONDS)
            except TimeoutError:
                continue
    systemd.stopping()


def main() -> int:
    """Run as a service."""
    environment = os.environ
    try:
        directory = Path(environment.get("HEMS_SETTINGS", settings.DIRECTORY))
        appliance, mine = settings.appliance(directory), d2l(directory)
        state = Path(environment.get("STATE_DIRECTORY", ""))
        shown = Path(environment.get("RUNTIME_DIRECTORY", "")) / status.D2L.name
        daemon = Daemon(mine, appliance.mqtt.discovery, password(environment), state, environment)
        daemon.publisher.start(appliance.ports.mqtt)
        try:
            asyncio.run(serve(daemon, mine, shown))
        finally:
            daemon.publisher.close()
            daemon.save()
    except HemsError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
