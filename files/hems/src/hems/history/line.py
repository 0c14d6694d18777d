"""A reading as Home Assistant's own InfluxDB integration writes it, to the byte. Pure.

Source: ``homeassistant/components/influxdb/__init__.py`` (``_generate_event_to_json``) of 2026.10
with the options that the appliance leaves at their defaults, and ``Point.to_line_protocol`` of its
client. Only fields can differ: attributes that the recorder does not keep (``attribution``,
``supported_features``, ``options`` …) can't be given back. Measurement, tags and time are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

UNWRITTEN = ("unknown", "unavailable", "")
UNIT = "unit_of_measurement"
# homeassistant.helpers.state.state_as_number
ONES = ("on", "locked", "above_horizon", "open", "home")
NOUGHTS = ("off", "unlocked", "unknown", "below_horizon", "closed", "not_home")
DIGIT_TAIL = re.compile(r"^[^\.]*\d+\.?\d+[^\.]*$")
NO_DECIMAL = re.compile(r"[^\d.]+")

WHITE = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ ", **WHITE})
KEY = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", **WHITE})
TEXT = str.maketrans({'"': r"\"", "\\": r"\\"})
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Reading:
    """A state that Home Assistant had: when (ns since 1970), what, and its attributes."""

    entity: str  # sensor.…
    at: int
    state: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def measurement(self) -> str:
        """InfluxDB's measurement: the unit, else the entity."""
        return single_line(str(self.attributes.get(UNIT) or self.entity))


def nanoseconds(timestamp: float) -> int:
    """Return the time of a point; ``timestamp`` is the recorder's, in s since 1970.

    Home Assistant makes a datetime of it first, so it is rounded to a microsecond as those are.
    """
    since = datetime.fromtimestamp(timestamp, UTC) - EPOCH
    return since // timedelta(microseconds=1) * 1000


def single_line(text: str) -> str:
    """Return a text without its line breaks, which line protocol has no escape for."""
    return " ".join(text.splitlines())


def number(state: str) -> float | None:
    """Return a state's value; None: it is a text."""
    try:
        return float(state)
    except ValueError:
        return 1.0 if state in ONES else 0.0 if state in NOUGHTS else None


def is_written(state: str) -> bool:
    """Whether Home Assistant writes a state so that it can be found again."""
    value = None if state in UNWRITTEN else number(state)
    return state not in UNWRITTEN and (value is None or math.isfinite(value))


def fields(reading: Reading) -> dict[str, float | str]:
    """Return a point's fields."""
    found: dict[str, float | str] = {}
    value = number(reading.state)
    try:
        float(reading.state)
    except ValueError:
        found["state"] = single_line(reading.state)
    if value is not None:
        found["value"] = value
    measured = bool(reading.attributes.get(UNIT))  # then the unit is the measurement's name
    for name, content in reading.attributes.items():
        if name == UNIT and measured:
            continue
        key = f"{name}_" if name in found else name
        _attribute(found, key, content)
    if "time" in found:  # InfluxDB's own
        key = "time_"
        while key in found:
            key += "_"
        found[key] = found.pop("time")
    return found


def _attribute(found: dict[str, float | str], key: str, content: Any) -> None:
    try:
        found[key] = float(content)
    except (ValueError, TypeError):
        text = single_line(str(content))
        found[f"{key}_str"] = text
        if DIGIT_TAIL.match(text):
            found[key] = float(NO_DECIMAL.sub("", text))
    kept = found.get(key)
    if isinstance(kept, float) and not math.isfinite(kept):
        del found[key]


def line(reading: Reading, tags: Mapping[str, str] | None = None) -> str:
    """Return a reading's line of line protocol; ``tags`` are added to Home Assistant's own."""
    domain, _, name = reading.entity.partition(".")
    return point(
        reading.measurement,
        {"domain": domain, "entity_id": name, **(tags or {})},
        fields(reading),
        reading.at,
    )


def point(
    measurement: str, tags: Mapping[str, str], content: Mapping[str, float | str], at: int
) -> str:
    """Return a line of line protocol; ``at`` in ns since 1970."""
    series = "".join(f",{_key(key)}={_key(tags[key])}" for key in sorted(tags))
    values = ",".join(
        f"{_key(key)}={shown}" for key, value in sorted(content.items()) if (shown := _field(value))
    )
    return f"{measurement.translate(MEASUREMENT)}{series} {values} {at}"


def _key(text: str) -> str:
    return text.translate(KEY)


def _field(value: float | str) -> str:
    if isinstance(value, str):
        return f'"{value.translate(TEXT)}"'
    return str(value).removesuffix(".0") if math.isfinite(value) else ""
