"""Whether the box is well after an update: judged with the code and settings of the old release."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hems import HemsError, internet, services, settings
from hems.health import store
from hems.loopback import exchange
from hems.settings import Appliance
from hems.status.core import Observation, problems
from hems.status.survey import observe
from hems.update.state import Phase, Reading
from hems.watchdog.storing import BUCKET

PAUSE = 10.0  # seconds between two looks
GOOD = 2  # looks in a row
LOOKS = 4  # before an update, at what is not well
MOST = 900.0  # seconds that a box may take to be well
ROOM = 256 * 1024**2  # bytes that must be free: readings go on for a while on a card that is full
BUSY = 7200.0  # seconds that other work on the box is waited for: a converge gives up by then
FRESH = 1200.0  # seconds: a reading so old has flowed
TOKEN = "influxdb_token_hems"
KILOWATTS = 60.0  # more than a house draws: a counter that goes faster has made a step
TIMER = "hems-update.timer"
SERIES = ("W", "hems_power"), ("kWh", "hems_energy")  # measurement and entity of the readings


def limit(least: float, took: float) -> float:
    """Return how many seconds a box may take: by its site's, and by how many its play took."""
    return min(MOST, max(least, 3 * took))


def step_problem(before: Reading | None, after: Reading | None, now: float) -> str:
    """Say what is wrong with the counter that went from one reading to the other. Pure."""
    if before is None or after is None or before.energy is None or after.energy is None:
        return ""
    most = KILOWATTS * max(0.0, now - before.time) / 3600 + 0.1
    if not -0.001 <= after.energy - before.energy <= most:
        return f"the energy counter went from {before.energy} kWh to {after.energy} kWh"
    return ""


def flow_problem(phase: Phase, since: float, reading: Reading | None, now: float) -> str:
    """Say what is wrong with the readings; ``since``: newer ones than that are wanted. Pure."""
    if phase.reading is None:
        return ""
    if reading is None or reading.time <= since:
        return "no reading has reached InfluxDB since"
    return step_problem(phase.reading, reading, now)


def last_point(port: int, token: str, measurement: str, entity: str) -> tuple[float, float] | None:
    """Return time (Unix seconds) and value of an entity's newest point in InfluxDB, or None."""
    question = f"SELECT last(value) FROM \"{measurement}\" WHERE entity_id = '{entity}'"
    query = urllib.parse.urlencode({"db": BUCKET, "epoch": "ms", "q": question})
    headers = {"Authorization": f"Token {token}"}
    try:
        _, answer = exchange(port, "GET", f"/query?{query}", headers=headers, timeout=10)
        at, value = json.loads(answer)["results"][0]["series"][0]["values"][0]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return at / 1000, float(value)


def newest(appliance: Appliance) -> Reading | None:
    """Return the house's newest reading; None when there is none, or InfluxDB does not say."""
    try:
        token = (appliance.paths.secrets / TOKEN).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return newest_by(appliance.ports.influxdb, token)


def newest_by(port: int, token: str) -> Reading | None:
    """Return the same, with a token that may read."""
    power, energy = (last_point(port, token, *one) for one in SERIES)
    times = [point[0] for point in (power, energy) if point]
    return Reading(max(times), energy[1] if energy else None) if times else None


def critical(appliance: Appliance) -> tuple[str, ...]:
    """Return the codes of the critical issues, also of a newer release's catalogue."""
    try:
        text = (appliance.paths.run / store.FILE).read_text(encoding="utf-8")
        found = json.loads(text)["issues"]
        return tuple(sorted(one["code"] for one in found if one["severity"] == "critical"))
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def command_problem(program: Path) -> str:
    """Say what is wrong with the new release's own command."""
    words = [str(program), "status", "--json"]
    try:
        done = subprocess.run(words, capture_output=True, timeout=120, check=False)
        json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "its 'hems status' does not work"
    return ""


def room_problem(directory: Path) -> str:
    """Say what is wrong with the space that is left on a directory's disk. Raises OSError."""
    free = shutil.disk_usage(directory).free
    return f"only {free >> 20} MiB of the card are free" if free < ROOM else ""


