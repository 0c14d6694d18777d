#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Trust an apt repository's key by its primary fingerprint."""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils import whole_file, whole_output
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: apt_signing_key
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Trust an apt repository's key by its primary fingerprint
description:
  - Fetches the key, and keeps it for C(Signed-By) only when its primary fingerprint is the pinned
    one. Other keys in the file are left out.
  - The fingerprint is pinned and not the file's hash, because subkeys are rotated.
  - A key that is there, right and good for another 30 days is not fetched again, so a converged box
    needs no internet.
options:
  url:
    description: Where the key is.
    type: str
    required: true
  fingerprint:
    description: Primary fingerprint, 40 hexadecimal digits.
    type: str
    required: true
  path:
    description: Where the key is kept.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Trust the repository's key by its fingerprint
  apt_signing_key:
    url: https://repos.influxdata.com/influxdata-archive.key
    fingerprint: 24C975CBA61A024EE1B631787C3D57159FC2F927
    path: /etc/apt/keyrings/influxdata.gpg
"""

RETURN = r"""
fingerprints:
  description: Primary fingerprints that were found where the key was fetched.
  type: list
  elements: str
  returned: when it was fetched
"""

LARGEST = 1 << 20  # bytes; a key with many subkeys has some 10 kB
MARGIN = 30 * 86400  # s


@dataclass(frozen=True)
class Key:
    """A primary key; its last signing one ends at ``signs_until`` (Unix s), 0.0 without one."""

    fingerprint: str
    signs_until: float


def parse_colons(listing: str) -> list[Key]:
    """Return the primary keys of ``gpg --with-colons --show-keys`` (GnuPG's doc/DETAILS)."""
    keys: list[Key] = []
    primary = False
    for line in listing.splitlines():
        field = line.split(":")
        if field[0] in ("pub", "sub"):
            primary = field[0] == "pub"
            if primary:
                keys.append(Key("", 0.0))
            # Lower case is what this very key can do; e, r, i: expired, revoked, invalid.
            if keys and "s" in field[11] and field[1] not in ("e", "r", "i"):
                ends = float(field[6]) if field[6] else float("inf")
                keys[-1] = Key(keys[-1].fingerprint, max(keys[-1].signs_until, ends))
        elif field[0] == "fpr" and primary and keys and not keys[-1].fingerprint:
            keys[-1] = Key(field[9], keys[-1].signs_until)
    return keys


def is_good(keys: list[Key], fingerprint: str, until: float) -> bool:
    """Tell whether this is the pinned key and nothing else, which signs at ``until`` (Unix s)."""
    return [key.fingerprint for key in keys] == [fingerprint] and keys[0].signs_until > until


def fetch(url: str) -> bytes:
    """Return what is at the address. Raises OSError."""
    with urllib.request.urlopen(url, timeout=30) as reply:
        return bytes(reply.read(LARGEST))


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "fingerprint": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    url, path = module.params["url"], Path(module.params["path"])
    fingerprint = module.params["fingerprint"].replace(" ", "").upper()

    with tempfile.TemporaryDirectory() as home:

        def gpg(*arguments: str, data: bytes | None = None) -> bytes:
            command = [
                "gpg",
                "--batch",
                "--no-options",
                "--no-autostart",
                "--homedir",
                home,
                *arguments,
            ]
            _, output, _ = whole_output.run_bytes(command, data)
            return bytes(output)

        def keys_in(data: bytes) -> list[Key]:
            return parse_colons(
                gpg("--with-colons", "--show-keys", data=data).decode(errors="replace")
            )

        present = keys_in(path.read_bytes()) if path.exists() else []
        if is_good(present, fingerprint, time.time() + MARGIN):
            module.exit_json(changed=False)
        try:
            fetched = fetch(url)
        except (OSError, ValueError) as problem:
            if is_good(present, fingerprint, time.time()):
                module.warn(
                    f"The key in {path} ends within 30 days, and {url} did not give a new one."
                )
                module.exit_json(changed=False)
            reason = problem.reason if isinstance(problem, urllib.error.URLError) else problem
            module.fail_json(
                msg=f"The repository's key could not be fetched from {url} ({reason}): "
                "check the Pi's Internet connection and run the playbook again."
            )
        found = [key.fingerprint for key in keys_in(fetched)]
        if fingerprint not in found:
            module.fail_json(
                msg=f"The key at {url} has the primary fingerprint "
                f"{', '.join(found) or 'of no key at all'}, not the pinned {fingerprint}: "
                "it is not trusted; ask InfluxData before you pin another one.",
                fingerprints=found,
            )
        gpg("--import", data=fetched)
        key = gpg("--export", fingerprint)
    if not module.check_mode:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        whole_file.write(path, key, mode=0o644)
    module.exit_json(changed=True, fingerprints=found)


if __name__ == "__main__":
    main()
