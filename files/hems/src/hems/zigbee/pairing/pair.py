"""Pair a device without Home Assistant's user interface: open joining, watch, name, verify."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from hems.home_assistant import (
    Access,
    HomeAssistant,
    HomeAssistantError,
    access_of,
    rest,
    wait_running,
)
from hems.settings import Appliance
from hems.zigbee import entry
from hems.zigbee.pairing import joined, pulses
from hems.zigbee.pairing.joined import PairingError, Request, Session
from hems.zigbee.pairing.registry import ZHA, Registry
from hems.zigbee.pairing.search import METER, PRESS, Device, Search, own_name

Say = Callable[[str], None]

START_SECONDS = 60.0  # for a Home Assistant that has just been started
GRACE_SECONDS = 180.0  # after the window, for the interviews that have begun
PAUSE_SECONDS = 0.5
LOOK_SECONDS = 0.8  # between two looks at the registry


def pair(appliance: Appliance, request: Request, say: Say) -> None:
    """Pair a device; ``say`` is told what happens. The caller holds the appliance's lock.

    Raises PairingError or HomeAssistantError with one sentence.
    """
    access = access_of(appliance)
    wait_running(access, START_SECONDS)
    _check_zha(access)
    with HomeAssistant(access) as connection:
        session = Session(
            access=access,
            connection=connection,
            registry=Registry(connection),
            meter=(appliance.meter.power, appliance.meter.energy),
            pulses=appliance.meter.pulses_per_kwh,
            say=say,
        )
        named = _prepare(session, request)
        search = Search(request.name, time.monotonic() + request.seconds, named)
        try:
            device = _find(session, search, request)
        finally:
            _close(access)
        say(f"Joining is closed; {device.default_name} ({device.ieee}) has joined.")
        for other in search.others(device):
            say(f"Note: {other} joined too and keeps Home Assistant's default names.")
        device = joined.names(session, device, request)
        joined.energy(session, device, request)
        constant = pulses.agree(session, device, request)
        joined.reading(session, device, request, constant)


def _check_zha(access: Access) -> None:
    found = entry.find(access)
    if found is None:
        raise PairingError(
            "Home Assistant has no Zigbee dongle yet: plug it in and type 'sudo hems zigbee adopt'."
        )
    if found.state != entry.LOADED:
        raise PairingError(
            f"Home Assistant's Zigbee is {found}: 'sudo hems zigbee info' shows the dongle; plug "
            "it in again and wait a minute."
        )


def _prepare(session: Session, request: Request) -> dict[str, str]:
    """Refuse what can't end well before anybody presses a button; return who has which name."""
    if request.name == METER:
        entries = session.registry.entries()
        for wanted in session.meter:
            owner = entries[wanted]["platform"] if wanted in entries else None
            if owner not in (None, ZHA) or (owner is None and joined.state(session.access, wanted)):
                raise PairingError(
                    f"{wanted} is an entity of {owner or 'the configuration files'} already: this "
                    "site's meter is not on Zigbee, so pair the device by a --name, or set "
                    "hems_meter_power and hems_meter_energy and run the whole playbook."
                )
    named = {}
    for device in session.registry.devices().values():
        if name := own_name(device, session.meter):
            named[device.ieee] = name
        if name == request.name:
            session.say(
                f"'{name}' is {device.default_name} ({device.ieee}) so far: it may join again"
                + (", or another one may replace it." if request.replace else ".")
            )
    return named


def _find(session: Session, search: Search, request: Request) -> Device:
    say, registry = session.say, session.registry
    what = "meter reader" if request.name == METER else "device"
    say(f"Joining is open for {request.seconds} s: at the {what}, {PRESS}.")
    looked = 0.0
    with HomeAssistant(session.access) as listening:
        for event in listening.events(
            "zha/devices/permit",
            seconds=request.seconds + GRACE_SECONDS,
            pause=PAUSE_SECONDS,
            duration=request.seconds,
        ):
            now = time.monotonic()
            if event is not None:
                _say_all(say, search.hear(event, now))
            if now - looked < LOOK_SECONDS:
                continue
            looked = now
            for ieee in search.reconfigure(now):
                say(f"{ieee}: is back under its old address, is asked anew")
                session.connection.call("zha/devices/reconfigure", ieee=ieee)
            if waiting := search.look_up():
                devices = registry.devices()
                for ieee in waiting:
                    if ieee in devices:
                        _say_all(say, search.see(devices[ieee], now))
            if found := search.fitting(now):
                return found
            if reason := search.over(now):
                _check_zha(session.access)  # a dongle that was pulled out explains more
                raise PairingError(reason)
    joined = ", ".join(map(str, search.interviews.devices.values()))
    raise PairingError(
        f"The interview of {joined} did not finish: bring it within a few metres of the dongle, "
        f"{PRESS}, and pair again."
    )


def _close(access: Access) -> None:
    """Close joining; it ends by itself when Home Assistant can't be told."""
    try:
        rest(access, "POST", "/api/services/zha/permit", {"duration": 0})
    except HomeAssistantError:
        return


def _say_all(say: Say, lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
