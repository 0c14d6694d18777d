"""Put a backup on the dongle that is plugged in: its own again, or a replacement.

Home Assistant is stopped for it and started again in every case.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hems import HemsError, lock, systemd
from hems.home_assistant import access_of, wait_running
from hems.settings import Appliance
from hems.zigbee import adopt, adopted, backups, dongle
from hems.zigbee import entry as entries
from hems.zigbee.entry import Entry
from hems.zigbee.radio import Radio, RefusedError

WORK = "Zigbee restore"
START_SECONDS = 300.0  # that Home Assistant may take to start

Say = Callable[[str], None]


def restore(appliance: Appliance, file: Path, chosen: str, say: Say) -> None:
    """Restore ``file``; ``chosen`` is the dongle's path where several are plugged in, else empty.

    Raises HemsError.
    """
    content = backups.load(file)
    try:
        Radio(appliance.home_assistant).convert(content)
    except RefusedError as error:
        # Known before Home Assistant is stopped for nothing.
        raise backups.no_backup(file) from error
    with lock.appliance_lock(appliance.paths.lock, WORK):
        wanted = chosen or appliance.zigbee.dongle
        device = dongle.choose(dongle.plugged(wanted), wanted)
        unit = appliance.home_assistant.unit
        try:
            say("Stopping Home Assistant …")
            systemd.stop(unit)
            _write(appliance, device, content, say)
        finally:
            systemd.start(unit)
        say("Starting Home Assistant …")
        entry = _loaded(appliance, say)
    if not entry.loaded:
        raise HemsError(
            f"The backup is on {device}, but Zigbee is {entry} in Home Assistant: "
            "'hems status' says what to do."
        )
    adopted.save(appliance.paths.root_run, adopted.Adopted(device=str(device)))
    say(f"{file} is on {device}, and Zigbee is running in Home Assistant.")


def _write(appliance: Appliance, device: Path, content: backups.Content, say: Say) -> None:
    radio = Radio(appliance.home_assistant)
    settings, before = radio.read(device)
    if before is not None:
        kept = backups.save(appliance.paths.zigbee_backups, before, appliance.zigbee.backups)
        say(f"The network that was in {device} is backed up in {kept}.")
    say(f"Writing the backup to {device} …")
    radio.write(settings, content)
    if entries.stored_device(appliance.home_assistant) is not None:
        entries.move(appliance.home_assistant, settings)


def _loaded(appliance: Appliance, say: Say) -> Entry:
    """Wait until ZHA is loaded and return its entry as it then is."""
    access = access_of(appliance)
    wait_running(access, START_SECONDS)
    if entries.find(access) is None:
        adopt.adopt(appliance, say)
    return entries.wait_loaded(access, entries.LOAD_SECONDS) or Entry("", "missing", "")
