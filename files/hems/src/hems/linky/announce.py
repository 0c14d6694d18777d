"""A Linky as a device in Home Assistant: discovery and state over MQTT. Pure.

Format: https://www.home-assistant.io/integrations/mqtt/ ("MQTT discovery"). The entities' ids are
fixed: the same in both modes of the meter, whichever reader delivers it, and in every language.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hems.linky.labels import LABELS, TOTAL, Kind, Mode
from hems.linky.meter import Value, name_of
from hems.message import Message

ACCOUNT = "linky"
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Entity:
    """What one entity is called and what it measures."""

    kind: Kind
    name: str
    diagnostic: bool = False


# What every Linky has, whatever its mode and contract.
COMMON = {
    "energy": Entity(Kind.ENERGY, "Energy"),
    "power": Entity(Kind.POWER, "Power"),
    "tariff": Entity(Kind.TEXT, "Tariff"),
}
# These are what a common one shows already.
_SHOWN = {*TOTAL[Mode.STANDARD], "LTARF", "PTEC"}
_DIAGNOSTIC = (Kind.TEXT, Kind.SUBSCRIBED_POWER, Kind.RATED_CURRENT, Kind.MINUTES)

ENTITIES: dict[str, Entity] = {
    **{
        name_of(label): Entity(about.kind, about.name, about.kind in _DIAGNOSTIC)
        for label, about in LABELS.items()
        if label not in _SHOWN
    },
    **COMMON,
}


def state_topic(meter: str) -> str:
    """Where a meter's values are, as JSON; ``meter`` is its name in the site's variables."""
    return f"hems/{ACCOUNT}/{meter}/state"


def status_topic() -> str:
    """Where the reader's daemon says whether it is there; its last will says that it isn't."""
    return f"hems/{ACCOUNT}/status"


def discovery(
    prefix: str, meter: str, title: str, names: Collection[str], expire: float
) -> list[Message]:
    """Return the retained messages that make a meter a device with the named entities.

    ``prefix`` is the topic that Home Assistant's discovery listens to.
    ``title`` is what people call it; a value that is older than ``expire`` seconds is unavailable.
    """
    device = {
        "identifiers": [f"hems_{meter}"],
        "name": title,
        "manufacturer": "Enedis",
        "model": "Linky",
    }
    return [
        Message(
            f"{prefix}/sensor/{ACCOUNT}/{meter}_{name}/config",
            json.dumps(_entity(meter, name, expire) | {"device": device}),
            retain=True,
        )
        for name in sorted(names)
        if name in ENTITIES
    ]


def _entity(meter: str, name: str, expire: float) -> dict[str, Any]:
    entity = ENTITIES[name]
    kind = entity.kind
    there = f"{{{{ '{ONLINE}' if value_json.get('{name}') is not none else '{OFFLINE}' }}}}"
    config: dict[str, Any] = {
        "name": entity.name,
        "unique_id": f"hems_{meter}_{name}",
        "default_entity_id": f"sensor.{meter}_{name}",
        "state_topic": state_topic(meter),
        "value_template": f"{{{{ value_json.get('{name}') }}}}",
        # What the meter leaves empty is unavailable, and so is everything when its reader is away.
        "availability_mode": "all",
        "availability": [
            {"topic": status_topic()},
            {"topic": state_topic(meter), "value_template": there},
        ],
        "expire_after": round(expire),
    }
    if kind.device_class:
        config["device_class"] = kind.device_class
        config["unit_of_measurement"] = kind.unit
    if kind.state_class:
        config["state_class"] = kind.state_class
        # A value that is the same again is a point in InfluxDB, too.
        config["force_update"] = True
    if entity.diagnostic:
        config["entity_category"] = "diagnostic"
    return config


def state(meter: str, values: Mapping[str, Value]) -> Message:
    """Return the message of one reading, not retained: it would be stored again at every start."""
    known = {name: value for name, value in values.items() if name in ENTITIES}
    return Message(state_topic(meter), json.dumps(known, sort_keys=True))
