"""What is done with a device that has joined: its names, Energy, and the proof that it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hems import HemsError
from hems.home_assistant import Access, HomeAssistant, HomeAssistantError, rest
from hems.zigbee.pairing import energy_prefs as preferences
from hems.zigbee.pairing.naming import fixed_ids, key, measures, renames, title
from hems.zigbee.pairing.registry import Registry
from hems.zigbee.pairing.search import METER, PRESS, Device, own_name

Say = Callable[[str], None]

DERIVED = ("sensor.hems_power", "sensor.hems_energy")  # of packages/hems, from the meter's
LEAVE_SECONDS = 30.0  # that ZHA takes to forget a device
READING_SECONDS = 60.0
DERIVED_SECONDS = 15.0
POLL_SECONDS = 0.5
NO_VALUE = ("unknown", "unavailable", "")
METER_NAMES = {  # for people, by Home Assistant's language
    "en": "Electricity meter",
    "de": "Stromzähler",
    "fr": "Compteur électrique",
    "nl": "Elektriciteitsmeter",
}
ALSO_SHOWN = ("voltage", "current")


class PairingError(HemsError):
    """Nothing was paired, or not as wished."""


@dataclass(frozen=True)
class Request:
    """What is to be paired."""

    name: str  # METER, or what the device's entity ids are made of
    seconds: int  # that joining is open
    replace: bool = False  # it takes the place of the one that has the name
    in_energy: bool = True  # among Energy's individual devices
    pulses: int | None = None  # imp/kWh to count by; None: the site's, for the house's meter


@dataclass(frozen=True)
class Session:
    """What pairing works with."""

    access: Access
    connection: HomeAssistant
    registry: Registry
    meter: tuple[str, str]  # entity ids of the house's power and energy
    pulses: int  # imp/kWh of the house's meter
    say: Say


def names(session: Session, device: Device, request: Request) -> Device:
    """Give the device its name and its entities their fixed ids; return it as it is then.

    Raises PairingError.
    """
    registry, say = session.registry, session.say
    given = {}
    if request.name == METER:
        found = measures(device.entities)
        pairs = zip((found.power, found.energy), session.meter, strict=True)
        given = {entity.unique_id: new for entity, new in pairs if entity}
    wanted = fixed_ids(device.entities, request.name, given)
    old = _predecessor(registry, device, wanted.values())
    if old is not None and not request.replace:
        raise PairingError(
            f"{device.default_name} ({device.ieee}) has joined, but '{request.name}' is "
            f"{old.default_name} ({old.ieee}): to replace it, add --replace and pair the "
            f"new one again ({PRESS})."
        )
    _check_free(session, device, old, wanted)  # before anything is deleted
    if old is not None:
        _forget(session, old)
        say(f"{old.default_name} ({old.ieee}) is deleted; its history continues.")
    for before, after in renames(wanted):
        registry.rename(before, after)
    user_name = _name(session, device, old, request)
    registry.name(device, user_name, device.area or (old.area if old else None))
    named = registry.devices()[device.ieee]
    say(f"Its name is '{user_name}', and its entities are:")
    for entity in sorted(named.entities):
        if entity.enabled:
            say(f"  {entity.id}")
    return named


def energy(session: Session, device: Device, request: Request) -> None:
    """Put the device among Energy's individual devices, unless it is the house's meter."""
    found = measures(device.entities)
    if request.name == METER or not request.in_energy or found.energy is None:
        return
    entry = {"stat_consumption": found.energy.id, "name": device.user_name or title(request.name)}
    if found.power:
        entry["stat_rate"] = found.power.id
    connection = session.connection
    try:
        present = connection.call("energy/get_prefs")
    except HomeAssistantError as error:
        if error.code != "not_found":
            raise
        present = {}
    wish = connection.call("frontend/get_system_data", key=preferences.MEMORY)
    memory = wish.get("value") or {}
    devices = preferences.with_device(present, memory, entry)
    if devices is not None:
        connection.call("energy/save_prefs", device_consumption=devices)
        session.say(f"Energy shows {found.energy.id} among the individual devices.")
    kept = preferences.remembered(memory, found.energy.id)
    if kept is not None:
        connection.call("frontend/set_system_data", key=preferences.MEMORY, value=kept)


def reading(session: Session, device: Device, request: Request, pulses: int | None = None) -> None:
    """Wait for the first values and show them, with the imp/kWh that they are counted by.

    Raises PairingError when none come.
    """
    found = measures(device.entities)
    main = [entity.id for entity in (found.power, found.energy) if entity]
    also = [entity.id for entity in device.entities if entity.enabled and key(entity) in ALSO_SHOWN]
    values = _wait_for(session.access, [*main, *also], READING_SECONDS)
    if missing := [one for one in main if one not in values]:
        raise PairingError(
            f"It is paired, but {' and '.join(missing)} had no value within "
            f"{READING_SECONDS:.0f} s: bring it closer to the dongle or change its batteries; "
            "'hems zigbee devices' shows when it last reported."
        )
    if values:
        shown = ", ".join(values[one] for one in [*main, *also] if one in values)
        counted = f" at {pulses} imp/kWh" if pulses else ""
        session.say(f"It reports {shown}{counted}.")
    if request.name != METER:
        return
    derived = _wait_for(session.access, DERIVED, DERIVED_SECONDS)
    if missing := [one for one in DERIVED if one not in derived]:
        raise PairingError(
            f"The meter reports, but {' and '.join(missing)}, which dashboard and Energy show, "
            "has no value: run the whole playbook, which makes them from hems_meter_power and "
            "hems_meter_energy."
        )
    session.say(f"The house draws {derived[DERIVED[0]]}, and has used {derived[DERIVED[1]]}.")


def state(access: Access, entity: str) -> Mapping[str, Any] | None:
    """Return an entity's state, None when there is no such entity. Raises HomeAssistantError."""
    try:
        found: Mapping[str, Any] = rest(access, "GET", f"/api/states/{entity}")
    except HomeAssistantError as error:
        if error.code == "404":
            return None
        raise
    return found


