"""A site of the old system comes onto a box: accounts, entities, history, Zigbee and readings.

The volumes are those of tests/balena, an InfluxDB's and a Mosquitto's that are made on the Pi. The
box stays the old system's afterwards: it wants a Pi of its own.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from hems.balena import old, place, run

from tests.appliance.home_assistant_client import HomeAssistant, this_pi
from tests.appliance.influxdb_client import HISTORY, Influxdb
from tests.appliance.playing import changes
from tests.appliance.waiting import LONG, wait_until
from tests.unit import balena_volumes
from tests.virtual.pi import home, substitutes
from tests.virtual.pi.checkout import ROOT

pytest_plugins = [
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
]
pytestmark = [
    LONG,
    pytest.mark.journal("home-assistant", "influxdb", "hems-history"),
    pytest.mark.skipif(
        substitutes.database() == substitutes.STANDIN,
        reason="the stand-in for InfluxDB has no `influxd inspect`, which reads the old files",
    ),
]

PLACE = "/mnt/old-system"
IMPORT = ROOT / "playbooks/import_balena.yml"
DAYS, EVERY = (
    10,
    600,
)  # of old readings, and s between two: a busy Pi makes an hour a second
STATES = 60  # in the old recorder (tests/balena)
HERE = Path(__file__).parent
UPGRADED = 180.0  # s in which a busy Pi's Home Assistant has brought the old database up to date


@pytest.fixture(scope="module")
def began() -> int:
    """When the old readings begin, s since 1970: at an hour."""
    return (int(time.time()) // 3600 - 24 * DAYS) * 3600


@pytest.fixture(scope="module")
def volumes(pi: Any, site: dict[str, Any], began: int, tmp_path_factory: Any) -> str:
    """The old volumes on the Pi; its dongle is the old one, so the backups are of its network."""
    home.pair(this_pi())
    path = tmp_path_factory.mktemp("old")
    balena_volumes.make(path)
    archive = path / "volumes.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(path / "1234567_hass-config", "1234567_hass-config")
    with archive.open("rb") as stream:
        line = f"mkdir -p {PLACE} && tar -C {PLACE} -x --no-same-owner"
        subprocess.run(this_pi().ssh(line), stdin=stream, check=True)
    script = (HERE / "balena_old.py").read_text(encoding="utf-8")
    box = f"{site['hems_path_home_assistant_config']}/{old.ZIGBEE}"
    pi.check_output(
        f"/opt/hems/current/bin/python - {PLACE} {box} {began} {EVERY} {DAYS} "
        f"<<'END_OF_SCRIPT'\n{script}END_OF_SCRIPT\n"
    )
    return PLACE


def fingerprint(pi: Any, site: dict[str, Any]) -> str:
    """Return what the box's files of Home Assistant are, without those that it writes by itself."""
    top = site["hems_path_home_assistant_config"]
    return str(pi.check_output(f"cd {top} && ls -a && sha256sum .storage/auth .storage/core.c*"))


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    pi: Any, site: dict[str, Any], volumes: str
) -> None:
    before = fingerprint(pi, site)
    assert changes(IMPORT, {"from": volumes, "dry_run": True}) == 0
    said = pi.check_output(f"hems balena {volumes} --dry-run")
    assert "accounts: guest, oldowner" in said and "bucket 'energy'" in said
    assert fingerprint(pi, site) == before
    assert not pi.file(str(run.DIRECTORY)).exists


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            "dd if=/dev/urandom of={0}/1234567_hass-config/_data/home-assistant_v2.db bs=4096 "
            "seek=1 count=4 conv=notrunc",
            "home-assistant_v2.db is damaged",
        ),
        (
            "file=$(find {0}/1234567_influxdb-data -name '*.tsm' | head -1) && "
            "dd if=/dev/urandom of=$file bs=50 seek=3 count=2 conv=notrunc",
            "The old InfluxDB's data are damaged",
        ),
    ],
)
def test_a_damaged_volume_is_refused_in_a_sentence_and_nothing_is_changed(
    pi: Any, site: dict[str, Any], volumes: str, spoil: str, sentence: str
) -> None:
    before = fingerprint(pi, site)
    pi.check_output(f"cp -a {volumes} {volumes}-spoilt && {spoil.format(volumes + '-spoilt')}")
    told = pi.run(f"hems balena {volumes}-spoilt")
    pi.check_output(f"rm -r {volumes}-spoilt")
    assert told.rc == 1 and len(told.stderr.splitlines()) == 1, told.stderr
    assert sentence in told.stderr and "copy the volume anew" in told.stderr
    assert fingerprint(pi, site) == before
    assert not pi.file(str(run.DIRECTORY)).exists


