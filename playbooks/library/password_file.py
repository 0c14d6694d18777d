#!/usr/bin/python
# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Keep Mosquitto's file of user names and password hashes in step with secrets on the Pi."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from ansible.module_utils import whole_file
from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: password_file
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Keep Mosquitto's password file in step with secrets on the Pi
description:
  - Reads every password from a root-only file on the managed host: none travels through Ansible.
  - A hash that still verifies is kept, salt and all, so that a second run changes nothing.
  - Users that are not named lose their line.
  - The hashes are Mosquitto's own, salted PBKDF2-SHA512 (C($7$)).
options:
  path:
    description: The file to keep, for example C(/etc/mosquitto/passwd).
    type: path
    required: true
  users:
    description: User name to the file that holds the password.
    type: dict
    required: true
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
- name: Keep the accounts of the broker
  password_file:
    path: /etc/mosquitto/passwd
    users:
      hems: /etc/hems/secrets/mqtt_hems
    owner: mosquitto
    group: mosquitto
    mode: '0600'
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


def verify(password: bytes, hashed: str) -> bool:
    """Tell whether Mosquitto would accept the password for ``$7$<iterations>$<salt>$<hash>``.

    Salt and hash are base64; a hash of another form is none.
    """
    try:
        _, kind, iterations, salt, digest = hashed.split("$")
        expected = base64.b64decode(digest, validate=True)
        made = hashlib.pbkdf2_hmac("sha512", password, base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return kind == "7" and hmac.compare_digest(made, expected)


def make(password: bytes) -> str:
    """Make a new hash with a fresh salt, as mosquitto_passwd 2.0 writes it."""
    salt = os.urandom(PBKDF2_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password, salt, PBKDF2_ITERATIONS)
    encoded = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(["", "7", str(PBKDF2_ITERATIONS), *encoded])


def updated(current: str, passwords: dict[str, bytes]) -> tuple[str, list[str]]:
    """Return the file's new text and the users whose line differs from the old one.

    ``current`` is the file's text (empty when there is none), ``passwords`` maps each user to the
    password in clear. Lines that still verify are kept to the letter.
    """
    old = dict(line.split(":", 1) for line in current.splitlines() if ":" in line)
    new = {
        user: old[user] if user in old and verify(password, old[user]) else make(password)
        for user, password in sorted(passwords.items())
    }
    differs = sorted(user for user in old.keys() | new.keys() if old.get(user) != new.get(user))
    return "".join(f"{user}:{hashed}\n" for user, hashed in new.items()), differs


def accounts(text: str, differs: list[str], word: str) -> str:
    """Return the accounts of a password file for a diff, a line each, without hashes.

    ``word`` follows those in ``differs``, so that a changed password is seen without being shown.
    """
    users = [line.split(":", 1)[0] for line in text.splitlines() if ":" in line]
    return "".join(
        f"user {user}, {word}\n" if user in differs else f"user {user}\n" for user in users
    )


def read_passwords(users: dict[str, str], *, check_mode: bool = False) -> dict[str, bytes]:
    """Read each user's password from its file; one newline at its end does not count.

    In check mode a missing one is what a run would have made before, and stands as random bytes.
    Raises ValueError with one sentence when a file is missing or empty.
    """
    passwords = {}
    for user, path in users.items():
        try:
            secret = Path(path).read_bytes().removesuffix(b"\n")
        except OSError as error:
            if check_mode and isinstance(error, FileNotFoundError):
                passwords[user] = os.urandom(16).hex().encode()
                continue
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
            "users": {"type": "dict", "required": True},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        # What a power cut left may be no text: no line of it is kept then.
        current = path.read_text(errors="replace") if path.exists() else ""
        passwords = read_passwords(module.params["users"], check_mode=module.check_mode)
        text, differs = updated(current, passwords)
    except ValueError as error:
        module.fail_json(msg=str(error))
    changed = text != current
    diff = {
        "before_header": str(path),
        "after_header": str(path),
        "before": accounts(current, differs, "an old password"),
        "after": accounts(text, differs, "a new password"),
    }
    if changed and not module.check_mode:
        replace(path, text)
    if path.exists():
        attributes = module.load_file_common_arguments(module.params)
        changed = module.set_fs_attributes_if_different(attributes, changed)
    module.exit_json(changed=changed, users=differs, diff=diff)


if __name__ == "__main__":
    main()
