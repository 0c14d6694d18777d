"""How many flashes of the meter's LED make a kWh, told to the reader that counts them.

Such a reader has a number entity for it (zhaquirks, develco/emi_led.py). What ZHA shows proves
nothing: where the reader does not answer, it goes on showing what it once read, and does not say
so. So each pairing writes the number, which the reader has to confirm, and reads it back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from hems.home_assistant import HomeAssistantError
from hems.zigbee.pairing import joined
from hems.zigbee.pairing.joined import NO_VALUE, PairingError, Request, Session
from hems.zigbee.pairing.naming import Entity, measures
from hems.zigbee.pairing.search import METER, PRESS, Device

KEY = "pulse_configuration"  # ends the unique id of the reader's number
NEW = 1_000  # imp/kWh at which a reader is sold
AGREE_SECONDS = 60.0
ANSWER_SECONDS = 45.0  # for one request: zigpy waits 28 s for a sleepy reader
PAUSE_SECONDS = 1.0
NO_ANSWER = "home_assistant_error"  # Home Assistant's code when the reader did not do it


def agree(session: Session, device: Device, request: Request) -> int | None:
    """Tell a reader its meter's constant; return it in imp/kWh, None when nothing is to be told.

    Raises PairingError when the reader does not take it, or has no such number and was to get one.
    """
    wish = request.pulses or (session.pulses if request.name == METER else None)
    if wish is None:
        return None
    number = setting(device.entities)
    if number is not None:
        _write(session, device, number.id, wish)
        session.say(f"The meter's LED flashes {wish} times per kWh.")
        return wish
    if request.pulses:
        raise PairingError(
            f"It is paired, but {device.default_name} has no number of pulses per kWh that Home "
            "Assistant could set: pair it without --pulses, or set the number as its manual says."
        )
    if wish != NEW:
        session.say(
            f"Note: Home Assistant can't set the meter's {wish} imp/kWh in {device.default_name}: "
            "if it counts flashes, compare its kWh with the meter's."
        )
    return None


def setting(entities: Sequence[Entity]) -> Entity | None:
    """Return a reader's number of pulses per kWh, None when the device has none."""
    for entity in entities:
        if entity.domain == "number" and entity.unique_id.endswith(f"-{KEY}"):
            return entity
    return None


def _write(session: Session, device: Device, number: str, wish: int) -> None:
    """Write the constant until it reads so, and let the readings follow it at once."""
    found = measures(device.entities)
    anew = [number, *(entity.id for entity in (found.power, found.energy) if entity)]
    deadline = time.monotonic() + AGREE_SECONDS
    while True:
        try:
            _act(session, "number", "set_value", entity_id=number, value=wish)
            _act(session, "homeassistant", "update_entity", entity_id=anew)
            shown = (joined.state(session.access, number) or {"state": ""})["state"]
            if shown not in NO_VALUE and float(shown) == wish:
                return
            problem = f"{number} is {shown or 'not there'}"
        except HomeAssistantError as error:
            problem = str(error).rstrip(".")
            if error.code != NO_ANSWER:
                break
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    raise PairingError(
        f"It is paired, but could not be set to {wish} pulses per kWh ({problem}), so its kWh and "
        f"W may be wrong by a constant factor: bring it closer to the dongle, {PRESS}, and pair "
        "again."
    )


def _act(session: Session, domain: str, service: str, **data: object) -> None:
    session.connection.call(
        "call_service", timeout=ANSWER_SECONDS, domain=domain, service=service, service_data=data
    )
