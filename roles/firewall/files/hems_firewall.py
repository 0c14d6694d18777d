#!/usr/bin/python3
"""The box's firewall: only the doors that its services name are open.

``hems-firewall try`` puts the rules of the current doors in force for a while and says ``tried``,
or ``current`` when they are in force already; ``hems-firewall confirm`` keeps them. Rules that
nobody confirms are undone by the box itself, so that rules which cut the way in are gone after a
minute. ``undo`` is what does so, ``show`` prints the rules. Standard library only: the rules must
not depend on anything that an update may break.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import whole_file

SETTINGS = Path("/etc/hems/firewall.toml")
KEPT = Path("/etc/hems/firewall.nft")  # what a boot loads
APPLIANCE = Path("/etc/hems/hems.toml")  # there: services run
TRIED = Path("/run/hems-firewall/tried.nft")
TABLE = "hems_firewall"
UNDO = "hems-firewall-undo"
SIDES = ("lan", "hotspot")
PROTOCOLS = ("tcp", "udp")
HERE = "{ local, broadcast, multicast }"
# Without these an address is not found, or a path's limits are not (RFC 4890, section 4.4).
CONTROL = """\
    icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept
    icmpv6 type {
      echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem
    } accept
    icmpv6 type {
      nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect
    } ip6 hoplimit 255 accept
    ip6 saddr fe80::/10 icmpv6 type {
      mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report
    } accept
    meta l4proto igmp accept
"""


class Problem(Exception):
    """Something that a person must put right, in one sentence."""


@dataclass(frozen=True, order=True)
class Door:
    """A port that others may reach. ``rate``: new connections a minute of one address; 0: any."""

    protocol: str
    port: int
    sides: tuple[str, ...]
    rate: int = 0


def door_of(table: Mapping[str, Any]) -> Door:
    """Return one ``[[doors]]`` table as a door. Raises ValueError."""
    port, protocol = table.get("port"), table.get("protocol", "tcp")
    sides, rate = tuple(table.get("from", ["lan"])), table.get("rate", 0)
    if type(port) is not int or not 0 < port < 65536:
        raise ValueError(f"port = {port!r} is no port number")
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol = {protocol!r} is none of {', '.join(PROTOCOLS)}")
    if not sides or set(sides) - set(SIDES):
        raise ValueError(f"from = {list(sides)} must name {' or '.join(SIDES)}")
    if type(rate) is not int or rate < 0:
        raise ValueError(f"rate = {rate!r} is no number of connections a minute")
    return Door(protocol, port, sides, rate)


def doors_in(files: Iterable[Path]) -> tuple[list[Door], list[str]]:
    """Return the doors that the files name, and a sentence for each that can't be used.

    A file that is broken opens nothing, and keeps no other one closed. A port that is named twice
    is open to all who are named, at the higher rate.
    """
    found: dict[tuple[str, int], Door] = {}
    problems = []
    for path in files:
        try:
            named = [
                door_of(one) for one in tomllib.loads(path.read_text("utf-8")).get("doors", [])
            ]
        except (OSError, UnicodeDecodeError, ValueError, AttributeError, TypeError) as error:
            problems.append(f"{path} opens no door until it is put right: {error}.")
            continue
        for door in named:
            key = (door.protocol, door.port)
            before = found.get(key, door)
            sides = tuple(side for side in SIDES if side in door.sides + before.sides)
            rate = max(door.rate, before.rate) if door.rate and before.rate else 0
            found[key] = Door(*key, sides, rate)
    return sorted(found.values()), problems


def ruleset(doors: Iterable[Door], hotspot: str, radios: str, refused: Iterable[int]) -> str:
    """Return the rules as nft reads them.

    ``hotspot``: the box's address in its own hotspot, ``radios``: what the names of WiFi interfaces
    begin with, ``refused``: TCP ports that the hotspot's side is refused at once.
    """
    doors = sorted(doors)
    network = hotspot.rpartition(".")[0] + ".0/24"
    sets = "".join(_sets(door) for door in doors if door.rate)
    lan = "".join(_open(door) for door in doors if "lan" in door.sides)
    guests = "".join(_open(door) for door in doors if "hotspot" in door.sides)
    reset = "".join(f"    tcp dport {port} reject with tcp reset\n" for port in sorted(refused))
    body = f"""{sets}  chain lan {{
{lan}    udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
  }}
  chain hotspot {{
{reset}{guests}    udp dport 53 accept
    tcp dport 53 accept
    meta l4proto tcp reject with tcp reset
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    ct state invalid drop
{CONTROL}    iifname "{radios}*" udp sport 68 udp dport 67 accept
    iifname "{radios}*" ip daddr {hotspot} goto hotspot
    iifname "{radios}*" ip saddr {network} fib daddr . iif type != {HERE} drop
    goto lan
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    iifname "{radios}*" ip saddr {network} reject with icmpx admin-prohibited
  }}
