"""A site as it is remembered: what has to be the same on the Pi that takes its place."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.virtual.pi import reading
from tests.virtual.pi.machine import Pi

# By content: who the box is and who may come in. What the box reads its backups with comes from the
# Vault, and a certificate is the box's address's.
IDENTITY = """
cd /etc/hems && sha256sum tls/ca.* $(find secrets -type f ! -name 'backup_*' | sort)
sha256sum /etc/NetworkManager/system-connections/theirs.nmconnection
hems passwords
"""
# Count and sums of every field of every series: readings before a time (ns), and the hours and days
# that were over then.
POINTS = """
import json, sys, urllib.parse, urllib.request
token = open("/etc/hems/secrets/influxdb_operator_token").read().strip()
until, found = int(sys.argv[1]), {}
steps = {"home_assistant": 1, "home_assistant_1h": 3600 * 10**9, "home_assistant_1d": 86400 * 10**9}
for bucket, step in steps.items():
    end = until // step * step
    question = f"SELECT count(*), sum(*) FROM /.+/ WHERE time < {end} GROUP BY *"
    query = urllib.parse.urlencode({"db": bucket, "q": question})
    request = urllib.request.Request("http://127.0.0.1:8086/query?" + query)
    request.add_header("Authorization", "Token " + token)
    answer = json.load(urllib.request.urlopen(request, timeout=60))["results"][0]
    assert "error" not in answer and not answer.get("partial"), answer
    for one in answer.get("series", []):
        name = " ".join([bucket, one["name"], *(f"{k}={v}" for k, v in one["tags"].items())])
        found[name] = dict(zip(one["columns"][1:], one["values"][0][1:]))
print(json.dumps(found))
"""
USERS = """
import json
data = json.load(open("/var/lib/home-assistant/.storage/auth"))["data"]
print(json.dumps(sorted([one["id"], one["name"]] for one in data["users"])))
"""
ENTITIES = """
import json
data = json.load(open("/var/lib/home-assistant/.storage/core.entity_registry"))["data"]
print(json.dumps(sorted([one["entity_id"], one["unique_id"]] for one in data["entities"])))
"""


def run(pi: Pi, line: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a shell line as root, whatever comes of it."""
    return subprocess.run(pi.ssh(line), input=text, capture_output=True, text=True, check=False)


def check(pi: Pi, line: str, text: str | None = None) -> str:
    """Run a shell line as root that must go right; return what it printed."""
    done = run(pi, line, text)
    assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def python(pi: Pi, script: str, *arguments: str) -> Any:
    """Run a script on the Pi; return what it prints, read as JSON."""
    return json.loads(check(pi, f"python3 - {' '.join(arguments)}", script))


def points(pi: Pi, until: int) -> dict[str, dict[str, float]]:
    """Return counts and sums of all that InfluxDB has before a time (ns), by series."""
    found: dict[str, dict[str, float]] = python(pi, POINTS, str(until))
    return found


def remembered(pi: Pi) -> dict[str, Any]:
    """Return who it is, who may come in, and what it measures."""
    there = reading.entities(pi)
    registered = python(pi, ENTITIES)
    return {
        "identity": check(pi, IDENTITY),
        "users": python(pi, USERS),
        "registered": registered,
        "entities": [one for one, _ in registered if one in there],
    }


def network(pi: Pi) -> str:
    """Return what the dongle's network is."""
    return check(pi, "hems zigbee info | grep -E '^(Address|Network|Channel)'")


def ledger(pi: Pi) -> set[str]:
    """Return the gaps that it knows, a line of CSV each."""
    return set(check(pi, "hems history gaps --csv --days 30").splitlines())


def save(pi: Pi, directory: str, to: Path) -> None:
    """Copy a directory of the Pi's into an archive here."""
    with to.open("wb") as stream:
        line = f"tar --sort=name -C {directory} -c ."
        subprocess.run(pi.ssh(line), stdout=stream, stderr=subprocess.DEVNULL, check=True)


def put(pi: Pi, directory: str, archive: Path) -> None:
    """Unpack an archive from here into a directory of the Pi's."""
    with archive.open("rb") as stream:
        line = f"mkdir -p {directory} && tar -C {directory} -x"
        subprocess.run(pi.ssh(line), stdin=stream, check=True)
