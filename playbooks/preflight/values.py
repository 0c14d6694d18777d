# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Judge one value: each function returns None, or what is wrong as the end of a sentence.

The sentence begins with the variable's name and never repeats a value, which may be a secret.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from playbooks.preflight.codes import CURRENCIES, LANGUAGES, countries

ROOT = Path(__file__).resolve().parents[2]
FEATURES: Mapping[str, Any] = yaml.safe_load(
    (ROOT / "inventory/pilot/group_vars/all/features.yml").read_text(encoding="utf-8")
)

Check = Callable[[Any], str | None]

# What else people write for a country.
COUNTRY_HABITS = {"UK": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "EL": "GR"}

# influxdata/influxdb tenant/service_onboarding and kit/platform/errors: strong-passwords.
INFLUXDB_GROUPS = ("[A-Z]", "[a-z]", "[0-9]", r"[!@#$%^&*()_+]")
DEVICE = re.compile(r"[a-z][a-z0-9_]{0,31}")
# Accounts that the appliance itself uses at the broker.
OWN_ACCOUNTS = ("home_assistant", "hems", "discovery", *FEATURES["hems_mqtt_services"])
DNS_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")
PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?")
SHORTEST_PASSWORD = 8  # characters
LONGEST_PASSWORD = 72  # bytes: bcrypt (Home Assistant, InfluxDB) reads no more


def not_text(value: Any) -> str | None:
    """Tell what YAML made of an unquoted text."""
    if isinstance(value, str):
        return None
    if value is None:
        return "is empty: give it a value, or leave the line out"
    if isinstance(value, bool):
        words = f"{str(value).lower()} (as it does an unquoted NO, YES, on or off)"
    elif isinstance(value, (int, float)):
        words = "a number"
    elif isinstance(value, datetime.date):
        words = "a date"
    else:
        return "must be text"
    return f"must be text, but YAML reads {words}: put it in quotes"


def _has_control_characters(value: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in value)


def text(most: int) -> Check:
    """Take one line of 1 to ``most`` bytes in UTF-8."""

    def check(value: Any) -> str | None:
        if problem := not_text(value):
            return problem
        if not value.strip() or _has_control_characters(value):
            return "must be a text on one line that is not empty"
        if (length := len(value.encode())) > most:
            return (
                f"is {length} bytes long and may have {most} at most "
                "(letters beyond a-z take two or more each): shorten it"
            )
        return None

    return check


def matches(pattern: str, form: str) -> Check:
    """Take what the whole pattern matches; ``form`` says it in words."""

    def check(value: Any) -> str | None:
        if problem := not_text(value):
            return problem
        return None if re.fullmatch(pattern, value) else f"must be {form}"

    return check


def one_of(values: tuple[str, ...]) -> Check:
    """Take one of these words."""
    return lambda value: None if value in values else f"must be one of {', '.join(values)}"


def number(low: float, high: float, unit: str, *, whole: bool = False) -> Check:
    """Take a number in this range, both ends included."""
    kinds = int if whole else (int, float)
    form = f"a {'whole ' if whole else ''}number from {low:g} to {high:g} ({unit})"
    if whole:
        form = f"a whole number from {low:d} to {high:d} ({unit})"

    def check(value: Any) -> str | None:
        if isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high:
            return None
        quoted = ", without quotes" if isinstance(value, str) else ""
        return f"must be {form}{quoted}"

    return check


def switch(value: Any) -> str | None:
    """Take true or false."""
    quoted = ", without quotes" if isinstance(value, str) else ""
    return None if isinstance(value, bool) else f"must be true or false{quoted}"


def ports(value: Any) -> str | None:
    """Take a list of port numbers."""
    if not isinstance(value, list):
        return "must be a list of ports, such as [21063]"
    wrong = [one for one in value if type(one) is not int or not 0 < one < 65536]
    return f"must contain port numbers from 1 to 65535 ({wrong[0]!r} is not one)" if wrong else None


def time_zone(value: Any) -> str | None:
    """Take an IANA time zone."""
    if problem := not_text(value):
        return problem
    known = zoneinfo.available_timezones()
    return None if value in known else "must be an IANA time zone such as Europe/Dublin"


def country(value: Any) -> str | None:
    """Take a code of ISO 3166-1 alpha-2, which Home Assistant and the WiFi radio know too."""
    if problem := not_text(value):
        return problem
    if value in countries():
        return None
    names = {name.lower(): code for code, name in countries().items()}
    written = value.strip()
    meant = COUNTRY_HABITS.get(written.upper()) or names.get(written.lower())
    if meant or written.upper() in countries():
        return f"must be an ISO 3166 country code: write {meant or written.upper()}"
    return "must be an ISO 3166 country code such as IE"


