"""Readings that flow through a Pi, and what the recorder and InfluxDB have of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems.history.line import Reading, is_written, nanoseconds

from tests.appliance.influxdb_client import HISTORY, Influxdb
from tests.appliance.waiting import wait_until

HOUR = 3600
HERE = Path(__file__).parent
UNIT = "hems-test-readings.service"
PAUSE = 0.25  # seconds between two readings of an entity
COMMIT_SECONDS = 180  # in which the recorder has written what it has; it does once a minute
SETTLE = (
    10  # seconds; what is younger is not looked at: Home Assistant's own write may be on its way
)


@dataclass(frozen=True)
class Box:
    """The Pi with readings flowing, of sensors whose names begin with ``name``."""

    pi: Any
    site: dict[str, Any]
    influxdb: Influxdb
    name: str

    @property
    def entities(self) -> tuple[str, ...]:
        """Return their names."""
        return tuple(f"{self.name}_{what}" for what in ("power", "mode", "energy"))

    @contextmanager
    def readings(self) -> Iterator[None]:
        """Have readings flow for a while."""
        port, secrets = self.site["hems_port_home_assistant"], self.site["hems_path_secrets"]
        script = "/run/hems-test-readings.py"
        content = (HERE / "history_readings.py").read_text()
        self.pi.check_output(f"cat > {script} <<'END_OF_SCRIPT'\n{content}END_OF_SCRIPT\n")
        self.pi.check_output(
            f"systemd-run --quiet --unit={UNIT} python3 {script} {port} "
            f"{secrets}/home_assistant_token {PAUSE} {self.name}"
        )
        try:
            yield
        finally:
            self.pi.check_output(f"systemctl stop {UNIT}; rm {script}")
        time.sleep(SETTLE)
        wait_until(self.is_recorded, COMMIT_SECONDS, "the recorder has written the last reading")

    def is_recorded(self) -> bool:
        """Whether the recorder has what Home Assistant shows now of the sensor that speaks last."""
        entity = f"sensor.{self.entities[-1]}"
        port, secrets = self.site["hems_port_home_assistant"], self.site["hems_path_secrets"]
        answer = self.pi.check_output(
            f"sed 's/^/Authorization: Bearer /' {secrets}/home_assistant_token | "
            f"curl -s -H @- http://127.0.0.1:{port}/api/states/{entity}"
        )
        shown = json.loads(answer)["state"]
        return any(
            (one.entity, one.state) == (entity, shown) for one in self.recorded(time.time() - HOUR)
        )

    def recorded(self, since: float) -> list[Reading]:
        """Return what the recorder has of our entities."""
        database = f"{self.site['hems_path_home_assistant_config']}/home-assistant_v2.db"
        names = ", ".join(f"'sensor.{name}'" for name in self.entities)
        question = (
            "SELECT m.entity_id, s.state, s.last_updated_ts, a.shared_attrs "
            "FROM states s JOIN states_meta m USING (metadata_id) "
            "LEFT JOIN state_attributes a USING (attributes_id) "
            f"WHERE m.entity_id IN ({names}) AND s.last_updated_ts >= {since}"
        )
        code = (
            "import json, sqlite3, sys; "  # SQLite's own JSON would round the times
            "d = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True); "
            "[print(json.dumps(row)) for row in d.execute(sys.argv[2])]"
        )
        output = self.pi.check_output(
            "runuser -u homeassistant -- python3 -c %s %s %s", code, database, question
        )
        rows = [json.loads(row) for row in output.splitlines()]
        return [
            Reading(entity, nanoseconds(at), state, json.loads(attributes or "{}"))
            for entity, state, at, attributes in rows
            if is_written(state or "")
        ]

    def stored(self, since: float) -> list[tuple[str, int]]:
        """Return entity and time of every measured point of our entities, one by one."""
        names = "|".join(self.entities)
        question = (
            f"SELECT value, state FROM /.+/ WHERE entity_id =~ /^({names})$/ AND bridged = '' "
            f"AND time >= {int(since * 1e9)} GROUP BY entity_id"
        )
        result = self.influxdb.query(HISTORY, "home_assistant", question)
        return [
            (f"sensor.{series['tags']['entity_id']}", row[0])
            for series in result.get("series", [])
            for row in series["values"]
        ]

    def missing(self, since: float) -> int:
        """Return how many readings of the recorder InfluxDB lacks."""
        there = set(self.stored(since))
        return sum((one.entity, one.at) not in there for one in self.recorded(since))

    def history(self, words: str) -> tuple[int, str]:
        """Run the command; return its exit code and what it says."""
        done = self.pi.run(f"hems history {words}")
        return done.rc, (done.stdout + done.stderr).strip()


@contextmanager
def looked_at_by_hand(
    pi: Any, site: dict[str, Any], influxdb: Influxdb, name: str
) -> Iterator[Box]:
    """Have the timer wait, and young readings looked at as soon as they are there."""
    settings = f"{site['hems_path_etc']}/history.toml"
    pi.check_output("systemctl stop hems-history.timer hems-history.service")
    pi.check_output(f"cp -a {settings} {settings}.kept")
    pi.check_output(f"sed -i 's/^settle = [0-9]*/settle = {SETTLE}/' {settings}")
    try:
        yield Box(pi, site, influxdb, name)
    finally:
        pi.check_output(f"mv {settings}.kept {settings}; systemctl start hems-history.timer")
