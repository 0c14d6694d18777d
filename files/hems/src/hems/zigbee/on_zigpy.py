"""Work on the dongle by the zigpy and bellows of Home Assistant's own environment.

Runs on that environment's Python, as Home Assistant's user, and imports nothing of this package:
``hems.zigbee.radio`` starts it. One question as JSON on standard input, one answer as JSON on
standard output; both can hold network keys, so neither is ever an argument or in a log.

A backup is a dict in the Open Coordinator Backup Format, as ``zigpy radio … restore`` reads it:
https://github.com/zigpy/open-coordinator-backup
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bellows.zigbee.application import ControllerApplication
from zigpy.backups import NetworkBackup
from zigpy.exceptions import CannotWriteNetworkSettings, NetworkNotFormed

# Only with this word bellows writes an address that a dongle can take once in its life.
ONCE = "i_understand_i_can_update_eui64_only_once_and_i_still_want_to_do_it"
WORK_SECONDS = 150.0  # a dongle that does not answer is asked in vain at three speeds first


class ToldError(Exception):
    """What a person can be told; it holds no key."""


@asynccontextmanager
async def application(device: dict[str, Any] | None, database: str | None) -> AsyncIterator[Any]:
    """Open the dongle, or only the database when no device is given, and close both again.

    A database that is not there is not made.
    """
    config = {
        "device": device or {"path": "/dev/null"},
        "database_path": database if database and Path(database).exists() else None,
        "backup_enabled": False,
        "use_thread": False,
    }
    app = await ControllerApplication.new(config, auto_form=False, start_radio=False)
    try:
        if device:
            await app.connect()
        yield app
    finally:
        await app.shutdown()


async def probe(path: str) -> dict[str, Any]:
    """Return the settings at which the dongle answers."""
    settings = await ControllerApplication.probe({"path": path})
    if not settings:
        raise ToldError(f"{path} does not answer as a Zigbee dongle")
    return {name: settings[name] for name in ("path", "baudrate", "flow_control")}


async def current(app: Any) -> NetworkBackup | None:
    """Return the network that is in the dongle."""
    try:
        await app.load_network_info(load_devices=True)
    except NetworkNotFormed:
        return None
    found: NetworkBackup = app.backups.from_network_state()
    return found


async def read(question: dict[str, Any]) -> dict[str, Any]:
    """Return the dongle's settings and the network in it."""
    settings = await probe(question["path"])
    async with application(settings, None) as app:
        network = await current(app)
    return {"device": settings, "backup": network and network.as_open_coordinator_json()}


def raised(backup: NetworkBackup, known: list[NetworkBackup], by: int) -> int:
    """Return by how much the backup's frame counter must be raised.

    Devices don't listen to a counter that was set back, and the network may have gone on since the
    backup was made: ``known`` are its later states.
    """
    own = backup.network_info.network_key
    counters = [
        one.network_info.network_key.tx_counter
        for one in known
        if one.network_info.network_key.key == own.key
    ]
    return int(max([own.tx_counter, *counters]) - own.tx_counter + by)


async def write(question: dict[str, Any]) -> dict[str, Any]:
    """Write a backup to the dongle, and tell the database of it; return what the dongle then has.

    An address that the dongle can take once only is written too: the devices know no other.
    """
    backup = NetworkBackup.from_dict(question["backup"])
    settings = question["device"]
    async with application(settings, question["database"]) as app:
        before = await current(app)
        known = [*app.backups.backups, *([before] if before else [])]
        backup.network_info.stack_specific.setdefault("ezsp", {})[ONCE] = True
        by = raised(backup, known, question["counter"])
        await app.backups.restore_backup(backup, counter_increment=by)
        after = app.backups.most_recent_backup()
    if not after.is_compatible_with(backup):
        raise ToldError("the dongle does not hold the backup afterwards")
    return {"backup": after.as_open_coordinator_json()}


async def convert(question: dict[str, Any]) -> dict[str, Any]:
    """Return a backup of Home Assistant's API in the open format."""
    return {"backup": NetworkBackup.from_dict(question["backup"]).as_open_coordinator_json()}


async def devices(question: dict[str, Any]) -> dict[str, Any]:
    """Return the devices in the database."""
    async with application(None, question["database"]) as app:
        return {
            "devices": [
                {
                    "ieee": str(device.ieee),
                    "nwk": int(device.nwk),
                    "manufacturer": device.manufacturer or "",
                    "model": device.model or "",
                    "last_seen": device.last_seen,
                }
                for device in app.devices.values()
            ]
        }


WORK = {"read": read, "write": write, "convert": convert, "devices": devices}


def main() -> int:
    """Answer the question on standard input."""
    try:
        question = json.load(sys.stdin)
        work = WORK[question["work"]]
        answer = asyncio.run(asyncio.wait_for(work(question), WORK_SECONDS))
    except TimeoutError:
        answer = {"error": "the dongle did not answer in time"}
    except (ToldError, CannotWriteNetworkSettings, OSError) as error:
        answer = {"error": str(error) or type(error).__name__}
    except Exception as error:
        # Its text may hold the network's settings.
        answer = {"error": type(error).__name__}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
