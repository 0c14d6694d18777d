"""One MQTT message, as those say it who do not send it themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One MQTT message."""

    topic: str
    payload: str | bytes
    retain: bool = False
