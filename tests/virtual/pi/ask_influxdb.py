"""Runs on the Pi, from stdin: prints the newest power reading in InfluxDB as JSON, null if none.

usage: python3 - PORT TOKEN_FILE ENTITY (without `sensor.`)
"""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path


def main(port: str, token_file: str, entity: str) -> None:
    """Ask /health and InfluxQL's /query on loopback."""
    base = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{base}/health", timeout=10) as answer:
        health = json.load(answer)
    query = f'SELECT last("value") FROM "W" WHERE "entity_id" = \'{entity}\''
    parameters = urllib.parse.urlencode({"db": "home_assistant", "q": query})
    token = Path(token_file).read_text(encoding="ascii").strip()
    request = urllib.request.Request(f"{base}/query?{parameters}")
    request.add_header("Authorization", f"Token {token}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        series = json.load(answer)["results"][0].get("series")
    reading = None
    if series:
        written, watts = series[0]["values"][0]
        moment = datetime.fromisoformat(written)
        reading = {
            "watts": watts,
            "time": moment.astimezone(UTC).strftime("%H:%M:%S UTC"),
            "age": time.time() - moment.timestamp(),
            "server": f"{health['name']} {health['version']}",
        }
    print(json.dumps(reading))


main(*sys.argv[1:])
