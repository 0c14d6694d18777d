"""Runs on the Pi, in Home Assistant's own Python: its writer's line of each state on stdin.

A line of JSON each: ``[entity, state, attributes, timestamp]``; answers a line of line protocol.
The code is Home Assistant's and its client's; only the states are ours.
"""

from __future__ import annotations

import json
import sys

from homeassistant.components.influxdb import _generate_event_to_json
from homeassistant.core import Event, State
from influxdb_client import Point

CONFIG = {
    "include": {"domains": ["sensor"], "entity_globs": [], "entities": []},
    "exclude": {"domains": [], "entity_globs": [], "entities": []},
    "tags": {},
    "tags_attributes": [],
    "measurement_attr": "unit_of_measurement",
    "ignore_attributes": [],
    "component_config": {},
    "component_config_domain": {},
    "component_config_glob": {},
}
to_json = _generate_event_to_json(CONFIG)
for text in sys.stdin:
    entity, state, attributes, timestamp = json.loads(text)
    event = Event(
        "state_changed",
        {"new_state": State(entity, state, attributes)},
        time_fired_timestamp=timestamp,
    )
    content = to_json(event)
    print(Point.from_dict(content).to_line_protocol() if content else "")