def timer_problem() -> str:
    """Say what is wrong with the units that take the next release."""
    words = ["systemctl", "is-active", "--quiet", TIMER]
    if subprocess.run(words, check=False).returncode:
        return f"{TIMER} is not active"
    return ""


@dataclass(frozen=True)
class Gate:
    """The box as the old release knows it; ``directory``: its settings as they were."""

    directory: Path
    program: Path  # the hems command of whatever is current

    def problems(self, phase: Phase, since: float) -> list[str]:
        """Look once; ``since``: when the change was over (Unix seconds)."""
        appliance = settings.appliance(self.directory)
        wrong = [room_problem(self.directory)]  # first, as it may be the cause of all others
        try:
            wrong += problems(without(self._look(appliance), phase.unwell))
        except HemsError as error:
            wrong.append(str(error))
        wrong += [
            f"a new critical issue is open: {code}"
            for code in critical(appliance)
            if code not in phase.critical
        ]
        if phase.uplink and not is_online(appliance):
            wrong.append("the Internet does not answer any more")
        wrong += [command_problem(self.program), timer_problem()]
        wrong.append(flow_problem(phase, since, newest(appliance), time.time()))
        return [one for one in wrong if one]

    def unwell(self, sleep: Callable[[float], None] = time.sleep) -> tuple[str, ...]:
        """Return what is not well at each of some looks: an update is not blamed for it.

        Raises HemsError.
        """
        appliance = settings.appliance(self.directory)
        left = ailing(self._look(appliance))
        for _ in range(LOOKS - 1):
            if not left:
                break
            sleep(PAUSE)
            left &= ailing(self._look(appliance))
        return tuple(sorted(left))

    def _look(self, appliance: Appliance) -> Observation:
        return observe(appliance, services.read_all(self.directory / "services.d"))


def ailing(seen: Observation) -> set[str]:
    """Return what is not well, by its name or sentence. Pure."""
    bare = replace(seen, services=(), ports=(), broken=())
    other = problems(bare)
    names = {
        one.name
        for one in seen.services
        if len(problems(replace(bare, services=(one,)))) > len(other)
    }
    names |= {
        one.name for one in seen.ports if len(problems(replace(bare, ports=(one,)))) > len(other)
    }
    return names | set(seen.broken)


def without(seen: Observation, unwell: Sequence[str]) -> Observation:
    """Return the observation without what was not well before. Pure."""
    return replace(
        seen,
        services=tuple(one for one in seen.services if one.name not in unwell),
        ports=tuple(one for one in seen.ports if one.name not in unwell),
        broken=tuple(one for one in seen.broken if one not in unwell),
    )


def wait_until_well(
    look: Callable[[], list[str]],
    seconds: float,
    busy: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Look until all is well twice in a row; return what is wrong when the time is over.

    ``busy``: whether somebody else works on the box, which may stop and start everything on it.
    The time begins again at the end of that.
    """
    deadline, good, patience = clock() + seconds, 0, clock() + BUSY
    while True:
        if clock() < patience and busy():
            deadline, good = clock() + seconds, 0
            sleep(PAUSE)
            continue
        wrong = look()
        good = 0 if wrong else good + 1
        if good >= GOOD:
            return ""
        if clock() >= deadline:
            return wrong[0] if wrong else "it was well for a moment only"
        sleep(PAUSE)


def before(appliance: Appliance, now: float) -> tuple[Reading | None, tuple[str, ...], bool]:
    """Return what an update must not take away: the flow of readings, health, the Internet."""
    reading = newest(appliance)
    flows = reading is not None and now - reading.time < FRESH
    return (reading if flows else None), critical(appliance), is_online(appliance)


def is_online(appliance: Appliance) -> bool:
    """Whether the Internet answers."""
    return internet.reachable(appliance.internet.targets, 5.0) is not None


def local_hour(now: float) -> int:
    """Return the hour on the site's clock."""
    return datetime.fromtimestamp(now).hour
