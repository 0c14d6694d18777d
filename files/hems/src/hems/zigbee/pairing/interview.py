"""What ZHA tells while devices join, in plain words and for several devices at once (pure).

ZHA (homeassistant/components/zha/helpers.py) sends ``device_joined`` with the addresses,
``raw_device_initialized`` with maker, model and endpoints, ``device_fully_initialized`` with the
pairing status CONFIGURED and then INITIALIZED, and in between ``log_output``: its debug log, the
only place where binding and reporting show. The log is shown and decides nothing but one thing:
a known device that comes back under its old network address is told of nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

IEEE = r"(?P<ieee>(?:[0-9a-f]{2}:){7}[0-9a-f]{2})"
BOUND = re.compile(rf"\[{IEEE}\] Bound cluster (?P<cluster>\w+): (?P<status>.+)")
UNBOUND = re.compile(rf"\[{IEEE}\] Failed to bind cluster (?P<cluster>\w+)")
REPORTS = re.compile(
    rf"\[{IEEE}\] Configured reporting for .+ on cluster (?P<cluster>\w+): (?P<answers>.+)",
    re.DOTALL,
)
AGREED = re.compile(r"name='(\w+)'(?:(?!name=').)*?: <Status\.SUCCESS", re.DOTALL)
CAME_BACK = re.compile(rf"Device 0x[0-9a-f]{{4}} \({IEEE}\) joined the network", re.IGNORECASE)
NAMED = 4  # a device that reports more values has them counted
CLUSTERS = {  # of the Zigbee Cluster Library
    0x0000: "basic",
    0x0001: "battery",
    0x0003: "identify",
    0x0006: "on/off",
    0x0020: "poll control",
    0x0702: "metering",
    0x0B01: "meter identification",
    0x0B04: "electrical measurement",
    0x0B05: "diagnostics",
}


@dataclass
class Joining:
    """A device on its way in."""

    ieee: str
    heard: float  # when it was last told of; monotonic seconds
    model: str = ""  # with its maker's name, once it has told them
    ready: bool = False  # ZHA is through with it
    silent: bool = False  # it came back, and ZHA did not ask it anything
    again: bool = False  # it is asked again because we want it

    def __str__(self) -> str:
        return f"{self.model} ({self.ieee})" if self.model else self.ieee

    @property
    def label(self) -> str:
        """What its lines begin with."""
        return self.model or self.ieee


class Interviews:
    """The devices that have joined since the beginning, by IEEE address."""

    def __init__(self) -> None:
        self.devices: dict[str, Joining] = {}

    def hear(self, event: dict[str, Any], now: float) -> Iterator[str]:
        """Take an event, and yield what a person wants to know of it."""
        if event.get("type") == "log_output":
            for message in (event.get("log_entry") or {}).get("message") or ():
                yield from self._log(str(message), now)
            return
        info = event.get("device_info") or {}
        if not (ieee := info.get("ieee")):
            return
        match event.get("type"):
            case "device_joined":
                known = self.devices.get(ieee)
                device = Joining(ieee, now, known.model if known else "")
                self.devices[ieee] = device
                yield f"{device.label}: has joined, is asked what it is"
            case "raw_device_initialized":
                device = self._heard(ieee, info, now)
                yield f"{ieee}: is a {device.model}"
                for number, clusters in _endpoints(info.get("signature") or {}):
                    yield f"{device.label}: endpoint {number} has {clusters}"
            case "device_fully_initialized":
                device = self._heard(ieee, info, now)
                last = "CONFIGURED" if device.again else "INITIALIZED"
                if info.get("pairing_status") == last and not device.ready:
                    device.ready, device.silent = True, False
                    yield f"{device.label}: is configured"

    def under_way(self, now: float, patience: float) -> list[Joining]:
        """Return the devices whose interview goes on: told of in the last ``patience`` seconds."""
        return [
            device
            for device in self.devices.values()
            if not device.ready and now - device.heard <= patience
        ]

    def _heard(self, ieee: str, info: dict[str, Any], now: float) -> Joining:
        device = self.devices.setdefault(ieee, Joining(ieee, now))
        device.heard = now
        device.model = f"{info.get('manufacturer')} {info.get('model')}"
        return device

    def _log(self, message: str, now: float) -> Iterator[str]:
        for shape in (BOUND, UNBOUND, REPORTS, CAME_BACK):
            if match := shape.search(message):
                break
        else:
            return
        ieee = match["ieee"].lower()
        device = self.devices.get(ieee)
        if shape is CAME_BACK and (device is None or device.ready):
            self.devices[ieee] = Joining(ieee, now, device.model if device else "", silent=True)
            return
        if device is None:  # an old one's everyday talk
            return
        device.heard = now
        if shape is BOUND and "SUCCESS" in match["status"]:
            yield f"{device.label}: {_words(match['cluster'])} is bound"
        elif shape in (BOUND, UNBOUND):
            yield f"{device.label}: {_words(match['cluster'])} could not be bound"
        elif shape is REPORTS and (names := AGREED.findall(match["answers"])):
            said = ", ".join(names) if len(names) <= NAMED else f"{len(names)} values"
            yield f"{device.label}: {_words(match['cluster'])} reports {said}"


def _words(cluster: str) -> str:
    """Return zigpy's name of a cluster as people write it."""
    return {"power": "battery", "smartenergy_metering": "metering", "on_off": "on/off"}.get(
        cluster, cluster.replace("_", " ")
    )


def _endpoints(signature: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for number, endpoint in (signature.get("endpoints") or {}).items():
        given = endpoint.get("input_clusters") or ()
        yield number, ", ".join(CLUSTERS.get(one, f"0x{one:04x}") for one in given) or "no clusters"
