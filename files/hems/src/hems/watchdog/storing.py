"""Whether the meter's readings get from Home Assistant into InfluxDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hems import influxql, loopback

BUCKET = "home_assistant"
SLACK_NS = 1_000_000_000  # to either side of a reading's own time
AGE_SECONDS = 30.0  # after these a reading must be there: batches take 1 s, a slow card some more
LOST = 2  # readings in a row


@dataclass(frozen=True)
class Reading:
    """A state as Home Assistant has it."""

    entity: str  # sensor.…
    unit: str  # InfluxDB's measurement
    updated: str  # ISO 8601: the point's time

    @property
    def at(self) -> int:
        """Its time in ns since 1970. Raises ValueError."""
        return int(datetime.fromisoformat(self.updated).timestamp() * 1e6) * 1000

    def question(self) -> str:
        """Return the InfluxQL that finds its point."""
        measurement = self.unit or self.entity
        name = self.entity.partition(".")[2]
        begin, end = self.at - SLACK_NS, self.at + SLACK_NS
        quoted = measurement.replace("\\", "\\\\").replace('"', '\\"')
        return (
            f"SELECT value FROM \"{quoted}\" WHERE entity_id = '{name}' "
            f"AND time >= {begin} AND time <= {end} LIMIT 1"
        )


class Storing:
    """Follows the readings of one entity: each new one is looked for once, when it is old enough.

    A value that is reported again unchanged makes no point and is no reading here. The first one
    after a start is left out: Home Assistant restores it before it stores anything.
    """

    def __init__(self, ask: Callable[[Reading], bool | None]) -> None:
        """``ask`` tells whether a reading is stored; None: InfluxDB can't be asked."""
        self._ask = ask
        self._newest: str | None = None  # the last that was seen
        self._waiting: tuple[Reading, float] | None = None  # to look for, seen at (monotonic s)
        self._lost: list[str] = []

    def look(self, reading: Reading | None, now: float) -> str:
        """Take what Home Assistant says at ``now``; return what is wrong, else nothing."""
        if reading is None:
            self._newest, self._waiting = None, None
            self._lost.clear()
            return ""
        if self._waiting is not None and now - self._waiting[1] >= AGE_SECONDS:
            self._judge(self._waiting[0])
            self._waiting = None
        first = self._newest is None
        if reading.updated != self._newest:
            self._newest = reading.updated
            if not first and self._waiting is None:
                self._waiting = (reading, now)
        if len(self._lost) < LOST:
            return ""
        return f"{reading.entity} of {self._lost[-1]} is not there"

    def _judge(self, reading: Reading) -> None:
        stored = self._ask(reading)
        if stored:
            self._lost.clear()
        elif stored is False:
            self._lost = [*self._lost, reading.updated][-LOST:]


def is_stored(port: int, token: str, reading: Reading) -> bool | None:
    """Whether InfluxDB has a reading's point; None when it does not say."""
    headers = {"Authorization": f"Token {token}"}
    asked = influxql.path(BUCKET, reading.question())
    try:
        return bool(influxql.series(*loopback.exchange(port, "GET", asked, headers=headers)))
    except (OSError, ValueError, influxql.AnswerError):
        return None
