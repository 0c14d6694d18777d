"""What ZHA 2.3.1 in Home Assistant 2026.10.4 told when the two simulated devices were paired."""

from __future__ import annotations

from typing import Any

from hems.zigbee.pairing.naming import Entity, slug
from hems.zigbee.pairing.search import SETTLED_SECONDS, Device, Search

WINDOW = 60.0  # seconds that joining is open
READER = "00:15:bc:00:1b:10:01:5c"
MONITOR = "60:b6:47:ff:fe:8d:c2:0c"
MODELS = {READER: ("frient A/S", "EMIZB-141"), MONITOR: ("BITUO TECHNIK", "SPM01X")}
ENDPOINTS: dict[str, dict[str, Any]] = {
    READER: {
        "1": {"profile_id": 49353, "device_type": 1, "input_clusters": [5, 6]},
        "2": {"profile_id": 260, "device_type": 83, "input_clusters": [0, 1, 3, 32, 1794, 2817]},
    },
    MONITOR: {"1": {"profile_id": 260, "device_type": 1281, "input_clusters": [0, 3, 1794, 2820]}},
}
MEASURED = "measurement"
TOTAL = "total_increasing"
# What follows the IEEE address in the unique id, translation key, device class, state class.
REGISTERED: dict[str, list[tuple[str, str, str | None, str | None, str | None]]] = {
    READER: [
        ("button", "2-3", None, "identify", None),
        ("button", "2-current_summation", "reset_summation_delivered", None, None),
        ("number", "2-pulse_configuration", "pulse_configuration", None, None),
        ("sensor", "2-0-lqi", "lqi", None, MEASURED),
        ("sensor", "2-1", None, "battery", MEASURED),
        ("sensor", "2-1794", "instantaneous_demand", "power", MEASURED),
        ("sensor", "2-1794-summation_delivered", "summation_delivered", "energy", TOTAL),
        ("update", "2-25-firmware_update", None, "firmware", None),
    ],
    MONITOR: [
        ("button", "1-3", None, "identify", None),
        ("sensor", "1-1794-summation_received", "summation_received", "energy", TOTAL),
        ("sensor", "1-1794-summation_delivered", "summation_delivered", "energy", TOTAL),
        ("sensor", "1-2820", None, "power", MEASURED),
        ("sensor", "1-2820-apparent_power", None, "apparent_power", MEASURED),
        ("sensor", "1-2820-rms_current", None, "current", MEASURED),
        ("sensor", "1-2820-rms_voltage", None, "voltage", MEASURED),
        ("sensor", "1-2820-ac_frequency", "ac_frequency", "frequency", MEASURED),
        ("sensor", "1-2820-power_factor", None, "power_factor", MEASURED),
    ],
}
# What an owner's Home Assistant in German calls them; some can't be guessed from the English.
GERMAN = {
    "identify": "identifizieren",
    "reset_summation_delivered": "lieferung_zurucksetzen",
    "battery": "batterie",
    "instantaneous_demand": "momentaner_bedarf",
    "summation_delivered": "summe_verbraucht",
    "summation_received": "summe_erhalten",
    "power": "leistung",
    "rms_current": "stromstarke",
    "rms_voltage": "spannung",
}


def joined(ieee: str, address: int = 0x1A00) -> dict[str, Any]:
    """Return the event of a device that comes in."""
    info = {"nwk": address, "ieee": ieee, "pairing_status": "PAIRED"}
    return {"type": "device_joined", "device_info": info}


def described(ieee: str) -> dict[str, Any]:
    """Return the event of a device that has told its endpoints."""
    maker, model = MODELS[ieee]
    info = {
        "ieee": ieee,
        "pairing_status": "INTERVIEW_COMPLETE",
        "manufacturer": maker,
        "model": model,
        "signature": {"endpoints": ENDPOINTS[ieee]},
    }
    return {"type": "raw_device_initialized", "device_info": info}


