"""The box as a device in Home Assistant: discovery and state over MQTT. Pure.

Format: https://www.home-assistant.io/integrations/mqtt/ ("MQTT discovery"). The entities' ids are
fixed, as they would otherwise follow the owner's language.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hems.health.catalogue import SEVERITIES, Issue
from hems.message import Message

ACCOUNT = "hems"
STATE_TOPIC = f"hems/{ACCOUNT}/health"
OK = "ok"
EXPIRE_SECONDS = 180  # six rounds of the watchdog
STATE_CHARACTERS = 255  # the longest state that Home Assistant keeps
REPEAT_SECONDS = 60.0  # between two announcements, should the broker have lost the last one


def discovery(prefix: str, site: str, version: str, url: str) -> list[Message]:
    """Return the retained messages that make the box a device; ``site`` is what it is called.

    ``prefix`` is the topic that Home Assistant listens to.
    """
    device = {
        "identifiers": ["hems_box"],
        "name": site,
        "manufacturer": "SmartCORE",
        "model": "HEMS",
        "sw_version": version,
        "configuration_url": url,
    }
    entities: list[tuple[str, str, dict[str, Any]]] = [
        (
            "binary_sensor",
            "problem",
            {
                "name": "Problem",
                "device_class": "problem",
                "value_template": "{{ 'ON' if value_json.state in ('critical', 'warning') "
                "else 'OFF' }}",
            },
        ),
        (
            "sensor",
            "health",
            {
                "name": "Health",
                "device_class": "enum",
                "options": [OK, *reversed(SEVERITIES)],
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": STATE_TOPIC,
                "json_attributes_template": "{{ {'issues': value_json.issues} | tojson }}",
            },
        ),
        (
            "sensor",
            "issue",
            {"name": "Issue", "value_template": "{{ value_json.worst }}"},
        ),
    ]
    return [
        Message(
            f"{prefix}/{component}/{ACCOUNT}/{name}/config",
            json.dumps(
                {
                    **fields,
                    "unique_id": f"hems_box_{name}",
                    "default_entity_id": f"{component}.hems_{name}",
                    "entity_category": "diagnostic",
                    "state_topic": STATE_TOPIC,
                    "expire_after": EXPIRE_SECONDS,
                    "device": device,
                }
            ),
            retain=True,
        )
        for component, name, fields in entities
    ]


def state(issues: Sequence[Issue]) -> Message:
    """Return the retained message of how the box is; ``issues`` with the most severe first."""
    worst = issues[0] if issues else None
    content = {
        "state": worst.kind.severity if worst else OK,
        "worst": str(worst)[:STATE_CHARACTERS] if worst else "none",
        "issues": [
            {
                "code": item.kind.code,
                "severity": item.kind.severity,
                "title": item.kind.title,
                "subject": item.subject,
                "detail": item.detail,
                "cure": item.kind.cure,
                "since": item.since,
            }
            for item in issues
        ],
    }
    return Message(STATE_TOPIC, json.dumps(content), retain=True)


@dataclass
class Outbox:
    """What the broker is told of the box at a look: how it is; now and then, that it is there.

    Home Assistant says that it hears the broker only after five seconds without any discovery, and
    the watchdog may look more often than that.
    """

    _discovery: Sequence[Message] = ()
    _state: Sequence[Message] = ()
    _announced: Sequence[Message] = field(default=(), init=False)
    _at: float = field(default=0.0, init=False)

    def put(self, discovery: Sequence[Message], state: Message) -> None:
        """Replace what there is to tell."""
        self._discovery, self._state = tuple(discovery), (state,)

    def due(self, now: float) -> tuple[Message, ...]:
        """Return what to tell at ``now`` (monotonic s)."""
        fresh = self._announced == self._discovery and now - self._at < REPEAT_SECONDS
        return (*(() if fresh else self._discovery), *self._state)

    def delivered(self, messages: Sequence[Message], now: float) -> None:
        """Note that the broker has taken what was due at ``now``."""
        if set(self._discovery) <= set(messages):
            self._announced, self._at = self._discovery, now