def currency(value: Any) -> str | None:
    """Take a code of ISO 4217."""
    if problem := not_text(value):
        return problem
    return None if value in CURRENCIES else "must be an ISO 4217 currency code such as EUR"


def language(value: Any) -> str | None:
    """Take a language that Home Assistant speaks."""
    if problem := not_text(value):
        return problem
    if value in LANGUAGES:
        return None
    first = value.split("-")[0].lower()
    near = sorted(code for code in LANGUAGES if code.split("-")[0] == first)
    proposal = f": write {' or '.join(near)}" if near else " such as en"
    return f"must be a language code that Home Assistant knows{proposal}"


def password(value: Any) -> str | None:
    """Take what bcrypt reads to its end."""
    if problem := not_text(value):
        return problem
    if (
        len(value) < SHORTEST_PASSWORD
        or len(value.encode()) > LONGEST_PASSWORD
        or _has_control_characters(value)
    ):
        return (
            f"must have at least {SHORTEST_PASSWORD} characters and at most {LONGEST_PASSWORD} "
            "bytes, on one line (leave it out and the Pi makes one)"
        )
    return None


def influxdb_password(value: Any) -> str | None:
    """Take what InfluxDB's rule for strong passwords lets through."""
    if problem := password(value):
        return problem
    if sum(bool(re.search(group, value)) for group in INFLUXDB_GROUPS) < 3:
        return (
            "must contain three of: a capital letter, a small letter, a digit, one of "
            "!@#$%^&*()_+ (InfluxDB refuses it otherwise)"
        )
    return None


def mqtt_devices(value: Any) -> str | None:
    """Take a list of account names at the broker."""
    if not isinstance(value, list):
        return "must be a list of account names"
    for name in value:
        if problem := not_text(name):
            return f"contains a name that {problem}"
        if not DEVICE.fullmatch(name):
            return (
                "must contain names of at most 32 characters (a-z, 0-9 and _) that start "
                f"with a letter ('{name}' is not one)"
            )
        if name in OWN_ACCOUNTS:
            return f"must not contain '{name}', which is the appliance's own account"
    return "must not name a device twice" if len(set(value)) != len(value) else None


def mqtt_passwords(value: Any) -> str | None:
    """Take device names with a password each."""
    if not isinstance(value, dict):
        return "must map device names to passwords"
    for device, secret in value.items():
        if problem := password(secret):
            return f"['{device}'] {problem}"
    return None


def certificate_names(value: Any) -> str | None:
    """Take DNS names and addresses, as a certificate may carry them."""
    if not isinstance(value, list):
        return "must be a list of names or addresses"
    for name in value:
        if problem := not_text(name):
            return f"contains a name that {problem}"
        try:
            ipaddress.ip_address(name)
        except ValueError:
            if not DNS_NAME.fullmatch(name.lower()):
                return (
                    f"contains '{name}', which is neither an address nor a DNS name (labels of at "
                    "most 63 characters of a-z, 0-9 and -, 253 in all; other letters as xn--…)"
                )
    return None


port = number(1, 65535, "a TCP port", whole=True)
path = matches(r"/[A-Za-z0-9._/-]*[A-Za-z0-9]", "an absolute path of letters, digits and . _ - /")


def public_keys(value: Any) -> str | None:
    """Take a list of public ssh keys."""
    form = "must be a list of public ssh keys, 'ssh-ed25519 AAAA…' each"
    if not isinstance(value, list):
        return form
    wrong = (
        number for number, one in enumerate(value, 1) if not re.fullmatch(PUBLIC_KEY, str(one))
    )
    return next((f"{form}: number {number} is not one on one line" for number in wrong), None)


def signers(value: Any) -> str | None:
    """Take the people who may sign: a name and a public ssh key each."""
    form = "must be a list of {name: alice@example.org, key: 'ssh-ed25519 AAAA…'}"
    if not isinstance(value, list):
        return form
    for one in value:
        if not isinstance(one, dict) or set(one) != {"name", "key"}:
            return form
        name, key = str(one["name"]), str(one["key"])
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", name):
            return f"{form}: a name has letters, digits and . _ @ + -, no space"
        if not re.fullmatch(PUBLIC_KEY, key):
            return f"{form}: the key of {name} is not a public ssh key on one line"
    return None
