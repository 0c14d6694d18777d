# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Tell a misspelt, renamed or removed variable from one that exists."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from playbooks.preflight.variables import OPTIONAL, REQUIRED, ROLES

# How like a name must be to be proposed, from 0 (nothing in common) to 1 (the same).
SIMILAR = 0.6
# How like a name outside of the product's name space must be to be taken for a slip (hem_hostname).
SLIP = 0.93


@dataclass(frozen=True)
class Change:
    """What became of a variable."""

    since: str  # the release
    now: str = ""  # its new name; empty: it is gone
    why: str = ""  # for one that is gone


# What no site sets: a box that plays a release by itself says it (hems/update/play.py).
BY_THE_BOX = {"hems_lock_inside"}

# One row for every variable that a release renames or removes; the first are the Docker system's.
CHANGES: Mapping[str, Change] = {
    "CONFIG_USER": Change("0.1", "hems_door_username"),
    "CONFIG_PASSWORD": Change("0.1", "hems_secret_door_password"),
    "INFLUX_TOKEN": Change("0.1", why="the Pi makes its own tokens"),
    "nginx_auth_rate": Change("0.1", "nginx_pages_rate"),
    "nginx_auth_burst": Change("0.1", "nginx_pages_burst"),
    "nginx_bcrypt_cost": Change("0.1", why="the door has a log-in page"),
    "nginx_username": Change("0.1", "hems_door_username"),
    "nginx_home_rate": Change("0.1", "home_assistant_rate"),
    "nginx_home_burst": Change("0.1", "home_assistant_burst"),
    "nginx_files_rate": Change("0.1", "home_assistant_files_rate"),
    "nginx_files_burst": Change("0.1", "home_assistant_files_burst"),
    "nginx_influx_rate": Change("0.1", "influxdb_reader_rate"),
    "nginx_influx_burst": Change("0.1", "influxdb_reader_burst"),
    "nginx_writer_rate": Change("0.1", "influxdb_writer_rate"),
    "nginx_writer_burst": Change("0.1", "influxdb_writer_burst"),
    "nginx_upload_limit": Change("0.1", "home_assistant_upload_limit"),
    "nginx_proxy_timeout": Change("0.1", "home_assistant_silence"),
    "hems_watchdog_start_home_assistant": Change("0.1", "home_assistant_start_seconds"),
    **{old: Change("0.1", new) for role in ROLES for old, new in role.RENAMED.items()},
}


@dataclass(frozen=True)
class Product:
    """The repository's own variables."""

    root: Path

    @cached_property
    def role_options(self) -> Mapping[str, Mapping[str, Any]]:
        """Each role variable with its argument specification."""
        options: dict[str, Mapping[str, Any]] = {}
        for file in sorted(self.root.glob("roles/*/meta/argument_specs.yml")):
            specification = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]
            options |= specification["main"].get("options", {})
        return options

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that a site may set, or a box that plays a release."""
        shared: set[str] = set()
        for file in self.root.glob("inventory/pilot/group_vars/all/*.yml"):
            if file.name != "site.yml":  # people write in that one: its names are the checks'
                shared |= set(yaml.safe_load(file.read_text(encoding="utf-8")))
        return frozenset({*REQUIRED, *OPTIONAL, *BY_THE_BOX, *self.role_options, *shared})

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """What the product's names begin with."""
        return tuple(f"{path.name}_" for path in sorted(self.root.glob("roles/*")) if path.is_dir())

    def name_problems(self, name: str) -> Iterator[str]:
        """Yield what is wrong with a name that a site sets, as the end of a sentence."""
        if change := CHANGES.get(name):
            fate = f"was renamed to {change.now}" if change.now else f"was removed ({change.why})"
            yield f"{fate} in release {change.since}"
        elif name not in self.names:
            mine = name.startswith(self.prefixes)
            near = difflib.get_close_matches(name, self.names, 1, SIMILAR if mine else SLIP)
            if near:
                yield f"is not a variable of SmartCORE HEMS: did you mean {near[0]}?"
            elif mine:
                yield (
                    "is not a variable of SmartCORE HEMS: they are listed in "
                    "inventory/pilot/group_vars/all and roles/*/defaults/main.yml"
                )
