"""What podman leaves on the host after its last container: netavark's chains, a mount.

It makes them again when it needs them. Nothing is touched while any container exists.
"""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from tests.virtual.pi.command import installed, privileged, succeeds
from tests.virtual.pi.podman import podman

NAMESPACES = Path("/run/netns")


def remove() -> None:
    """Take netavark's traces away, if no container of anybody's is left."""
    if podman("ps", "--all", "--quiet", doing="list containers").strip():
        return
    if not installed("iptables") or not installed("nft"):
        return  # then no Pi was ever made here: both are among its packages
    for program, family in (("iptables", "ip"), ("ip6tables", "ip6")):
        for table in ("filter", "nat"):
            _remove_chains(program, table)
            _remove_empty_table(family, table)
    succeeds(privileged("nft", "delete", "table", "inet", "netavark"))  # podman 5's way
    if NAMESPACES.is_dir() and not any(NAMESPACES.iterdir()):
        succeeds(privileged("umount", str(NAMESPACES)))


def _remove_chains(program: str, table: str) -> None:
    """Remove netavark's rules and chains, then the table's own chains if nothing is in them."""
    call = (program, "--wait", "--table", table)
    rules = _rules(*call)
    ours = [line for line in rules if "NETAVARK" in line]
    if not ours:
        return
    for line in ours:
        if line.startswith("-A") and not line.startswith("-A NETAVARK"):
            # its words are quoted as in a shell: --comment "netavark firewall plugin rules"
            succeeds(privileged(*call, "-D", *shlex.split(line)[1:]))
    chains = [line.split()[1] for line in ours if line.startswith("-N")]
    for chain in chains:
        succeeds(privileged(*call, "--flush", chain))
    for chain in chains:
        succeeds(privileged(*call, "--delete-chain", chain))
    if all(line.startswith("-P") and line.endswith("ACCEPT") for line in _rules(*call)):
        succeeds(privileged(*call, "--delete-chain"))  # empty base chains too


def _remove_empty_table(family: str, table: str) -> None:
    listing = subprocess.run(
        privileged("nft", "list", "table", family, table),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if listing.returncode == 0 and "chain" not in listing.stdout:
        succeeds(privileged("nft", "delete", "table", family, table))


def _rules(*call: str) -> list[str]:
    listing = subprocess.run(
        privileged(*call, "--list-rules"), capture_output=True, encoding="utf-8", check=False
    )
    return listing.stdout.splitlines()