@pytest.fixture(scope="module")
def imported(pi: Any, volumes: str) -> str:
    """The import, done; what the box had of it before was whole."""
    pi.check_output(f"find {volumes} -type f -exec sha256sum {{}} + | sort > /run/old-before")
    assert changes(IMPORT, {"from": volumes}) > 0
    pi.check_output(f"find {volumes} -type f -exec sha256sum {{}} + | sort | cmp - /run/old-before")
    return volumes


@pytest.mark.usefixtures("imported")
def test_the_old_accounts_log_in_and_the_box_still_does(home_assistant: HomeAssistant) -> None:
    home_assistant.wait_until_ready(UPGRADED)
    for name, password in (("oldowner", "old-Password-1"), ("guest", "guest-Password-1")):
        code = home_assistant.http.log_in(name, password)
        token, refresh = home_assistant.http.tokens(code)
        assert home_assistant.call_as(token, "auth/current_user")["is_owner"] == (
            name == "oldowner"
        )
        home_assistant.http.revoke(refresh)


@pytest.mark.usefixtures("imported")
def test_entities_have_their_ids_and_their_history(
    pi: Any, site: dict[str, Any], home_assistant: HomeAssistant
) -> None:
    registry = home_assistant.call("config/entity_registry/list")
    ids = {one["unique_id"]: one["entity_id"] for one in registry}
    assert ids["00:15:bc:00:1b:02:03:04-2-1794"] == "sensor.frient_power"
    assert ids["frient_energy"] == "sensor.frient_energy"
    top = site["hems_path_home_assistant_config"]
    question = f"SELECT count(*) FROM states WHERE state_id <= {STATES}"
    code = (
        "import sqlite3, sys; "
        "d = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True); "
        "print(*d.execute(sys.argv[2]).fetchone())"
    )
    count = pi.check_output(
        "runuser -u homeassistant -- python3 -c %s %s %s", code, f"{top}/{old.RECORDER}", question
    )
    assert int(count) == STATES


@pytest.mark.usefixtures("imported")
def test_zigbee_runs_with_the_old_network(
    pi: Any, site: dict[str, Any], home_assistant: HomeAssistant
) -> None:
    def runs() -> bool:
        entries = home_assistant.get("/api/config/config_entries/entry?domain=zha")
        return [one["state"] for one in entries] == ["loaded"]

    wait_until(runs, UPGRADED, "Zigbee runs")
    kept = pi.check_output(f"ls {site['hems_path_zigbee_backups']}").split()
    newest = pi.file(f"{site['hems_path_zigbee_backups']}/{kept[-1]}").content_string
    assert "network_key" in newest


@pytest.mark.usefixtures("imported")
def test_every_reading_is_in_influxdb_with_its_hours(
    pi: Any, influxdb: Influxdb, began: int
) -> None:
    def count(bucket: str, question: str) -> int:
        where = f"WHERE entity_id = 'frient_power' AND time >= {began}s"
        result = influxdb.query(HISTORY, bucket, f"SELECT {question} FROM W {where}")
        return int(result["series"][0]["values"][0][1]) if "series" in result else 0

    assert count("home_assistant", "count(value)") >= DAYS * 86400 // EVERY
    for _ in range(20):  # a run makes the hours of some days, and the next one goes on
        ran = pi.run("hems history fill")
        if "the next run goes on" not in ran.stdout + ran.stderr:
            break
    assert count("home_assistant_1h", 'sum("count")') >= DAYS * 86400 // EVERY - 6
    keys = influxdb.query(HISTORY, "home_assistant", "SHOW TAG KEYS")
    names = {row[0] for one in keys["series"] for row in one["values"]}
    assert names <= {"domain", "entity_id", "bridged"}, "the old system's own tags are gone"


@pytest.mark.usefixtures("imported")
def test_what_mqtt_devices_said_last_is_listed(pi: Any) -> None:
    found = json.loads(pi.file(f"{run.DIRECTORY}/{run.MESSAGES}").content_string)
    assert found == {"shelly/power": "321", "homeassistant/sensor/shelly/config": "{}"}


def test_what_the_box_had_is_kept(pi: Any, site: dict[str, Any], imported: str) -> None:  # noqa: ARG001
    top = site["hems_path_home_assistant_config"]
    assert pi.file(f"{top}/{place.BEFORE}/{old.RECORDER}").exists
    assert pi.file(f"{top}/{place.BEFORE}/.storage/auth").exists
    assert not pi.file(f"{top}/{place.STAGED}").exists
    assert "trusted_proxies" in pi.file(f"{top}/{old.KEPT_AS}").content_string


def test_a_second_import_changes_nothing(imported: str) -> None:
    assert changes(IMPORT, {"from": imported}) == 0
