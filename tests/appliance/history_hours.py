"""Runs on the Pi: hours of statistics with a pause in them, mended by Home Assistant itself.

    python - <port> <first hour, ns since 1970> <token file>

Answers how many were written and what there is then: ``[count, [[hour, sum], …]]``.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from hems.history.bridge import Pause
from hems.history.statistics import mend
from hems.home_assistant import Access, HomeAssistant

ENTITY = "sensor.history_mended"
PORT, BASE = int(sys.argv[1]), int(sys.argv[2])
TOKEN = Path(sys.argv[3]).read_text(encoding="utf-8").strip()
HOUR = 3600 * 10**9
SECONDS = 30.0  # that the recorder may take
KNOWN = ((0, 101.0, 1.0), (1, 102.0, 2.0), (2, 102.5, 2.5), (5, 109.0, 9.0))
META = {
    "mean_type": 0,
    "has_sum": True,
    "name": None,
    "source": "recorder",
    "statistic_id": ENTITY,
    "unit_class": "energy",
    "unit_of_measurement": "kWh",
}


def text(at: int) -> str:
    """Return a time as Home Assistant takes it."""
    return datetime.fromtimestamp(at // 10**9, UTC).isoformat()


def hours(asked: HomeAssistant, count: int) -> list[list[float]]:
    """Return hour and sum of each row, once there are so many."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = asked.call(
            "recorder/statistics_during_period",
            start_time=text(BASE - HOUR),
            end_time=text(BASE + 9 * HOUR),
            statistic_ids=[ENTITY],
            period="hour",
            types=["state", "sum"],
            units={"energy": "kWh"},
        ).get(ENTITY, [])
        if len(found) >= count or time.monotonic() >= deadline:
            return [[(row["start"] * 10**6 - BASE) // HOUR, row["sum"]] for row in found]
        time.sleep(0.5)


with HomeAssistant(Access(PORT, TOKEN)) as home_assistant:
    stats = [{"start": text(BASE + n * HOUR), "state": s, "sum": t} for n, s, t in KNOWN]
    home_assistant.call("recorder/import_statistics", metadata=META, stats=stats)
    hours(home_assistant, len(KNOWN))
    pause = Pause(BASE + 5 * HOUR // 2, 102.5, BASE + 11 * HOUR // 2, 108.5)
    written = mend(home_assistant, ENTITY, "kWh", pause)
    print(json.dumps([written, hours(home_assistant, 6)]))
    home_assistant.call("recorder/clear_statistics", statistic_ids=[ENTITY])
