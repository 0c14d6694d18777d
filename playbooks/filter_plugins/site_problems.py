# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Find what can't work in a site's variables, before anything is touched."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined

RINGS = ("canary", "early", "stable")

# RFC 1123 label; InfluxDB, Mosquitto and basic auth all split at ':'.
HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
DEVICE = re.compile(r"[a-z][a-z0-9_]{0,31}")
SENSOR = re.compile(r"sensor\.[a-z0-9_]+")
# A systemd path unit watches it, and ':' would split it in Home Assistant's.
SERIAL_DEVICE = re.compile(r"|/dev/[A-Za-z0-9/_.+-]+")
OPERATOR_TOKEN = re.compile(r"[A-Za-z0-9_=-]{32,128}")

# influxdata/influxdb tenant/service_onboarding and kit/platform/errors: strong-passwords.
INFLUXDB_GROUPS = ("[A-Z]", "[a-z]", "[0-9]", r"[!@#$%^&*()_+]")

# Accounts that the appliance itself uses at the broker.
OWN_ACCOUNTS = ("home_assistant", "hems")

Check = Callable[[Any], str | None]


def _matches(pattern: re.Pattern[str], form: str) -> Check:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and pattern.fullmatch(value) else f"must be {form}"

    return check


def _number(low: float, high: float, unit: str) -> Check:
    def check(value: Any) -> str | None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return (
            None
            if number and low <= value <= high
            else f"must be a number from {low:g} to {high:g} ({unit})"
        )

    return check


def _whole(low: int, high: int, unit: str) -> Check:
    def check(value: Any) -> str | None:
        number = isinstance(value, int) and not isinstance(value, bool)
        return (
            None
            if number and low <= value <= high
            else f"must be a whole number from {low} to {high} ({unit})"
        )

    return check


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a text that is not empty"


def _ring(value: Any) -> str | None:
    return None if value in RINGS else f"must be one of {', '.join(RINGS)}"