def configured(ieee: str, status: str = "INITIALIZED") -> dict[str, Any]:
    """Return the event of a device that ZHA has wholly: first CONFIGURED, then INITIALIZED."""
    maker, model = MODELS[ieee]
    info = {"ieee": ieee, "pairing_status": status, "manufacturer": maker, "model": model}
    return {"type": "device_fully_initialized", "device_info": info}


def log(message: str) -> dict[str, Any]:
    """Return a line of ZHA's debug log."""
    return {"type": "log_output", "log_entry": {"name": "zha", "message": [message]}}


def bound(ieee: str, cluster: str) -> dict[str, Any]:
    """Return the log's line about a binding."""
    return log(f"[{ieee}] Bound cluster {cluster}: Status.SUCCESS")


def reporting(ieee: str) -> dict[str, Any]:
    """Return the log's line about the reports that a reader agreed to, and did not."""

    def definition(name: str) -> str:
        return (
            f"ZCLAttributeDef(id=0x0400, name='{name}', type=<class 'zigpy.types.basic.int24s'>, "
            "zcl_type=<DataTypeId.int24: 42>, access=<ZCLAttributeAccess.Read: 1>)"
        )

    asked = ["instantaneous_demand", "current_summ_delivered", "current_tier1_summ_delivered"]
    told = ["<Status.SUCCESS: 0>", "<Status.SUCCESS: 0>", "<Status.UNSUPPORTED_ATTRIBUTE: 134>"]
    answers = ", ".join(
        f"{definition(name)}: {status}" for name, status in zip(asked, told, strict=True)
    )
    wanted = ", ".join(map(definition, asked))
    what = f"[{wanted}] on cluster smartenergy_metering: {{{answers}}}"
    return log(f"[{ieee}] Configured reporting for {what}")


def entities(ieee: str, prefix: str | None = None, *, german: bool = False) -> tuple[Entity, ...]:
    """Return the registry's entities; ``prefix`` begins their ids (default: maker and model's)."""
    begin = prefix or slug(" ".join(MODELS[ieee]))
    found = []
    for domain, rest, translation_key, device_class, state_class in REGISTERED[ieee]:
        last = rest.rpartition("-")[2]
        name = translation_key or device_class or last
        if german:
            name = GERMAN.get(name, GERMAN.get(last, f"x_{name}"))
        found.append(
            Entity(
                id=f"{domain}.{begin}_{name}",
                unique_id=f"{ieee}-{rest}",
                translation_key=translation_key,
                device_class=device_class,
                state_class=state_class,
                enabled=last != "lqi",
            )
        )
    return tuple(found)


def device(ieee: str, prefix: str | None = None, *, german: bool = False) -> Device:
    """Return a device with all of its entities."""
    return Device(
        id=ieee[-5:],
        ieee=ieee,
        default_name=" ".join(MODELS[ieee]),
        user_name=None,
        area=None,
        entities=entities(ieee, prefix, german=german),
    )


class Play:
    """Feeds a search, second by second."""

    def __init__(self, name: str = "meter", named: dict[str, str] | None = None) -> None:
        self.search = Search(name, until=WINDOW, named=named or {})
        self.now = 0.0
        self.said: list[str] = []

    def hear(self, *events: dict[str, Any]) -> None:
        for event in events:
            self.said += self.search.hear(event, self.now)

    def see(self, *devices: Device) -> None:
        """Look into the registry until it has settled."""
        for _ in range(int(SETTLED_SECONDS) + 2):
            for one in devices:
                if one.ieee in self.search.look_up():
                    self.said += self.search.see(one, self.now)
            self.now += 1

    def found(self) -> str | None:
        device = self.search.fitting(self.now)
        return device.ieee if device else None


def interview(ieee: str) -> list[dict[str, Any]]:
    """Return what is told of a device that comes in and is configured."""
    return [
        joined(ieee),
        described(ieee),
        bound(ieee, "smartenergy_metering"),
        reporting(ieee),
        configured(ieee, "CONFIGURED"),
        configured(ieee),
    ]
