"""Services start whatever a power cut left of their files, and what was set aside is told."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import pytest

from tests.appliance.influxdb_client import Influxdb
from tests.appliance.watchdog_box import until

pytest_plugins = ["tests.appliance.influxdb_fixtures"]
pytestmark = pytest.mark.journal("mosquitto", "influxdb", "home-assistant", "hems-watchdog")

BREAKS = {
    "zeros": "truncate --size=0 {0} && truncate --size=4096 {0}",
    "cut short": "truncate --size=$(($(stat --format=%s {0}) * 3 / 5)) {0}",
    "garbage": "head --bytes=4096 /dev/urandom >{0}",
    "empty": "truncate --size=0 {0}",
}


class Box:
    """A part's unit, its directory and its notes."""

    def __init__(self, pi: Any, unit: str, directory: str, notes: str) -> None:
        self.pi, self.unit = pi, unit
        self.directory, self.notes = PurePosixPath(directory), PurePosixPath(notes)

    @contextmanager
    def as_it_was(self, *names: str) -> Iterator[None]:
        """Put files, notes and what was set aside back at the end; the unit runs then."""
        paths = [str(self.directory / name) for name in names]
        kept = self.pi.check_output("mktemp --directory")
        everything = shlex.join([*paths, str(self.notes)])
        self.pi.check_output(
            f"systemctl stop {self.unit} && tar --create --absolute-names --ignore-failed-read"
            f" --file={kept}/all.tar {everything} && systemctl start {self.unit}"
        )
        try:
            yield
        finally:
            self.pi.check_output(
                f"systemctl stop {self.unit}; find {self.directory} -name '*.broken-*' -delete;"
                f" rm -f {self.notes}/*; tar --extract --absolute-names --file={kept}/all.tar"
                f" && rm -r {kept} && systemctl start {self.unit}"
            )

    def broken(self, **how: str) -> list[dict[str, str]]:
        """Break files while the unit is stopped, start it, and return the new notes."""
        before = len(self._notes())
        self.pi.check_output(f"systemctl stop {self.unit}")
        for name, kind in how.items():
            path = shlex.quote(str(self.directory / name))
            self.pi.check_output(BREAKS[kind].format(path))
        self.pi.check_output(f"systemctl start {self.unit}")
        assert until(lambda: self.pi.run(f"systemctl is-active {self.unit}").rc == 0)
        return self._notes()[before:]

    def _notes(self) -> list[dict[str, str]]:
        file = self.pi.file(str(self.notes / "set-aside.json"))
        return list(json.loads(file.content_string)) if file.exists else []


def test_the_broker_starts_whatever_is_left_of_its_database(
    pi: Any, site: dict[str, Any], run_module: Any
) -> None:
    notes = f"{site['hems_path_notes']}/mosquitto"
    broker = Box(pi, "mosquitto.service", site["hems_path_mosquitto"], notes)
    arguments = {
        "host": "127.0.0.1",
        "port": site["hems_port_mqtt"],
        "username": "hems",
        "password_file": f"{site['hems_path_secrets']}/mqtt_hems",
        "topic": "hems/hems/test",
    }
    with broker.as_it_was("mosquitto.db"):
        for kind in ("zeros", "cut short", "garbage"):
            (note,) = broker.broken(**{"mosquitto.db": kind})
            assert note["kept"].startswith("mosquitto.db.broken-"), kind
            assert pi.file(f"{broker.directory}/{note['kept']}").exists
        assert "milliseconds" in run_module("mqtt_round_trip", arguments)
        # Told by the watchdog, once each in its log.
        subject = f"{broker.directory}/mosquitto.db"
        assert until(lambda: subject in pi.run("hems status").stdout)
        assert until(lambda: pi.run("hems why").stdout.count(f"set aside {subject}") >= 3)


def test_home_assistant_goes_on_with_its_newest_copies(pi: Any, site: dict[str, Any]) -> None:
    notes = f"{site['hems_path_notes']}/home-assistant"
    directory = site["hems_path_home_assistant_config"]
    box = Box(pi, "home-assistant.service", directory, notes)
    breaks = {
        ".storage/core.config_entries": "empty",
        ".storage/auth": "zeros",
        ".storage/core.entity_registry": "cut short",
        "zigbee.db": "garbage",
        "home-assistant_v2.db": "zeros",
        ".HA_VERSION": "zeros",
        "packages/site.yaml": "zeros",
    }

    def entries() -> list[str]:
        path = f"{directory}/.storage/core.config_entries"
        listed = json.loads(pi.file(path).content_string)["data"]["entries"]
        return sorted(one["domain"] for one in listed)

    def users() -> list[str]:
        listed = json.loads(pi.file(f"{directory}/.storage/auth").content_string)
        return sorted(one["id"] for one in listed["data"]["users"])

    def is_well() -> bool:
        seen = json.loads(pi.run("hems status --json").stdout)
        return any(one["ok"] for one in seen["services"] if one["unit"] == box.unit)

    pi.check_output("systemctl start home-assistant-files.service")  # as every night
    with box.as_it_was(*breaks):
        before = entries(), users()
        begun = time.monotonic()
        found = {note["file"]: note for note in box.broken(**breaks)}
        assert until(is_well, 180)
        print(f"{len(found)} files mended, answering after {time.monotonic() - begun:.0f} s")
        assert set(found) == {f"{directory}/{name}" for name in breaks}
        assert (entries(), users()) == before
        with_copy = {file for file, note in found.items() if "has taken its place" in note["now"]}
        assert set(found) - with_copy == {f"{directory}/home-assistant_v2.db"}
    assert until(is_well, 180)


def test_influxdb_goes_on_with_its_newest_copies(
    pi: Any, site: dict[str, Any], influxdb: Influxdb
) -> None:
    notes = f"{site['hems_path_notes']}/influxdb"
    box = Box(pi, "influxdb.service", site["hems_path_influxdb"], notes)
    names = [
        name
        for name in ("influxd.bolt", "influxd.sqlite")
        if pi.file(f"{box.directory}/{name}").exists
    ]
    if not names:
        pytest.skip("the stand-in keeps its metadata in a file of its own: needs the real InfluxDB")
    with box.as_it_was(*names):
        found = box.broken(**dict.fromkeys(names, "zeros"))
        assert sorted(PurePosixPath(note["file"]).name for note in found) == names
        assert all("has taken its place" in note["now"] for note in found)
        assert until(lambda: pi.run(f"curl --silent --fail {influxdb.url}/health").rc == 0)
