"""``[health]`` of ``watchdog.toml``: from when on something is an issue."""

from __future__ import annotations

from typing import Annotated

import msgspec

from hems.settings import Port, Table, Text

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Health(Table, frozen=True):
    """The table's keys."""

    meter: Text  # the entity that must be reported …
    meter_silence: Seconds  # … within this time
    open_ports: tuple[Port, ...]  # that the house's network may reach beside the box's own
    disk_warning: Share  # per cent
    disk_critical: Share  # per cent
    temperature: Annotated[float, msgspec.Meta(gt=0)]  # degrees Celsius
    memory: Share  # per cent that must be available
    certificate_days: Annotated[int, msgspec.Meta(ge=1)]
    hold_scale: Annotated[float, msgspec.Meta(ge=0)]  # 1; less compresses the catalogue's holds
