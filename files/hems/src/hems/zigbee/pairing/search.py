"""Which of the devices that join is the one that is looked for (pure).

Feed it what ZHA tells (``hear``) and what Home Assistant's registry has of a device that is
configured (``see``), and ask it as time goes by (``tick``). Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hems.zigbee.pairing.interview import Interviews, Joining
from hems.zigbee.pairing.naming import Entity, key, known_as, measures

METER = "meter"  # the name of the house's own
SETTLED_SECONDS = 2.0  # without another entity: they have all come
PATIENCE_SECONDS = 60.0  # that an interview may pause: zigpy waits 28 s for a sleepy device
RECONFIGURE_SECONDS = 3.0  # after its return, in which ZHA would have begun an interview by itself
PRESS = "hold its button until it searches for a network"


@dataclass(frozen=True)
class Device:
    """A device as Home Assistant's registry has it."""

    id: str
    ieee: str
    default_name: str  # the integration's
    user_name: str | None
    area: str | None
    entities: tuple[Entity, ...]


def own_name(device: Device, meter: tuple[str, ...]) -> str | None:
    """Return the name under which a device was paired, None if it wasn't.

    ``meter``: the entity ids of the house's meter.
    """
    if any(entity.id in meter for entity in device.entities):
        return METER
    return known_as(device.entities, device.default_name)


@dataclass
class Seen:
    """What has been seen of a device that is configured."""

    device: Device
    since: float  # as it is now
    problem: str | None = None  # why it is not the one; empty: it could be


@dataclass
class Search:
    """The search for one device, by the name it is to have."""

    name: str
    until: float  # joining closes
    named: Mapping[str, str] = field(default_factory=dict)  # by us, before; by IEEE address
    interviews: Interviews = field(default_factory=Interviews)
    seen: dict[str, Seen] = field(default_factory=dict)

    def hear(self, event: dict[str, Any], now: float) -> Iterator[str]:
        """Take an event of ZHA, and yield what a person wants to know of it."""
        if event.get("type") == "device_joined":
            self.seen.pop((event.get("device_info") or {}).get("ieee", ""), None)
        yield from self.interviews.hear(event, now)

    def look_up(self) -> list[str]:
        """Return the devices that the registry is to be asked for."""
        return [
            ieee
            for ieee, joining in self.interviews.devices.items()
            if joining.ready and (ieee not in self.seen or self.seen[ieee].problem is None)
        ]

    def reconfigure(self, now: float) -> list[str]:
        """Return the devices that came back without an interview: they have forgotten us.

        Each is returned once.
        """
        found = [
            joining
            for joining in self.interviews.devices.values()
            if joining.silent and now - joining.heard >= RECONFIGURE_SECONDS
        ]
        for joining in found:
            joining.silent, joining.again, joining.heard = False, True, now
            self.seen.pop(joining.ieee, None)
        return [joining.ieee for joining in found]

    def see(self, device: Device, now: float) -> Iterator[str]:
        """Take what the registry has of a device, and yield what is new of it."""
        joining = self.interviews.devices[device.ieee]
        joining.model = joining.model or device.default_name
        label = joining.label
        before = self.seen.get(device.ieee)
        known = {entity.unique_id for entity in before.device.entities} if before else set()
        new = [entity for entity in device.entities if entity.unique_id not in known]
        for entity in new:
            if entity.enabled:
                yield f"{label}: gives {entity.domain} {key(entity)}"
        if before is None or new:
            self.seen[device.ieee] = Seen(device, now)
            return
        before.device = device
        if now - before.since >= SETTLED_SECONDS:
            before.problem = self._problem(device)
            if before.problem:
                yield f"{label}: {before.problem}"

    def fitting(self, now: float) -> Device | None:
        """Return the device that is looked for, when no other interview is still under way."""
        if self.interviews.under_way(now, PATIENCE_SECONDS) or self.look_up():
            return None
        fit = [seen.device for seen in self.seen.values() if seen.problem == ""]
        return min(fit, key=self._rank) if fit else None

    def over(self, now: float) -> str | None:
        """Return why nothing was found, in one sentence, once there is nothing to wait for."""
        if now < self.until or self.look_up():
            return None
        if self.interviews.under_way(now, PATIENCE_SECONDS):
            return None
        what = "meter reader" if self.name == METER else f"device for '{self.name}'"
        stuck = [one for one in self.interviews.devices.values() if not one.ready]
        if stuck:
            return (
                f"{_names(stuck)} joined but did not finish its interview: bring it within a few "
                f"metres of the dongle, {PRESS}, and pair again."
            )
        if self.interviews.devices:
            return (
                f"No {what} was among the devices that joined "
                f"({_names(list(self.interviews.devices.values()))}): {PRESS}, and pair again."
            )
        return (
            f"No {what} joined in time: within a few metres of the dongle, {PRESS}, and pair again."
        )

    def others(self, chosen: Device) -> list[Joining]:
        """Return the devices that joined as well and have no name from us."""
        known = {chosen.ieee, *self.named}
        return [one for ieee, one in self.interviews.devices.items() if ieee not in known]

    def _problem(self, device: Device) -> str:
        name = self.named.get(device.ieee, self.name)
        if name != self.name:
            return f"is '{name}' already and stays that until it is deleted in Home Assistant"
        if not device.entities:  # ZHA had not yet forgotten it, or it is a mere repeater
            return f"gives no values: {PRESS} once more"
        found = measures(device.entities)
        if self.name == METER and not (found.power and found.energy):
            return "does not measure power and energy, so it is not the meter"
        return ""

    def _rank(self, device: Device) -> tuple[bool, bool, float]:
        """Prefer who has the name already, then who reads the meter or, under a name, does not."""
        found = measures(device.entities)
        reader = bool(found.power and key(found.power) == "instantaneous_demand")
        best = reader if self.name == METER else found.energy is not None and not reader
        return (device.ieee not in self.named, not best, self.seen[device.ieee].since)


def _names(devices: list[Joining]) -> str:
    return " and ".join(str(device) for device in devices)
