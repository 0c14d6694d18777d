# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What a new site's card says to Raspberry Pi OS's cloud-init (NoCloud, on the FAT partition).

See cloud-init's "NoCloud" and netplan's YAML reference. cloud-init is told no secret but that of
the WiFi: what else is secret is in a file of its own, which the first boot takes from the card.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from hems.update.first import CARD, SECRETS, UNIT

from playbooks.fleet.checkout import FleetError
from playbooks.fleet.signers import allowed_signers

FIRMWARE = "/boot/firmware"  # where Raspberry Pi OS mounts the FAT partition
DIRECTORY = f"/var/lib/{CARD}"
PROGRAM = "first-boot.pyz"
PACKAGES = ("git", "openssh-client", "python3-msgspec", "python3-venv", "ca-certificates")
LOG_IN = "pi"  # whom plays from outside log in as
GROUPS = ("adm", "dialout", "gpio", "i2c", "netdev", "plugdev", "spi", "sudo", "users", "video")
COPIED = (PROGRAM, "update.toml", "fleet-signers", "state.json")  # the secrets are taken over
MAIN = "import sys\nfrom hems.update.first import main\nsys.exit(main())\n"
EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's own: the same content gives the same file

SERVICE = f"""\
# Written by a new site's card: it makes the box an appliance, and removes itself.
[Unit]
Description=Take the site's first release
After=network-online.target time-sync.target
Wants=network-online.target
ConditionPathExists={DIRECTORY}/update.toml
StartLimitIntervalSec=0

[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive
ExecStartPre=apt-get --quiet=2 update
ExecStartPre=apt-get --quiet=2 --yes --no-install-recommends install {" ".join(PACKAGES)}
ExecStart=/usr/bin/python3 -I {DIRECTORY}/{PROGRAM} {DIRECTORY} {FIRMWARE}
TimeoutStartSec=infinity
Restart=on-failure
RestartSec=60
LimitCORE=0

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Site:
    """What the inventory says of a site that is not set up yet."""

    name: str  # its host in the inventory
    inventory: str  # the inventory's directory in the repository
    ring: str
    hostname: str
    country: str  # ISO 3166-1 alpha-2: what the WiFi may send
    url: str
    signers: tuple[Mapping[str, str], ...]
    keys: tuple[str, ...]  # who may log in
    wifi: str = ""  # SSID; empty: the cable
    passphrase: str = ""
    key: str = ""  # ssh: paths on the box, of the deploy key …
    known_hosts: str = ""  # … and of the server's own key
    vault_password: str = ""
    deploy_key: str = ""
    server_keys: str = ""
    state: str = "/var/lib/hems-update"


def check(site: Site) -> None:
    """Raise FleetError for what could not work, with cause and cure."""
    wants = {
        "self_update_url": site.url,
        "hems_fleet_signers": site.signers,
        "hems_operator_keys": site.keys,
    }
    for name, value in wants.items():
        if not value:
            raise FleetError(f"{name} is not set: a new site needs it for its first release.")
    if site.inventory.startswith(".."):
        raise FleetError("The inventory must be in this repository: it is part of a release.")
    if site.url.startswith("ssh://") and not (site.deploy_key and site.server_keys):
        raise FleetError(
            "self_update_url is an ssh address: give hems_secret_deploy_key in the Vault and "
            "hems_fleet_known_hosts, or take an https address."
        )
    if site.deploy_key and not (site.key and site.known_hosts):
        raise FleetError(
            "Say where on the box the deploy key and the server's own go: set self_update_key "
            "and self_update_known_hosts."
        )
    if site.wifi and not 1 <= len(site.wifi.encode()) <= 32:
        raise FleetError(
            f"hems_wifi_name '{site.wifi}' is longer than 32 bytes: no WiFi has such a name."
        )
    phrase = r"[ -~]{8,63}|[0-9A-Fa-f]{64}"
    if site.wifi and site.passphrase and not re.fullmatch(phrase, site.passphrase):
        raise FleetError(
            "hems_secret_wifi_passphrase must have 8 to 63 ASCII characters, or be "
            "the 64 hexadecimal digits of a key."
        )


def secret(site: Site) -> bool:
    """Whether the card has something that nobody else may read."""
    return any((site.passphrase, site.vault_password, site.deploy_key))


def user_data(site: Site) -> dict[str, Any]:
    """Return what cloud-init does at the first boot."""
    user = {
        "name": LOG_IN,
        "groups": ",".join(GROUPS),
        "shell": "/bin/bash",
        "lock_passwd": True,
        "sudo": "ALL=(ALL) NOPASSWD:ALL",  # there is no password that sudo could ask for
        "ssh_authorized_keys": list(site.keys),
    }
    return {
        "hostname": site.hostname,
        "users": [user],
        "ssh_pwauth": False,
        "write_files": [{"path": str(UNIT), "content": SERVICE, "permissions": "0644"}],
        "runcmd": [
            ["install", "-d", "-m", "0700", DIRECTORY],
            ["cp", *(f"{FIRMWARE}/{CARD}/{name}" for name in COPIED), DIRECTORY],
            ["systemctl", "enable", "--now", "ssh"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--no-block", UNIT.name],
        ],
    }


def network_config(site: Site) -> dict[str, Any]:
    """Return the network of the first boot, in netplan's terms.

    One interface is not optional: nothing can be downloaded before it is up.
    """
    network: dict[str, Any] = {
        "version": 2,
        "ethernets": {"eth0": {"dhcp4": True, "optional": bool(site.wifi)}},
    }
    if site.wifi:
        point = {"password": site.passphrase} if site.passphrase else {}
        network["wifis"] = {
            "wlan0": {
                "dhcp4": True,
                "optional": False,
                "regulatory-domain": site.country,
                "access-points": {site.wifi: point},
            }
        }
    return {"network": network}


def update_toml(site: Site) -> str:
    """Return the updater's settings for the first release, as the box's updater reads them."""
    top = {
        "site": site.name,
        "ring": site.ring,
        "inventory": site.inventory,
        "directory": site.state,
        "signers": f"{DIRECTORY}/fleet-signers",
        "ansible": f"{DIRECTORY}/ansible/bin",
        "problem": f"{DIRECTORY}/problem",
        "patience": 900,
    }
    server = {"url": site.url, "key": site.key, "known_hosts": site.known_hosts}
    lines = [f"{name} = {json.dumps(value)}" for name, value in top.items()]
    lines += ["", "[server]", *(f"{name} = {json.dumps(value)}" for name, value in server.items())]
    lines += ["", "[window]", "begin = 0", "end = 0"]
    lines += ["", "[keep]", "files = []", "links = []", 'mosquitto = "/nonexistent"']
    return "\n".join(lines) + "\n"


def program(package: Path) -> bytes:
    """Return the hems package as one file that Python runs; the same each time."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", EPOCH), MAIN)
        for path in sorted(package.rglob("*.py")):
            name = str(path.relative_to(package.parent))
            entry = zipfile.ZipInfo(name, EPOCH)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return held.getvalue()


