"""Look at the dongle, and back its network up: through Home Assistant while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hems import HemsError, lock, systemd
from hems.home_assistant import HomeAssistant, access_of
from hems.settings import Appliance
from hems.zigbee import backups, dongle
from hems.zigbee import entry as entries
from hems.zigbee.network_summary import Network, of_backup, of_settings
from hems.zigbee.radio import Backup, Radio

WORK = "Zigbee backup"
LOOK = "look at the Zigbee dongle"
BACKUP_SECONDS = 120.0  # it reads every key, one by one
SETTING_UP = "setup_in_progress"
PARTIAL = "Home Assistant could not read all of the network: try again in a minute."


def ask(appliance: Appliance, kind: str, timeout: float = 15.0) -> Any:
    """Return the answer to one of ZHA's commands. Raises HemsError when ZHA is not loaded."""
    access = access_of(appliance)
    entry = entries.find(access)
    if entry is None:
        raise HemsError(
            "Home Assistant has no Zigbee dongle yet: plug it in and type 'sudo hems zigbee adopt'."
        )
    if entry.state == SETTING_UP:
        raise HemsError("Zigbee is being set up in Home Assistant: try again in a minute.")
    if not entry.loaded:
        raise HemsError(
            f"Zigbee is not running in Home Assistant ({entry}): 'hems status' says what to do."
        )
    with HomeAssistant(access) as home_assistant:
        return home_assistant.call(kind, timeout=timeout)


def runs(appliance: Appliance) -> bool:
    """Whether Home Assistant has the dongle, or may take it at any moment."""
    unit = appliance.home_assistant.unit
    return systemd.units([unit])[unit].active not in ("inactive", "failed")


def own_dongle(appliance: Appliance) -> Path:
    """Return the dongle of Home Assistant's entry, else the one to take. Raises HemsError."""
    device = entries.stored_device(appliance.home_assistant)
    if device is not None:
        return Path(device)
    wanted = appliance.zigbee.dongle
    return dongle.choose(dongle.plugged(wanted), wanted)


def network(appliance: Appliance) -> Network:
    """Return the dongle and its network. Raises HemsError."""
    with _stopped(appliance) as stopped:
        if stopped:
            device = own_dongle(appliance)
            return of_backup(str(device), _read(appliance, device))
    return of_settings(ask(appliance, "zha/network/settings"))


def devices(appliance: Appliance) -> list[dict[str, Any]]:
    """Return the devices as ``zha/devices`` tells them, fewer words when it is stopped.

    Raises HemsError.
    """
    with _stopped(appliance) as stopped:
        if stopped:
            return Radio(appliance.home_assistant).devices()
    found: list[dict[str, Any]] = ask(appliance, "zha/devices")
    return found


def backup(appliance: Appliance, inside: str = "") -> Path:
    """Keep a backup and return its file; ``inside`` names the work that holds the lock already.

    Raises HemsError.
    """
    with lock.held_or_taken(appliance.paths.lock, WORK, inside):
        if runs(appliance):
            answer = ask(appliance, "zha/network/backups/create", BACKUP_SECONDS)
            if not answer["is_complete"]:
                raise HemsError(PARTIAL)
            content = Radio(appliance.home_assistant).convert(answer["backup"])
        else:
            content = _read(appliance, own_dongle(appliance))
        return backups.save(appliance.paths.zigbee_backups, content, appliance.zigbee.backups)


def backup_before_update(
    appliance: Appliance, inside: str, say: Callable[[str], None]
) -> Path | None:
    """Keep a backup as ``backup`` does, or ``say`` why an update may do without a new one.

    A box may have no Zigbee network; and a dongle that is gone or broken does not hold an update
    up when there is a copy of its network. Raises HemsError.
    """
    device = entries.stored_device(appliance.home_assistant)
    if device is None:
        say("This box has no Zigbee network: there is nothing to back up.")
        return None
    if _loaded(appliance) if runs(appliance) else Path(device).exists():
        return backup(appliance, inside)
    copies = backups.kept(appliance.paths.zigbee_backups)
    if not copies:
        raise HemsError(
            f"Zigbee is not running with {device}, and there is no backup of its network yet: "
            "'hems status' says what to do."
        )
    say(f"Zigbee is not running with {device}: the newest backup of its network is {copies[-1]}.")
    return None


def _loaded(appliance: Appliance) -> bool:
    entry = entries.wait_loaded(access_of(appliance), entries.LOAD_SECONDS)
    return entry is not None and entry.loaded


@contextmanager
def _stopped(appliance: Appliance) -> Iterator[bool]:
    """Whether Home Assistant is stopped; if so, the lock is held, and none of ours starts it."""
    if not runs(appliance):
        with lock.appliance_lock(appliance.paths.lock, LOOK):
            if not runs(appliance):  # a restore has not just ended
                yield True
                return
    yield False


def _read(appliance: Appliance, device: Path) -> Backup:
    _, content = Radio(appliance.home_assistant).read(device)
    if content is None:
        raise HemsError(
            f"There is no network in the Zigbee dongle {device}: "
            "Home Assistant forms one when it is started."
        )
    return content
