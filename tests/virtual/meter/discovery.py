"""What a meter tells Home Assistant about itself, and the form of its readings. Pure.

Format: https://www.home-assistant.io/integrations/mqtt/ ("MQTT discovery") and .../sensor.mqtt/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.virtual.meter.pulses import Reading

ONLINE = "online"
OFFLINE = "offline"


@dataclass(frozen=True)
class Message:
    """One MQTT message; all of ours are QoS 1."""

    topic: str
    payload: str
    retain: bool = False


def status_topic(account: str) -> str:
    """Where the device says whether it is there; its last will says that it isn't."""
    return f"hems/{account}/status"


def announcement(account: str) -> list[Message]:
    """Return the retained messages that make Home Assistant show the device.

    ``account`` is the device's MQTT account and the start of its entities' ids. ``force_update``
    makes a repeated value a state change, and so a point in InfluxDB; without it, a value that is
    the same again is lost. The state itself is not retained: Home Assistant would hear the last one
    again at its every start, and store it as a new reading.
    """
    device = {
        "identifiers": [f"hems_{account}"],
        "name": account.capitalize(),
        "manufacturer": "SmartCORE",
        "model": "Simulated pulse meter, 1000 imp/kWh",
    }
    kinds = {
        "power": {
            "name": "Power",
            "device_class": "power",
            "state_class": "measurement",
            "unit_of_measurement": "W",
        },
        "energy": {
            "name": "Energy",
            "device_class": "energy",
            "state_class": "total_increasing",
            "unit_of_measurement": "kWh",
        },
    }
    return [
        Message(
            f"homeassistant/sensor/{account}/{kind}/config",
            json.dumps(
                {
                    **fields,
                    "unique_id": f"hems_{account}_{kind}",
                    # Fixed, as the id would otherwise follow the owner's language.
                    "default_entity_id": f"sensor.{account}_{kind}",
                    "state_topic": f"hems/{account}/{kind}",
                    "availability_topic": status_topic(account),
                    "force_update": True,
                    "device": device,
                }
            ),
            retain=True,
        )
        for kind, fields in kinds.items()
    ]


def farewell(account: str) -> list[Message]:
    """Return the messages that take the device out of Home Assistant again."""
    topics = [message.topic for message in announcement(account)]
    return [Message(topic, "", retain=True) for topic in [*topics, status_topic(account)]]


def state(account: str, reading: Reading) -> list[Message]:
    """Return the two messages of one reading."""
    return [
        Message(f"hems/{account}/power", f"{reading.watts:.1f}"),
        Message(f"hems/{account}/energy", f"{reading.kwh:.3f}"),
    ]
