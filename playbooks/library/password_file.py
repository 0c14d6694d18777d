#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Keep a service's file of user names and password hashes in step with secrets on the Pi."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path
from typing import Protocol

from ansible.module_utils import whole_file
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: password_file
short_description: Keep a file of user names and password hashes in step with secrets on the Pi
description:
  - Reads every password from a root-only file on the managed host: none travels through Ansible.
  - A hash that still verifies is kept, salt and all, so that a second run changes nothing.
  - Users that are not named lose their line.
options:
  path:
    description: The file to keep, for example C(/etc/mosquitto/passwd).
    type: path
    required: true
  format:
    description: >-
      V(bcrypt) is what nginx's C(auth_basic_user_file) reads, V(mosquitto) is Mosquitto's own
      salted PBKDF2-SHA512 (C($7$)).
    type: str
    choices: [bcrypt, mosquitto]
    required: true
  users:
    description: User name to the file that holds the password.
    type: dict
    required: true
  cost:
    description: >-
      Work factor of new bcrypt hashes (log2 of the rounds). nginx computes it on every request,
      hence the low value.
    type: int
    default: 5
  owner:
    description: Owner of the file.
    type: str
  group:
    description: Group of the file.
    type: str
  mode:
    description: Mode of the file.
    type: raw
"""

EXAMPLES = r"""
- name: Keep the accounts of the door
  password_file:
    path: /etc/nginx/hems.htpasswd
    format: bcrypt
    users:
      owner: /etc/hems/secrets/door_password
    owner: root
    group: www-data
    mode: '0640'
"""

RETURN = r"""
users:
  description: The user names whose line was written anew or taken out, never a password or hash.
  type: list
  elements: str
  returned: always
"""

# mosquitto_passwd's own choice in 2.0 (mosquitto/apps/mosquitto_passwd/mosquitto_passwd.c).
PBKDF2_ITERATIONS = 101
PBKDF2_SALT_BYTES = 12


class Hasher(Protocol):
    """One way to turn a password into what the file holds."""

    def verify(self, password: bytes, hashed: str) -> bool:
        """Tell whether the hash was made from the password; a hash of another form is not."""

    def hash(self, password: bytes) -> str:
        """Make a new hash with a fresh salt."""


class Bcrypt:
    """nginx hands these to libcrypt's crypt(3)."""

    def __init__(self, cost: int) -> None:
        # Debian's python3-bcrypt, on the managed host; Mosquitto's form does not need it.
        import bcrypt  # noqa: PLC0415

        self._bcrypt = bcrypt
        self._cost = cost

    def verify(self, password: bytes, hashed: str) -> bool:
        """Tell whether crypt(3) would accept the password for this hash at this cost."""
        try:
            same_cost = int(hashed.split("$")[2]) == self._cost
            return same_cost and bool(self._bcrypt.checkpw(password, hashed.encode()))
        except (ValueError, IndexError):
            return False

    def hash(self, password: bytes) -> str:
        """Make a new ``$2b$`` hash."""
        return str(self._bcrypt.hashpw(password, self._bcrypt.gensalt(self._cost)).decode())


class MosquittoPbkdf2:
    """``$7$<iterations>$<base64 salt>$<base64 hash>``, as mosquitto_passwd 2.0 writes it."""

    def verify(self, password: bytes, hashed: str) -> bool:
        """Tell whether Mosquitto would accept the password for this hash."""
        try:
            _, kind, iterations, salt, digest = hashed.split("$")
            expected = base64.b64decode(digest, validate=True)
            made = hashlib.pbkdf2_hmac("sha512", password, base64.b64decode(salt), int(iterations))
        except ValueError:
            return False
        return kind == "7" and hmac.compare_digest(made, expected)

    def hash(self, password: bytes) -> str:
        """Make a new ``$7$`` hash."""
        salt = os.urandom(PBKDF2_SALT_BYTES)
        digest = hashlib.pbkdf2_hmac("sha512", password, salt, PBKDF2_ITERATIONS)
        encoded = (base64.b64encode(part).decode() for part in (salt, digest))
        return "$".join(["", "7", str(PBKDF2_ITERATIONS), *encoded])


def updated(current: str, passwords: dict[str, bytes], hasher: Hasher) -> tuple[str, list[str]]:
    """Return the file's new text and the users whose line differs from the old one.

    ``current`` is the file's text (empty when there is none), ``passwords`` maps each user to the
    password in clear. Lines that still verify are kept to the letter.
    """
    old = dict(line.split(":", 1) for line in current.splitlines() if ":" in line)
    new = {
        user: old[user]
        if user in old and hasher.verify(password, old[user])
        else hasher.hash(password)
        for user, password in sorted(passwords.items())
    }
    differs = sorted(user for user in old.keys() | new.keys() if old.get(user) != new.get(user))
    return "".join(f"{user}:{hashed}\n" for user, hashed in new.items()), differs


def read_passwords(users: dict[str, str]) -> dict[str, bytes]:
    """Read each user's password from its file; one newline at its end does not count.

    Raises ValueError with one sentence when a file is missing or empty.
    """
    passwords = {}
    for user, path in users.items():
        try:
            secret = Path(path).read_bytes().removesuffix(b"\n")
        except OSError as error:
            raise ValueError(
                f"The password of '{user}' can't be read ({error}): "
                "run the whole playbook, role base makes it."
            ) from error
        if not secret:
            raise ValueError(
                f"The password file {path} of '{user}' is empty: "
                "remove it and run the playbook again."
            )
        passwords[user] = secret
    return passwords


def replace(path: Path, text: str) -> None:
    """Write the file in one step, so that the service never reads half of it."""
    if not path.exists():
        whole_file.write(path, text)  # 0600: hashes are for the service alone
        return
    status = path.stat()
    owner = (status.st_uid, status.st_gid)
    whole_file.write(path, text, mode=status.st_mode & 0o7777, owner=owner)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "format": {"type": "str", "choices": ["bcrypt", "mosquitto"], "required": True},
            "users": {"type": "dict", "required": True},
            "cost": {"type": "int", "default": 5},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        hasher: Hasher = (
            Bcrypt(module.params["cost"])
            if module.params["format"] == "bcrypt"
            else MosquittoPbkdf2()
        )
        current = path.read_text() if path.exists() else ""
        text, differs = updated(current, read_passwords(module.params["users"]), hasher)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except ImportError:
        module.fail_json(
            msg="python3-bcrypt is missing on this host: let role base install its packages first."
        )
    changed = text != current
    if changed and not module.check_mode:
        replace(path, text)
    if path.exists():
        attributes = module.load_file_common_arguments(module.params)
        changed = module.set_fs_attributes_if_different(attributes, changed)
    module.exit_json(changed=changed, users=differs)


if __name__ == "__main__":
    main()
