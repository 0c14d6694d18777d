"""The box as a device in Home Assistant: discovery and state over MQTT. Pure.

Format: https://www.home-assistant.io/integrations/mqtt/ ("MQTT discovery"). The entities' ids are
fixed, as they would otherwise follow the owner's language.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hems.health.catalogue import SEVERITIES, Issue

ACCOUNT = "hems"
STATE_TOPIC = f"hems/{ACCOUNT}/health"
OK = "ok"
EXPIRE_SECONDS = 180  # six rounds of the watchdog
STATE_CHARACTERS = 255  # the longest state that Home Assistant keeps


@dataclass(frozen=True)
class Message:
    """One MQTT message."""

    topic: str
    payload: str | bytes
    retain: bool = False


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
