"""The D2L daemon: takes the dongles' connections, publishes their meters.

``python -m hems.d2l.daemon``
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from hems import HemsError, process, settings
from hems.async_process import until_stopped
from hems.d2l.connection import PROXY_BYTES, Connections
from hems.d2l.d2l_settings import D2lSettings, Dongle, d2l, parse_key
from hems.d2l.frame import Key
from hems.d2l.intake import Intake, Source
from hems.linky import announce, status
from hems.linky.publisher import CREDENTIAL, Publisher
from hems.linky.tracker import Meter, Tracker
from hems.loopback import LOOPBACK
from hems.process import Surroundings, say

BACKLOG = 512


def _key(dongle: Dongle, around: Surroundings) -> Key | None:
    try:
        return parse_key(around.credential(f"d2l_{dongle.number}"))
    except HemsError as error:  # the others are served all the same
        say(f"Dongle '{dongle.name}' has no key. {error}")
        return None


class Daemon:
    """The meters, the broker and the status file."""

    def __init__(
        self,
        mine: D2lSettings,
        prefix: str,
        around: Surroundings,
    ) -> None:
        self._trackers = {}
        for dongle in mine.dongles:
            meter = Meter(dongle.name, dongle.title, mine.expire, prefix, mine.confirm)
            self._trackers[dongle.name] = Tracker(meter, around.state, say)
        self._silence, self._started = mine.silence, time.monotonic()
        self.publisher = Publisher("d2l", around.credential(CREDENTIAL), self._retained, say)
        sources = {
            dongle.number: Source(
                dongle.name,
                dongle.number,
                _key(dongle, around),
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


async def serve(server: Daemon, mine: D2lSettings, shown: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    connections = Connections(server.intake, mine.limits)
    listener = await asyncio.start_server(
        connections.serve, LOOPBACK, mine.port, limit=PROXY_BYTES, backlog=BACKLOG
    )
    async with listener:
        await until_stopped(
            f"{len(mine.dongles)} dongles",
            status.WRITE_SECONDS,
            lambda: server.write_status(shown),
        )


def daemon(around: Surroundings) -> None:
    """Take the dongles' connections. Raises HemsError."""
    appliance, mine = settings.appliance(around.settings), d2l(around.settings)
    server = Daemon(mine, appliance.mqtt.discovery, around)
    server.publisher.start(appliance.ports.mqtt)
    try:
        asyncio.run(serve(server, mine, around.runtime / status.D2L.name))
    finally:
        server.publisher.close()
        server.save()


if __name__ == "__main__":
    sys.exit(process.run(daemon))
