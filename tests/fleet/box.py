"""The box of a fleet, looked at from outside: what it runs, what it remembers, what it measures."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.virtual.pi.machine import Pi
from tests.virtual.pi.podman import podman

STATE = "/var/lib/hems-update/state.json"
PROBLEM = "/run/hems-root/update-problem"
AUTHORITY = "/usr/local/share/ca-certificates/fleet.crt"
# How a release's end is told: at once, and at each look that finds the same one again.
WELL = "; the box is as it was and well."
WAITS = "; this box waits for the next release."
# What a box is, by content: files that roles write, root's and Home Assistant's; which
# releases run, which units are up, and when services were started. Not what changes by itself.
FILES = """
cd / && find etc usr/local var/www/hems -xdev -type f ! -path 'etc/ssl/*' \
  ! -path 'etc/NetworkManager/*' -print0 | sort -z | xargs -0 sha256sum
find etc usr/local var/www/hems -xdev -type f,d ! -path 'etc/ssl/*' \
  -printf '%M %u %g %p\n' | sort
cd /var/lib/home-assistant && find . -type f -name '*.yaml' -printf '%M %u %g %p\n' \
  -exec sha256sum {} + | sort
for link in /opt/*/current; do echo "$link $(readlink "$link")"; done
"""
UNITS = """
systemctl list-units --all --plain --no-legend --state=active 'hems-*' 'home-assistant*' 'hass*' \
  'scenario*' mosquitto.service influxdb.service nginx.service | cut -d' ' -f1
"""
STARTS = """
for unit in home-assistant influxdb mosquitto nginx hems-watchdog hems-door; do
  systemctl show --property=Id,ActiveEnterTimestampMonotonic --value "$unit" | paste -sd' '
done
"""
# The unit that ends an interrupted update removes its own file, and still has things to tidy up.
OVER = """
test ! -e /etc/systemd/system/hems-update-resume.service || exit 1
for unit in hems-update hems-update-resume; do
  systemctl show -P ActiveState "$unit.service" | grep -qE 'inactive|failed' || exit 1
done
"""
READINGS = """
import json, sys, time, urllib.parse, urllib.request
since = float(sys.argv[1])
token = open("/etc/hems/secrets/influxdb_token_hems").read().strip()
question = ('SELECT value FROM "kWh" WHERE entity_id = \\'hems_energy\\' '
            f"AND time > {int(since * 1e9)}")
query = urllib.parse.urlencode({"db": "home_assistant", "epoch": "ms", "q": question})
request = urllib.request.Request(f"http://127.0.0.1:8086/query?{query}")
request.add_header("Authorization", f"Token {token}")
result = json.load(urllib.request.urlopen(request, timeout=10))["results"][0]
points = result["series"][0]["values"] if "series" in result else []
print(json.dumps([[at / 1000, value] for at, value in points]))
"""


def figure(words: str) -> None:
    """Print a measured figure for whoever reads the run."""
    print(f"\nFIGURE {words}", flush=True)


@dataclass(frozen=True)
class Condition:
    """What an update that is undone leaves as it was."""

    release: str
    files: str
    units: frozenset[str]


@dataclass
class Box:
    """One virtual Pi that takes releases."""

    pi: Pi

    def run(self, line: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell line as root, whatever comes of it."""
        return subprocess.run(
            self.pi.ssh(line), input=text, capture_output=True, text=True, timeout=1800, check=False
        )

    def check(self, line: str, text: str | None = None) -> str:
        """Run a shell line as root that must go right; return what it printed."""
        done = self.run(line, text)
        assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def outside(self) -> str:
        """Return the address by which it reaches this machine."""
        return str(ipaddress.ip_network(f"{self.pi.address()}/24", strict=False)[1])

    def trust(self, certificate: Path) -> None:
        """Have it take a server's certificate for good, as it does a public one's."""
        text = certificate.read_text(encoding="ascii")
        self.check(f"cat >{AUTHORITY} && update-ca-certificates", text)

    def update(self) -> str:
        """Let the box look as its timer does, and wait; return the journal of this run."""
        mark = self.check("date +%s.%N").strip()
        # systemd counts the starts of a few seconds, and starts it no more after five
        self.run("systemctl reset-failed hems-update.service")
        self.run("systemctl start hems-update.service")
        return self.journal(mark)

    def journal(self, since: str) -> str:
        """Return what the updater has said since then."""
        units = "-t hems -t python"
        return self.check(f"journalctl {units} --since=@{since} --output=cat --no-pager")

    @property
    def state(self) -> dict[str, Any]:
        """What it remembers."""
        found: dict[str, Any] = json.loads(self.check(f"cat {STATE}"))
        return found

    @property
    def problem(self) -> str:
        """The sentence that its watchdog is told."""
        return self.run(f"cat {PROBLEM}").stdout.strip()

    def files(self) -> str:
        """Return what an undone update must leave as it was."""
        return self.check(FILES)

    def condition(self) -> Condition:
        """Return its release, its files and the appliance's units that are up."""
        units = frozenset(self.check(UNITS).split())
        return Condition(self.state["release"], self.files(), units)

    def expect_undone(self, name: str, reason: str, before: Condition, end: str = WELL) -> None:
        """Fail unless a release was undone for that reason, and the box is as it was and well."""
        problem = self.problem
        assert problem.startswith(f"{name} was undone, as {reason}"), self.told()
        assert problem.endswith(end), problem
        assert self.condition() == before
        self.flows()

    def everything(self) -> str:
        """Return the files' content, and when services were started."""
        return self.files() + self.check(STARTS)

    def readings(self, since: float) -> list[tuple[float, float]]:
        """Return the house's energy (Unix s, kWh) since then, as InfluxDB has it."""
        told = json.loads(self.check(f"python3 - {since}", READINGS))
        return [(at, value) for at, value in told]

    def now(self) -> float:
        """Return the time on the box."""
        return float(self.check("date +%s.%N"))

    def pause(self, since: float) -> float:
        """Return the longest time without a reading since then, in s."""
        times = [since, *(at for at, _ in self.readings(since)), self.now()]
        return max(after - before for before, after in pairwise(times))

    def wait(self, what: Callable[[], bool], seconds: float) -> float:
        """Wait until something is so; return how long it took."""
        begun = time.monotonic()
        while not what():
            waited = time.monotonic() - begun
            assert waited < seconds, f"still not so after {waited:.0f} s: {self.told()}"
            time.sleep(1)
        return time.monotonic() - begun

    def flows(self, seconds: float = 180) -> float:
        """Wait for a reading that is newer than now; return how long it took."""
        since = self.now()
        return self.wait(lambda: bool(self.readings(since)), seconds)

    def settles(self, seconds: float) -> float:
        """Wait until no update is under way; return how long it took."""
        return self.wait(lambda: self.run(OVER).returncode == 0, seconds)

    def cut_power(self) -> None:
        """End everything on it at once, and boot it again."""
        podman("kill", self.pi.container, doing="cut the power")
        time.sleep(1)
        self.pi.create()

    def told(self) -> str:
        """Return what a person would look at first."""
        return self.run("hems update status; journalctl -u 'hems-update*' -n 40 --no-pager").stdout
