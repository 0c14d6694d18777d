"""Runs on the Pi, from stdin: prints what Home Assistant and InfluxDB know of the house, as JSON.

usage: python3 - HOME_ASSISTANT_PORT INFLUXDB_PORT SECRETS_DIRECTORY POWER_ENTITY

{"entities": [ids, or null while Home Assistant is starting],
 "reading": null, or the entity's present state as InfluxDB holds it}
"""

from __future__ import annotations

import json
import sys
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def get(url: str, authorization: str = "") -> Any:
    """Return the answer to a GET. Raises OSError."""
    request = urllib.request.Request(url)
    if authorization:
        request.add_header("Authorization", authorization)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def states(base: str, secrets: Path) -> list[dict[str, Any]] | None:
    """Return every state of Home Assistant; None while it starts."""
    token = (secrets / "home_assistant_token").read_text(encoding="ascii").strip()
    if get(f"{base}/api/config", f"Bearer {token}")["state"] != "RUNNING":
        return None
    found: list[dict[str, Any]] = get(f"{base}/api/states", f"Bearer {token}")
    return found


def reading(base: str, secrets: Path, state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the state as InfluxDB holds it; None while its last point says something else.

    A load that doesn't change makes no new points, not even over a restart: a point's age says
    nothing.
    """
    entity = state["entity_id"].removeprefix("sensor.")
    query = f'SELECT last("value") FROM "W" WHERE "entity_id" = \'{entity}\''
    parameters = urllib.parse.urlencode({"db": "home_assistant", "q": query})
    token = (secrets / "influxdb_token_hems").read_text(encoding="ascii").strip()
    answer = get(f"{base}/query?{parameters}", f"Token {token}")
    series = answer["results"][0].get("series")
    if not series:
        return None
    written, watts = series[0]["values"][0]
    if watts != float(state["state"]):
        return None
    moment = datetime.fromisoformat(written)
    health = get(f"{base}/health")
    return {
        "watts": watts,
        "time": moment.astimezone(UTC).strftime("%H:%M:%S UTC"),
        "server": f"{health['name']} {health['version']}",
        "commit": str(health.get("commit", "")),
    }


def main(home_assistant_port: str, influxdb_port: str, secrets: str, power: str) -> None:
    """Ask both on loopback; what does not answer yet is asked again by the caller."""
    told: dict[str, Any] = {"entities": None, "reading": None}
    try:
        found = states(f"http://127.0.0.1:{home_assistant_port}", Path(secrets))
        if found is not None:
            told["entities"] = [state["entity_id"] for state in found]
            for state in found:
                if state["entity_id"] == power and state["state"] not in {"unknown", "unavailable"}:
                    base = f"http://127.0.0.1:{influxdb_port}"
                    told["reading"] = reading(base, Path(secrets), state)
    except OSError:
        pass
    print(json.dumps(told))


main(*sys.argv[1:])
