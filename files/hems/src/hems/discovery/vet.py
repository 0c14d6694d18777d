"""What of a device's discovery message Home Assistant may hear. Pure.

Format: https://www.home-assistant.io/integrations/mqtt/ ("MQTT discovery"), with its abbreviations.
A device's account may announce sensors of its own, below its own topics, and nothing that Home
Assistant would have to compute, to look up elsewhere, or to lay over another's entity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from hems.discovery import values
from hems.discovery.values import RESERVED, Check, RefusedError

PAYLOAD_BYTES = 8192  # a generous message has 1500
TOPIC_CHARACTERS = 200
IDENTIFIERS = 4
BOX = "hems_box"  # the box's own device

Table = Mapping[str, Check]

ABBREVIATIONS = {
    "avty": "availability",
    "avty_mode": "availability_mode",
    "avty_t": "availability_topic",
    "avty_tpl": "availability_template",
    "def_ent_id": "default_entity_id",
    "dev": "device",
    "dev_cla": "device_class",
    "en": "enabled_by_default",
    "ent_cat": "entity_category",
    "exp_aft": "expire_after",
    "frc_upd": "force_update",
    "ic": "icon",
    "o": "origin",
    "off_dly": "off_delay",
    "ops": "options",
    "pl_avail": "payload_available",
    "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off",
    "pl_on": "payload_on",
    "stat_cla": "state_class",
    "stat_t": "state_topic",
    "sug_dsp_prc": "suggested_display_precision",
    "t": "topic",
    "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement",
    "val_tpl": "value_template",
}
DEVICE_ABBREVIATIONS = {
    "hw": "hw_version",
    "ids": "identifiers",
    "mdl": "model",
    "mdl_id": "model_id",
    "mf": "manufacturer",
    "sn": "serial_number",
    "sw": "sw_version",
}


def vet(component: str, account: str, payload: bytes, accounts: Collection[str]) -> bytes:
    """Return the discovery message that Home Assistant hears for one of a device's.

    ``account`` published ``payload`` (JSON) for an entity of ``component``; ``accounts`` are those
    of all devices. Keys that a meter does not need are left out. Raises RefusedError.
    """
    if component not in COMPONENTS:
        raise RefusedError(f"'{component}' is not among {', '.join(sorted(COMPONENTS))}")
    if len(payload) > PAYLOAD_BYTES:
        raise RefusedError(f"it has more than {PAYLOAD_BYTES} bytes")
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        raise RefusedError("it is no JSON") from None
    own = _Own(account, accounts)
    content = _kept(_long(_object(said), ABBREVIATIONS), own.table(component))
    for key in ("unique_id", "state_topic", "device"):
        if key not in content:
            raise RefusedError(f"it has no {key}")
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode()


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RefusedError("it is no JSON object")
    return value


def _long(said: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the message with whole names, and the base topic in place of ``~``."""
    base = said.get("~", "")
    content = {names.get(key, key): value for key, value in said.items() if key != "~"}
    for key, value in content.items():
        if key.endswith("topic") and isinstance(value, str) and isinstance(base, str):
            content[key] = re.sub(r"^~|~$", lambda _: base, value)
    if isinstance(places := content.get("availability"), list) and "~" in said:
        content["availability"] = [
            {**place, "~": base} if isinstance(place, dict) else place for place in places
        ]
    return content


def _kept(said: dict[str, Any], table: Table) -> dict[str, Any]:
    content = {}
    for key, check in table.items():
        if key not in said or (said[key] is None and check is not values.name):
            continue
        try:
            content[key] = check(said[key])
        except RefusedError as error:
            raise RefusedError(f"its {key}: {error}") from None
    return content


class _Own:
    """What an account's own topics and identifiers look like."""

    def __init__(self, account: str, accounts: Collection[str]) -> None:
        self._account = account
        self._own = dict.fromkeys((account, f"{RESERVED}_{account}"), account)
        self._others = dict.fromkeys(
            name for one in accounts if one != account for name in (one, f"{RESERVED}_{one}")
        )

    def table(self, component: str) -> Table:
        """Return the keys that a message may have, each with what checks its value."""
        return {
            "name": values.name,
            "unique_id": self.identifier,
            "default_entity_id": values.entity(component),
            "state_topic": self.topic,
            "value_template": values.template,
            "availability": self._availability,
            "availability_mode": values.one_of("all", "any", "latest"),
            "availability_template": values.template,
            "availability_topic": self.topic,
            "payload_available": values.text,
            "payload_not_available": values.text,
            "device_class": values.word,
            "entity_category": values.one_of("config", "diagnostic"),
            "enabled_by_default": values.switch,
            "expire_after": values.number(0, 30 * 86400),
            "force_update": values.switch,
            "icon": values.icon,
            "qos": values.number(0, 2),
            "origin": _origin,
            "device": self._device,
            **COMPONENTS[component],
        }

    def topic(self, value: Any) -> str:
        """Accept a topic of the account's own."""
        text = values.text(value, TOPIC_CHARACTERS)
        if not text.startswith(f"hems/{self._account}/") or set("+#") & set(text):
            raise RefusedError(f"a topic of this account begins with hems/{self._account}/")
        return text

    def identifier(self, value: Any) -> str:
        """Make an identifier the account's own: two devices never mean one entity or device.

        One that begins with the account's name, or with hems_ and it, stays as it is, unless a
        longer name that is another's begins it too.
        """
        text = values.text(str(value) if isinstance(value, int) else value)
        owners = {**self._others, RESERVED: None, BOX: None}
        begin_it = {
            name: owner
            for name, owner in {**self._own, **owners}.items()
            if re.match(rf"{re.escape(name)}(?![A-Za-z0-9])", text)
        }
        longest = max(begin_it, key=len, default="")
        return text if begin_it.get(longest) else f"{self._account}:{text}"

    def _identifiers(self, value: Any) -> list[str]:
        found = value if isinstance(value, list) else [value]
        if not 0 < len(found) <= IDENTIFIERS:
            raise RefusedError(f"a device has 1 to {IDENTIFIERS}")
        return [self.identifier(one) for one in found]

    def _device(self, value: Any) -> dict[str, Any]:
        names = ("name", "manufacturer", "model", "model_id", "hw_version", "sw_version")
        texts: dict[str, Check] = dict.fromkeys((*names, "serial_number"), values.version)
        table = {"identifiers": self._identifiers, **texts}
        content = _kept(_long(_object(value), DEVICE_ABBREVIATIONS), table)
        if "identifiers" not in content:
            raise RefusedError("it has no identifiers")
        return content

    def _availability(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 0 < len(value) <= IDENTIFIERS:
            raise RefusedError(f"it is no list of 1 to {IDENTIFIERS}")
        table = {
            "topic": self.topic,
            "payload_available": values.text,
            "payload_not_available": values.text,
            "value_template": values.template,
        }
        return [_kept(_long(_object(one), ABBREVIATIONS), table) for one in value]


def _origin(value: Any) -> dict[str, Any]:
    names = {"sw": "sw_version"}
    return _kept(_long(_object(value), names), {"name": values.text, "sw_version": values.version})


COMPONENTS: Mapping[str, Table] = {
    "sensor": {
        "unit_of_measurement": values.text,
        "state_class": values.one_of("measurement", "total", "total_increasing"),
        "suggested_display_precision": values.number(0, 9),
        "options": values.options,
    },
    "binary_sensor": {
        "payload_on": values.text,
        "payload_off": values.text,
        "off_delay": values.number(0, 86400),
    },
}
