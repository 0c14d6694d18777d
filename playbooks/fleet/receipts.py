# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Fetch the sites' receipts from the fleet server, and believe those that the sites signed.

A site's key is noted when its first receipt is seen (trust on first use) in a file beside the
inventory's, in the format of ssh-keygen(1), "ALLOWED SIGNERS"; from then on only that key counts.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from hems import whole_file
from hems.mqtt import Account, Broker, BrokerError, retained
from hems.receipts import key as keys
from hems.receipts.core import (
    KEY,
    NAMESPACE,
    SITE,
    TOPICS,
    Receipt,
    ReceiptError,
    parse,
    site_of,
    unseal,
)

from playbooks.fleet.checkout import FleetError

OPERATOR = "operator"  # the account that reads
WORD = f"{OPERATOR}/word"  # a topic of its own
SECONDS = 60.0
LINE = re.compile(rf'(?P<site>{SITE}) namespaces="{NAMESPACE}" (?P<key>{KEY})')


class Server(msgspec.Struct, frozen=True):
    """Where receipts are."""

    name: str
    port: int
    ca: str  # PEM; empty: the system's CAs
    password: str

    def __repr__(self) -> str:
        return f"Server({self.name}:{self.port})"


@dataclass(frozen=True)
class Collected:
    """What the server had."""

    receipts: Mapping[str, Receipt]  # of each site, verified
    refused: Mapping[str, str]  # site: what is wrong with its receipt
    met: tuple[str, ...] = ()  # sites whose key was noted now
    strange: tuple[str, ...] = ()  # sites that are not in the inventory


def fetch(server: Server) -> dict[str, bytes]:
    """Return each site's receipt as it came. Raises FleetError."""
    if not server.name:
        raise FleetError("The fleet has no server: set hems_fleet_server (docs/fleet_report.md).")
    if not server.password:
        raise FleetError(
            "hems_secret_fleet_operator_password is not set: the account that reads receipts needs "
            "it (docs/fleet_report.md)."
        )
    name = f"The fleet server {server.name}:{server.port}"
    try:
        tls = ssl.create_default_context(cadata=server.ca or None)
        broker = Broker(server.port, server.name, tls)
        account = Account(OPERATOR, server.password)
        heard = retained(broker, account, TOPICS, WORD, timeout=SECONDS)
    except ssl.SSLError as error:
        raise FleetError(
            f"{name} shows a certificate that is not its own ({error}): see hems_fleet_ca."
        ) from error
    except BrokerError as error:
        raise FleetError(f"{name} {error}: see docs/fleet_report.md.") from error
    found = {site_of(one.topic): one.payload for one in heard}
    return {site: bytes(payload) for site, payload in found.items() if site}  # type: ignore[arg-type]


def read_keys(path: Path) -> dict[str, str]:
    """Return the keys that are noted. Raises FleetError."""
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise FleetError(f"{path}, line {number} is no site's key: remove the line.")
        found[match["site"]] = match["key"]
    return found


def keys_text(known: Mapping[str, str]) -> str:
    """Return the file with the sites' keys."""
    head = (
        "# The keys that sites sign receipts with (docs/fleet_report.md); a new site's is added.\n"
    )
    lines = (f'{site} namespaces="{NAMESPACE}" {known[site]}\n' for site in sorted(known))
    return head + "".join(lines)


def believe(sites: Iterable[str], came: Mapping[str, bytes], known: dict[str, str]) -> Collected:
    """Verify what came; the keys of sites that are new are added to ``known``."""
    receipts, refused, met = {}, {}, []
    wanted = set(sites)
    for site in sorted(wanted & came.keys()):
        try:
            sealed = unseal(came[site])
            keys.verify(sealed, site, known.get(site, sealed.key))
            receipts[site] = parse(sealed, site)
        except ReceiptError as error:
            refused[site] = f"Its receipt {error}."
            continue
        if site not in known:
            known[site] = sealed.key
            met.append(site)
    return Collected(receipts, refused, tuple(met), tuple(sorted(came.keys() - wanted)))


class Fleet(msgspec.Struct, frozen=True):
    """What a playbook says of the fleet."""

    server: Server
    sites: dict[str, str]  # each site of the inventory, with its ring
    keys: str  # path of the file with the sites' keys
    silent_hours: float

    def collect(self) -> Collected:
        """Return what the server has; the keys of new sites are noted. Raises FleetError."""
        path = Path(self.keys)
        known = read_keys(path)
        found = believe(self.sites, fetch(self.server), known)
        if found.met:
            whole_file.write(path, keys_text(known), mode=0o644)
        return found
