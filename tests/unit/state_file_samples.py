"""A good file of every row of the table of state files."""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing

from hems.state_files import forms, mosquitto_db

GARBAGE = bytes((index * 89 + 7) % 251 for index in range(5000))


def database(rows: int = 500) -> bytes:
    """A small SQLite database of many pages, as its file holds it."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE devices (ieee TEXT PRIMARY KEY, name TEXT)")
        made.executemany(
            "INSERT INTO devices VALUES (?, ?)", ((str(row), "x" * 60) for row in range(rows))
        )
        made.commit()
        return made.serialize()


def broker_database(topics: int = 20) -> bytes:
    """A mosquitto.db with so many retained messages."""
    content = mosquitto_db.HEADER.pack(mosquitto_db.MAGIC, 0, 6)
    chunks = [(1, struct.pack(">QBB6x", 99, 1, 8))]
    for number in range(topics):
        topic, payload, client, user = f"hems/bench/{number}".encode(), b"{}" * 40, b"c", b"bench"
        fixed = struct.pack(
            ">QqI5HBB", number, 0, len(payload), 1, len(client), len(user), len(topic), 8883, 1, 1
        )
        chunks += [(2, fixed + client + user + topic + payload), (4, struct.pack(">Q", number))]
    return content + b"".join(struct.pack(">II", kind, len(body)) + body for kind, body in chunks)


def bolt_database(pages: int = 8) -> bytes:
    """A bbolt file whose second meta page is the newer one."""

    def meta(transaction: int) -> bytes:
        packed = struct.pack("<4I2Q3Q", 0xED0CDAED, 2, 4096, 0, 4, 0, 2, pages, transaction)
        page = struct.pack("<QHHI", transaction % 2, 4, 0, 0) + packed
        return (page + struct.pack("<Q", forms.fnv1a(packed))).ljust(4096, b"\0")

    return (meta(6) + meta(7)).ljust(4096 * pages, b"\1")


def tsm_file() -> bytes:
    """A TSM file: header, something like blocks and an index, footer."""
    return forms.TSM_HEADER + b"\1" * 4000 + b"\2" * 300 + struct.pack(">Q", 4005)


GOOD: dict[str, bytes] = {
    "mosquitto.db": broker_database(),
    ".storage/auth": json.dumps({"version": 1, "key": "auth", "data": {"users": []}}).encode(),
    "zigbee.db": database(),
    "home-assistant_v2.db": database(),
    ".HA_VERSION": b"2026.10.4",
    "secrets.yaml": "name: Küche\nother: value\n".encode() * 9,
    "packages/site.yaml": b"{}\n" * 9,
    "packages/hems/hems.yaml": b"template: []\n" * 9,
    "automations/light.yaml": b"[]\n" * 9,
    "template_sensors/power.yaml": b"[]\n" * 9,
    "influxd.bolt": bolt_database(),
    "influxd.sqlite": database(),
    "engine/data/0001/autogen/3/000000001-000000002.tsm": tsm_file(),
    "engine/data/0001/autogen/3/fields.idx": forms.FIELDS_MAGIC + b"\x0a\x04name" * 30,
    "ledger.db": database(),
    "watchdog.json": b'{"step": 3}',
    "restart-log.txt": b"2026 | restart | a | b | c\n" * 9,
    "restart-log.txt.1": b"2026 | restart | a | b | c\n" * 9,
    "version.txt": b"2026 | Home Assistant runs\n" * 9,
}