def files(site: Site, package: Path, now: datetime) -> dict[str, bytes]:
    """Return the card's files, by their paths on the FAT partition. Raises FleetError."""
    check(site)
    instance = f"{site.hostname}-{now.astimezone(UTC):%Y%m%d%H%M%S}"  # another one is a first boot
    meta = {"dsmode": "local", "instance-id": instance, "local-hostname": site.hostname}
    secrets = {
        "vault_password": site.vault_password,
        "deploy_key": site.deploy_key,
        "known_hosts": site.server_keys,
    }
    texts = {
        "user-data": "#cloud-config\n" + _yaml(user_data(site)),
        "meta-data": _yaml(meta),
        "network-config": _yaml(network_config(site)),
        f"{CARD}/update.toml": update_toml(site),
        f"{CARD}/fleet-signers": allowed_signers(site.signers),
        f"{CARD}/state.json": json.dumps({"newest": now.timestamp()}) + "\n",
    }
    if any(secrets.values()):
        texts[f"{CARD}/{SECRETS}"] = json.dumps(secrets) + "\n"
    made = {name: text.encode() for name, text in texts.items()}
    return {**made, f"{CARD}/{PROGRAM}": program(package)}


def write(made: Mapping[str, bytes], directory: Path) -> None:
    """Write them to a mounted card, or to a directory of their own. Raises OSError."""
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True)
    for name, content in made.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
