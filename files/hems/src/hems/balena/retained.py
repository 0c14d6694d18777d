"""The messages that the old broker kept, heard from a throw-away one that has its file.

Nobody on this box may hear what the old devices said without accounts: they are a list of who has
to get one, and of what was said last.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hems.balena import BalenaError

USER, DATABASE, SOCKET = "mosquitto", "mosquitto.db", "socket"
SETTINGS = """persistence true
persistence_location {place}/
allow_anonymous true
log_dest stderr
log_type error
listener 0 {place}/{socket}
"""
SECONDS = 30.0
SETTLED = 1.0  # seconds without another message: all that is kept comes at once


def messages(volume: Path) -> dict[str, str]:
    """Return what the old broker kept, by topic. Raises BalenaError."""
    database = volume / DATABASE
    if database.is_symlink() or not database.is_file():
        return {}  # it had nothing to keep
    account = pwd.getpwnam(USER)
    with tempfile.TemporaryDirectory(prefix="hems-balena.") as name:
        place = Path(name)
        (place / "mosquitto.conf").write_text(SETTINGS.format(place=place, socket=SOCKET))
        shutil.copyfile(database, place / DATABASE)
        for path in (*place.iterdir(), place):  # the directory last: until then nobody is in it
            if os.geteuid() == 0:
                os.chown(path, account.pw_uid, account.pw_gid)
        words = ["mosquitto", "-c", str(place / "mosquitto.conf")]
        who: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(words, stdout=said, stderr=said, cwd="/", **who) as broker,
        ):
            try:
                return _heard(place / SOCKET, broker)
            except (OSError, ValueError) as error:
                broker.kill()
                said.seek(0)
                why = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise BalenaError(
                    f"The old broker's {database} can't be read ({' '.join(why) or error}): leave "
                    "it out with -e without=mqtt."
                ) from error
            finally:
                broker.terminate()


def _heard(socket: Path, broker: subprocess.Popen[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    deadline = time.monotonic() + SECONDS
    while not socket.exists():
        if broker.poll() is not None or time.monotonic() > deadline:
            raise ValueError("the broker does not start with it")
        time.sleep(0.05)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, transport="unix")
    changed = [0.0]  # when the last thing happened; 0: it is not subscribed yet

    def connected(*_: Any) -> None:
        client.subscribe("#")

    def subscribed(*_: Any) -> None:
        changed[0] = time.monotonic()

    def heard(_client: Any, _data: Any, message: Any) -> None:
        changed[0] = time.monotonic()
        found[message.topic] = message.payload.decode("utf-8", "replace")

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, heard
    client.connect(str(socket))
    try:
        while not changed[0] or time.monotonic() - changed[0] < SETTLED:
            if time.monotonic() > deadline:
                raise ValueError("it does not answer")
            client.loop(0.1)
    finally:
        client.disconnect()
    return found