def _switch(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _time_zone(value: Any) -> str | None:
    # A controller without a time zone database can't judge.
    known = zoneinfo.available_timezones() or {value}
    return (
        None
        if isinstance(value, str) and value in known
        else "must be an IANA time zone such as Europe/Dublin"
    )


def _password(value: Any) -> str | None:
    """72 bytes is where bcrypt (Home Assistant, InfluxDB) stops reading."""
    if not isinstance(value, str) or "\n" in value or not 8 <= len(value.encode()) <= 72:
        return "must have 8 to 72 characters on one line (leave it out and the Pi makes one)"
    return None


def _influxdb_password(value: Any) -> str | None:
    if problem := _password(value):
        return problem
    if sum(bool(re.search(group, value)) for group in INFLUXDB_GROUPS) < 3:
        return (
            "must have three of: upper case, lower case, digit, one of !@#$%^&*()_+ "
            "(InfluxDB refuses it)"
        )
    return None


def _devices(value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be a list of account names"
    for name in value:
        if not isinstance(name, str) or not DEVICE.fullmatch(name):
            return "must hold names of a-z, 0-9 and _ that start with a letter"
        if name in OWN_ACCOUNTS:
            return f"must not hold '{name}', which is the appliance's own account"
    return "must not name a device twice" if len(set(value)) != len(value) else None


REQUIRED: Mapping[str, Check] = {
    "hems_ring": _ring,
    "hems_site_name": _text,
    "hems_hostname": _matches(HOSTNAME, "a host name of a-z, 0-9 and -, such as hems-cork-01"),
    "hems_time_zone": _time_zone,
    "hems_country": _matches(re.compile("[A-Z]{2}"), "an ISO 3166 country code such as IE"),
    "hems_language": _matches(
        re.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"), "a language code such as en"
    ),
    "hems_currency": _matches(re.compile("[A-Z]{3}"), "an ISO 4217 currency code such as EUR"),
    "hems_latitude": _number(-90, 90, "degrees north"),
    "hems_longitude": _number(-180, 180, "degrees east"),
    "hems_elevation": _number(-500, 9000, "metres"),
    "hems_owner_name": _text,
    "hems_owner_username": _matches(USERNAME, "a log-in of letters, digits and . _ -"),
    "hems_door_username": _matches(USERNAME, "a log-in of letters, digits and . _ -"),
    "hems_influxdb_username": _matches(USERNAME, "a log-in of letters, digits and . _ -"),
    "hems_mqtt_devices": _devices,
    "hems_meter_power": _matches(SENSOR, "an entity id such as sensor.meter_power"),
    "hems_meter_energy": _matches(SENSOR, "an entity id such as sensor.meter_energy"),
    "hems_meter_pulses_per_kwh": _whole(50, 10_000, "imp/kWh, as the meter says"),
    "hems_configurator_enabled": _switch,
    "hems_mqtt_lan_enabled": _switch,
    "hems_d2l_enabled": _switch,
    "hems_zigbee_enabled": _switch,
    "hems_zigbee_dongle": _matches(
        SERIAL_DEVICE, "empty, or a path such as /dev/serial/by-id/usb-… without spaces"
    ),
}

OPTIONAL: Mapping[str, Check] = {
    "hems_secret_owner_password": _password,
    "hems_secret_door_password": _password,
    "hems_secret_influxdb_password": _influxdb_password,
    "hems_secret_influxdb_operator_token": _matches(
        OPERATOR_TOKEN, "32 to 128 of A-Z, a-z, 0-9, - _ ="
    ),
}


UNREADABLE = (
    "can't be read: give the Vault's password (--ask-vault-pass), "
    "or define the variables it refers to"
)


def _checked(variables: Mapping[str, Any]) -> Iterator[str]:
    for name, check in {**REQUIRED, **OPTIONAL}.items():
        if name not in variables:
            if name in REQUIRED:
                yield f"{name} is missing: set it in the site's host_vars."
            continue
        value = variables[name]
        if problem := UNREADABLE if isinstance(value, Undefined) else check(value):
            yield f"{name} {problem}."


def _port_problems(ports: Mapping[str, Any]) -> Iterator[str]:
    owners: dict[int, str] = {}
    for name, port in ports.items():
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            yield f"{name} must be a port number from 1 to 65535."
        elif port in owners:
            yield f"{name} and {owners[port]} are both {port}: give each its own port."
        else:
            owners[port] = name


def _path_problems(paths: Mapping[str, Any]) -> Iterator[str]:
    for name, path in paths.items():
        if not isinstance(path, str) or not re.fullmatch(r"/[A-Za-z0-9._/-]*[A-Za-z0-9]", path):
            yield f"{name} must be an absolute path of letters, digits and . _ - /."


def _mqtt_password_problems(variables: Mapping[str, Any]) -> Iterator[str]:
    passwords = variables.get("hems_secret_mqtt_passwords", {})
    if not isinstance(passwords, Mapping):
        yield "hems_secret_mqtt_passwords must map device names to passwords."
        return
    devices: Iterable[Any] = variables.get("hems_mqtt_devices") or ()
    for device, password in passwords.items():
        if device not in devices:
            yield f"hems_secret_mqtt_passwords names '{device}', which hems_mqtt_devices does not."
        elif problem := _password(password):
            yield f"hems_secret_mqtt_passwords['{device}'] {problem}."


def site_problems(variables: Mapping[str, Any]) -> list[str]:
    """Return one sentence for each variable that can't work; no secret is ever repeated.

    ``variables`` is everything the inventory says of one host, as in ``hostvars[host]``.
    """
    names = list(variables)
    ports = {name: variables[name] for name in names if name.startswith("hems_port_")}
    paths = {name: variables[name] for name in names if name.startswith("hems_path_")}
    return [
        *_checked(variables),
        *_port_problems(ports),
        *_path_problems(paths),
        *_mqtt_password_problems(variables),
    ]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name the filters."""
        return {"site_problems": site_problems}
