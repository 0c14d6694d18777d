"""Makes the rest of the old volumes, on the Pi: ``balena_old.py PLACE ZIGBEE_DB BEGAN EVERY DAYS``.

InfluxDB's files are written by the box's own influxd, Mosquitto's by its Mosquitto, both as of old
on addresses of their own; the newest backup of the dongle's network is taken from the box's ZHA.
"""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PORT = 18186
TOKEN = "the-old-systems-operator-token"
TOPICS = {"shelly/power": "321", "homeassistant/sensor/shelly/config": "{}"}
STARTED = 120.0  # s


def call(path: str, body: str) -> None:
    """Send something to the throw-away InfluxDB."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body.encode())
    request.add_header("Authorization", f"Token {TOKEN}")
    urllib.request.urlopen(request, timeout=60).read()


def wait(ready: Callable[[], bool], what: str) -> None:
    """Wait until a call returns without an error."""
    deadline = time.monotonic() + STARTED
    while True:
        try:
            if ready():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"{what} in time"
        time.sleep(0.2)


def influxdb(volume: Path, began: int, every: int, days: int) -> None:
    """Write an old InfluxDB's files, and pull the plug."""
    volume.mkdir(parents=True)
    words = ["influxd", f"--bolt-path={volume}/influxd.bolt", f"--engine-path={volume}/engine"]
    words += [f"--sqlite-path={volume}/influxd.sqlite", f"--http-bind-address=127.0.0.1:{PORT}"]
    words += ["--reporting-disabled", "--storage-cache-snapshot-write-cold-duration=1s"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        ping = f"http://127.0.0.1:{PORT}/health"
        wait(lambda: urllib.request.urlopen(ping, timeout=5).status == 200, "InfluxDB starts")
        wanted = {"username": "admin", "password": "An-old-1-password", "org": "home"}
        call("/api/v2/setup", json.dumps({**wanted, "bucket": "energy", "token": TOKEN}))
        lines = []
        for number in range(days * 86400 // every):
            at = (began + number * every) * 10**9
            tags = "domain=sensor,entity_id=frient_power,source=old"
            text = 'friendly_name_str="Frient \\"power\\", W"'
            lines.append(f"W,{tags} value={300 + number % 50},{text} {at}")
            lines.append(
                f"kWh,domain=sensor,entity_id=frient_energy value={1000 + number / 10} {at}"
            )
        call("/api/v2/write?org=home&bucket=energy&precision=ns", "\n".join(lines))
        wait(
            lambda: len(list(volume.rglob("*.tsm"))) >= max(1, days // 7),
            "InfluxDB writes its files",
        )
        server.send_signal(signal.SIGKILL)


def mosquitto(volume: Path) -> None:
    """Write an old Mosquitto's file."""
    volume.mkdir(parents=True)
    settings = volume / "mosquitto.conf"
    settings.write_text(
        f"user root\npersistence true\npersistence_location {volume}/\nallow_anonymous true\n"
        f"listener 0 {volume}/socket\n"
    )
    with subprocess.Popen(["mosquitto", "-c", str(settings)]) as broker:
        wait((volume / "socket").exists, "Mosquitto starts")
        client = mqtt.Client(CallbackAPIVersion.VERSION2, transport="unix")
        client.connect(str(volume / "socket"))
        client.loop_start()
        for topic, payload in TOPICS.items():
            client.publish(topic, payload, qos=1, retain=True).wait_for_publish(STARTED)
        client.disconnect()
        client.loop_stop()
        broker.terminate()
    for name in ("socket", "mosquitto.conf"):
        (volume / name).unlink(missing_ok=True)
    assert (volume / "mosquitto.db").exists()


def network(box: Path, volume: Path) -> None:
    """Put the newest backup of the box's Zigbee network into the old database."""
    with sqlite3.connect(f"file:{box}?mode=ro", uri=True) as database:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE 'network_backups_v%' "
            "ORDER BY length(name) DESC, name DESC LIMIT 1"
        ).fetchone()
        (backup,) = database.execute(
            f"SELECT backup_json FROM {table} ORDER BY id DESC LIMIT 1"
        ).fetchone()
    with sqlite3.connect(volume) as database:
        database.execute("UPDATE network_backups_v13 SET backup_json = ?", (backup,))


def main() -> None:
    """Do it all."""
    place, box = Path(sys.argv[1]), Path(sys.argv[2])
    began, every, days = map(int, sys.argv[3:])
    shutil.rmtree(place / "1234567_influxdb-data", ignore_errors=True)
    influxdb(place / "1234567_influxdb-data/_data", began, every, days)
    mosquitto(place / "1234567_mosquitto/_data")
    network(box, place / "1234567_hass-config/_data/zigbee.db")
    # A container's root, and the user of InfluxDB's image: nobody of this box.
    subprocess.run(["chown", "-R", "1000:1000", f"{place}/1234567_influxdb-data"], check=True)
    subprocess.run(["chmod", "-R", "go=", str(place)], check=True)


main()
