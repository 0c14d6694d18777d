"""A paired device in Home Assistant's Energy preferences (pure).

What we added is remembered in Home Assistant itself, in the frontend's system data under the key
``hems`` beside what the playbook remembers there, so it travels with its backups: what an owner
changed or removed stays as the owner wants it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEMORY = "hems"
GIVEN = "devices"  # in it: the energy sensors that were added once

Json = dict[str, Any]


def with_device(
    preferences: Mapping[str, Any], memory: Mapping[str, Any], entry: Json
) -> list[Json] | None:
    """Return the individual devices with ``entry`` among them, None when they are to stay."""
    devices: list[Json] = list(preferences.get("device_consumption") or ())
    statistic = entry["stat_consumption"]
    if statistic in (memory.get(GIVEN) or ()):
        return None
    if any(device.get("stat_consumption") == statistic for device in devices):
        return None
    return [*devices, entry]


def remembered(memory: Mapping[str, Any], statistic: str) -> Json | None:
    """Return the memory with this energy sensor in it, None when it was there."""
    given = list(memory.get(GIVEN) or ())
    return None if statistic in given else {**memory, GIVEN: [*given, statistic]}
