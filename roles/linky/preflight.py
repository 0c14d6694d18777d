# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The variables that describe a site's Linky meters, each with its check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playbooks.preflight import values
from playbooks.preflight.values import Check

NUMBER = re.compile(r"[0-9]{12}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32}")
KEYS = {"number", "name", "title"}


def d2l_dongles(value: Any) -> str | None:
    """Take a list of D2L dongles, each with its number and a name of its own."""
    if not isinstance(value, list):
        return "must be a list of dongles, each {number: '012345678901', name: linky}"
    for one in value:
        if not isinstance(one, dict) or not {"number", "name"} <= one.keys() <= KEYS:
            return "must list dongles, each with a number, a name and, if you like, a title"
        if not isinstance(one["number"], str) or not NUMBER.fullmatch(one["number"]):
            return "must give numbers of 12 digits in quotes, such as '012345678901'"
        if not isinstance(one["name"], str) or not NAME.fullmatch(one["name"]):
            return (
                "must give names of at most 32 characters (a-z, 0-9 and _) that start with a letter"
            )
        if "title" in one and (problem := values.not_text(one["title"])):
            return f"contains a title that {problem}"
    for what in ("number", "name"):
        if len({one[what] for one in value}) < len(value):
            return f"must not have the same {what} twice"
    return None


def d2l_keys(value: Any) -> str | None:
    """Take D2L dongles' numbers with key and initialisation vector (IV) each."""
    if not isinstance(value, dict):
        return "must map dongles' numbers to {key: …, iv: …}"
    for number, secrets in value.items():
        if not isinstance(number, str) or not NUMBER.fullmatch(number):
            return "must name dongles by their 12 digits in quotes, such as '012345678901'"
        words = secrets if isinstance(secrets, dict) else {}
        if words.keys() != {"key", "iv"} or not all(
            isinstance(word, str) and HEXADECIMAL.fullmatch(word) for word in words.values()
        ):
            return f"['{number}'] must be a key and an iv of 32 hexadecimal digits each, in quotes"
    return None


REQUIRED: Mapping[str, Check] = {
    "hems_d2l_dongles": d2l_dongles,
    "hems_tic_device": values.matches(
        r"|/dev/[A-Za-z0-9/_.+-]+",
        "empty, or a path such as /dev/serial/by-id/usb-… without spaces",
    ),
    "hems_tic_name": values.matches(
        r"[a-z][a-z0-9_]{0,31}", "a name of at most 32 characters (a-z, 0-9 and _), such as linky"
    ),
}
OPTIONAL: Mapping[str, Check] = {"hems_secret_d2l_keys": d2l_keys}
RENAMED = {"nginx_d2l_connections": "linky_connections"}  # since release 0.1


def problems(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit together; ``variables`` are those that are right by themselves."""
    if not variables.keys() >= {"hems_d2l_enabled", *REQUIRED}:
        return
    dongles = variables["hems_d2l_dongles"]
    if variables["hems_d2l_enabled"] and not dongles:
        yield (
            "hems_d2l_enabled is true, but hems_d2l_dongles lists no dongle: add one, or switch "
            "it off."
        )
    if variables["hems_tic_device"] and variables["hems_tic_name"] in {o["name"] for o in dongles}:
        yield "hems_tic_name is also a dongle's name: give each meter a name of its own."
    keys = variables.get("hems_secret_d2l_keys", {})
    if keys is None:
        return  # told already
    numbers = {one["number"] for one in dongles}
    for number in (one["number"] for one in dongles if one["number"] not in keys):
        yield (
            f"hems_secret_d2l_keys has no key for the dongle {number}: add its key and iv to the "
            "site's vault.yml."
        )
    for number in keys.keys() - numbers:
        yield (
            f"hems_secret_d2l_keys names {number}, which is not in hems_d2l_dongles: add it there, "
            "or remove it here."
        )
