"""Runs on the Pi as Home Assistant's user: gives the recorder a counter with a pause in its past.

    python3 - <database> <entity> make|forget <time (s) and state> …

A state that is no number says that the counter was not heard.
"""

from __future__ import annotations

import json
import sqlite3
import sys

DATABASE, ENTITY, WHAT, *STATES = sys.argv[1:]
ATTRIBUTES = {"unit_of_measurement": "kWh", "state_class": "total_increasing"}

with sqlite3.connect(DATABASE, timeout=30) as database:
    if WHAT == "make":
        add = database.execute
        metadata = add("INSERT INTO states_meta (entity_id) VALUES (?)", (ENTITY,)).lastrowid
        words = json.dumps({**ATTRIBUTES, "friendly_name": ENTITY})
        shared = add("INSERT INTO state_attributes (shared_attrs) VALUES (?)", (words,)).lastrowid
        for text in STATES:
            at, state = text.split("=")
            add(
                "INSERT INTO states (state, last_updated_ts, attributes_id, metadata_id) "
                "VALUES (?, ?, ?, ?)",
                (state, float(at), shared, metadata),
            )
    else:
        where = "(SELECT metadata_id FROM states_meta WHERE entity_id = ?)"
        database.execute(f"DELETE FROM states WHERE metadata_id IN {where}", (ENTITY,))
        database.execute("DELETE FROM states_meta WHERE entity_id = ?", (ENTITY,))