def _name(session: Session, device: Device, old: Device | None, request: Request) -> str:
    """Return the name for people: the owner's, else the predecessor's, else one of ours.

    Home Assistant remembers deleted devices, so one of ours may be for what it was then.
    """
    known = own_name(device, session.meter) or request.name
    outdated = () if known == request.name else (title(known), *METER_NAMES.values())
    if device.user_name and device.user_name not in outdated:
        return device.user_name
    if old and old.user_name:
        return old.user_name
    if request.name != METER:
        return title(request.name)
    language = str(rest(session.access, "GET", "/api/config")["language"])
    return METER_NAMES.get(language.partition("-")[0], METER_NAMES["en"])


def _predecessor(registry: Registry, device: Device, ids: Iterable[str]) -> Device | None:
    wanted = set(ids)
    for other in registry.devices().values():
        if other.ieee != device.ieee and wanted & {entity.id for entity in other.entities}:
            return other
    return None


def _forget(session: Session, old: Device) -> None:
    rest(session.access, "POST", "/api/services/zha/remove", {"ieee": old.ieee})
    deadline = time.monotonic() + LEAVE_SECONDS
    ids = {entity.id for entity in old.entities}
    while ids & session.registry.entries().keys():
        if time.monotonic() > deadline:
            raise PairingError(
                f"Home Assistant did not delete {old.default_name} ({old.ieee}): delete it there "
                "under Settings, Devices & services, and pair again."
            )
        time.sleep(POLL_SECONDS)


def _check_free(
    session: Session, device: Device, old: Device | None, wanted: Mapping[str, str]
) -> None:
    """Refuse ids of anybody but the device and the one that it replaces."""
    entries = session.registry.entries()
    own = {entity.id for one in (device, old) if one for entity in one.entities}
    for new in sorted(set(wanted.values()) - own):
        owner = entries[new]["platform"] if new in entries else None
        if owner or state(session.access, new):
            raise PairingError(
                f"It has joined, but {new} already belongs to {owner or 'the configuration'}: "
                "give that entity another id in Home Assistant, or this device another --name, "
                f"and pair again ({PRESS})."
            )


def _wait_for(access: Access, ids: Iterable[str], seconds: float) -> dict[str, str]:
    """Return the entities' values with their units, those that there are within the time."""
    deadline = time.monotonic() + seconds
    values: dict[str, str] = {}
    left = list(ids)
    while left:
        for entity in list(left):
            found = state(access, entity)
            if found and found["state"] not in NO_VALUE:
                unit = found["attributes"].get("unit_of_measurement", "")
                values[entity] = f"{found['state']} {unit}".strip()
                left.remove(entity)
        if not left or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return values