"""
    mark = hashlib.sha256(body.encode()).hexdigest()[:32]
    return (
        f"# Written by hems-firewall from the doors that services name.\n"
        f"table inet {TABLE}\ndelete table inet {TABLE}\n"
        f'table inet {TABLE} {{\n  comment "{mark}"\n{body}}}\n'
    )


def _sets(door: Door) -> str:
    return "".join(
        f"  set tried_{door.protocol}_{door.port}_{version} {{\n    type ipv{version}_addr\n"
        "    flags dynamic,timeout\n    timeout 5m\n    size 4096\n  }\n"
        for version in (4, 6)
    )


def _open(door: Door) -> str:
    port = f"{door.protocol} dport {door.port}"
    limit = f"limit rate over {door.rate}/minute burst {door.rate} packets"
    bounds = [
        f"    {port} ct state new update @tried_{door.protocol}_{door.port}_{version} "
        f"{{ {family} saddr {limit} }} drop\n"
        for version, family in ((4, "ip"), (6, "ip6"))
    ]
    return "".join(bounds if door.rate else []) + f"    {port} accept\n"


def mark_of(rules: str) -> str:
    """Return the fingerprint that a rule set has in its table's comment."""
    return next((line.split('"')[1] for line in rules.splitlines() if "comment" in line), "")


def in_force() -> str:
    """Return the fingerprint of the table that is loaded; empty: there is none."""
    listed = _nft("--json", "list", "tables", "inet")
    tables = json.loads(listed.stdout or "{}").get("nftables", [])
    found = [one["table"] for one in tables if one.get("table", {}).get("name") == TABLE]
    return str(found[0].get("comment", "without")) if found else ""


def _nft(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", *arguments], capture_output=True, text=True, check=False)


def _load(path: Path, *, check: bool = False) -> None:
    done = _nft(*(["--check"] if check else []), "--file", str(path))
    if done.returncode:
        raise Problem(f"nft does not take the firewall's rules in {path}: {done.stderr.strip()}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    whole_file.write(path, text, mode=0o644)


def _systemctl(*arguments: str) -> None:
    subprocess.run(["systemctl", *arguments], capture_output=True, check=False)


def wanted() -> str:
    """Return the rules that the settings and the services' entries ask for."""
    try:
        settings = tomllib.loads(SETTINGS.read_text("utf-8"))
        entries = sorted(Path(settings["services"]).glob("[!.]*.toml"))
        doors, problems = doors_in([SETTINGS, *entries])
        rules = ruleset(doors, settings["hotspot"], settings["radios"], settings["refused"])
    except (OSError, KeyError, ValueError) as error:
        raise Problem(f"{SETTINGS} can't be used, run the playbook: {error}.") from error
    for problem in problems:
        print(problem, file=sys.stderr)
    return rules


def try_rules(seconds: int, *, early: bool = False) -> str:
    """Put the wanted rules in force, to be undone after so many seconds; return what happened.

    ``early``: the services have still to name their doors. An appliance that never had a firewall
    stays open until then, as its devices send their readings by them.
    """
    if early and not KEPT.exists() and APPLIANCE.exists():
        return "later"
    rules = wanted()
    kept = KEPT.read_text("utf-8") if KEPT.exists() else ""
    if kept == rules and in_force() == mark_of(rules):
        return "current"
    _write(TRIED, rules)
    _load(TRIED, check=True)
    _systemctl("stop", f"{UNDO}.timer", f"{UNDO}.service")
    later = ["systemd-run", "--quiet", f"--unit={UNDO}.service", f"--on-active={seconds}"]
    done = subprocess.run(
        [*later, "--timer-property=AccuracySec=1s"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Problem(
            f"The new rules were not tried, since nothing would undo them: {done.stderr.strip()}"
        )
    _load(TRIED)
    return "tried"


def confirm() -> str:
    """Keep the rules that are being tried; they are a boot's from now on."""
    _systemctl("stop", f"{UNDO}.timer", f"{UNDO}.service")
    if not TRIED.exists() or in_force() != mark_of(TRIED.read_text("utf-8")):
        raise Problem("The new rules were undone before they were confirmed.")
    _write(KEPT, TRIED.read_text("utf-8"))
    TRIED.unlink()
    return "kept"


def undo() -> str:
    """Go back to the rules of before, or to none."""
    TRIED.unlink(missing_ok=True)
    if KEPT.exists():
        _load(KEPT)
        return "The firewall's new rules were not confirmed: the old ones are in force again."
    _nft("delete", "table", "inet", TABLE)
    return "The firewall's new rules were not confirmed: there is no firewall, as before."


def main() -> int:
    """Run the command; 0, or 1 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="hems-firewall", description=__doc__)
    parser.add_argument("verb", choices=["try", "confirm", "undo", "show"])
    parser.add_argument("--seconds", type=int, default=60, help="until tried rules are undone")
    parser.add_argument("--early", action="store_true", help="services have yet to be set up")
    words = parser.parse_args()
    try:
        match words.verb:
            case "try":
                print(try_rules(words.seconds, early=words.early))
            case "confirm":
                print(confirm())
            case "undo":
                print(undo())
            case _:
                print(wanted(), end="")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
