# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Make a secret that a person can read out and type: the playbook's modules use this one too."""

from __future__ import annotations

import secrets
import string

# Readable over the telephone: no 0/O, 1/l/I; what is left satisfies InfluxDB's strong-password rule
# (three of upper, lower, digit, symbol) once one of each is present.
UPPER = "".join(sorted(set(string.ascii_uppercase) - set("IO")))
LOWER = "".join(sorted(set(string.ascii_lowercase) - set("l")))
DIGITS = "23456789"
LENGTH = 24  # characters, unless a secret is to be typed on a phone


def make(length: int = LENGTH) -> str:
    """Make a secret of so many characters that holds at least one of each class."""
    while True:
        secret = "".join(secrets.choice(UPPER + LOWER + DIGITS) for _ in range(length))
        if all(set(secret) & set(group) for group in (UPPER, LOWER, DIGITS)):
            return secret
