# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The variables that describe a site, each with its check."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from playbooks.preflight import values
from playbooks.preflight.values import Check

RINGS = ("canary", "early", "stable")

# ':' would split it in InfluxDB and Mosquitto.
LOG_IN = values.matches(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}",
    "a log-in of at most 32 characters (letters, digits and . _ -)",
)
# Home Assistant's own rule (core.valid_entity_id), 255 in all.
SENSOR = r"(?=.{1,255}$)sensor\.(?!.*__)(?!_)[a-z0-9_]+(?<!_)"
NAME_BYTES = 64  # of what people read: dashboard, broker, the certificate's authority

# What a role knows of its service's variables is in its preflight.py: REQUIRED, OPTIONAL, RENAMED
# (old name to new) and problems(), which tells what does not fit together.
ROLES = tuple(
    import_module(f"roles.{path.parent.name}.preflight")
    for path in sorted(values.ROOT.glob("roles/*/preflight.py"))
)
SWITCHES = [name for name in values.FEATURES if name.endswith("_enabled")]

REQUIRED: Mapping[str, Check] = {
    "hems_ring": values.one_of(RINGS),
    "hems_site_name": values.text(NAME_BYTES),
    # RFC 1123 label
    "hems_hostname": values.matches(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "a host name of at most 63 characters (a-z, 0-9 and -), such as hems-cork-01",
    ),
    "hems_time_zone": values.time_zone,
    "hems_country": values.country,
    "hems_language": values.language,
    "hems_currency": values.currency,
    "hems_latitude": values.number(-90, 90, "degrees north"),
    "hems_longitude": values.number(-180, 180, "degrees east"),
    "hems_elevation": values.number(-500, 9000, "metres"),
    "hems_owner_name": values.text(NAME_BYTES),
    # Home Assistant refuses capitals here.
    "hems_owner_username": values.matches(
        r"[a-z0-9][a-z0-9._-]{0,31}", "a log-in of at most 32 characters (a-z, 0-9 and . _ -)"
    ),
    "hems_door_username": LOG_IN,
    "hems_influxdb_username": LOG_IN,
    "hems_influxdb_raw_days": values.number(30, 36_500, "days", whole=True),
    "hems_mqtt_devices": values.mqtt_devices,
    "hems_meter_power": values.matches(SENSOR, "an entity id such as sensor.meter_power"),
    "hems_meter_energy": values.matches(SENSOR, "an entity id such as sensor.meter_energy"),
    "hems_meter_max_power": values.number(
        1000, 1_000_000, "W that the main fuse lets the house draw", whole=True
    ),
    "hems_meter_pulses_per_kwh": values.number(
        50, 10_000, "imp/kWh, as the meter says", whole=True
    ),
    "hems_open_ports": values.ports,
    # A systemd path unit watches it, and ':' would split it in Home Assistant's.
    "hems_zigbee_dongle": values.matches(
        r"|/dev/[A-Za-z0-9/_.+-]+",
        "empty, or a path such as /dev/serial/by-id/usb-… without spaces",
    ),
    **dict.fromkeys(SWITCHES, values.switch),
    **{name: check for role in ROLES for name, check in role.REQUIRED.items()},
}

OPTIONAL: Mapping[str, Check] = {
    **{name: check for role in ROLES for name, check in role.OPTIONAL.items()},
    "hems_secret_owner_password": values.password,
    "hems_secret_vault_password": values.text(256),
    "hems_secret_door_password": values.password,
    "hems_secret_influxdb_password": values.influxdb_password,
    "hems_secret_influxdb_operator_token": values.matches(
        r"[A-Za-z0-9_=-]{32,128}", "32 to 128 characters (A-Z, a-z, 0-9, - _ =)"
    ),
    "hems_secret_mqtt_passwords": values.mqtt_passwords,
    "hems_topic_discovery": values.matches(
        r"(?!homeassistant$|hems$)[a-z][a-z0-9_-]{0,31}",
        "a word that no device's topics begin with",
    ),
    "hems_fleet_signers": values.signers,
    "hems_operator_keys": values.public_keys,
    "hems_fleet_deploy_keys": values.public_keys,
    "hems_secret_fleet_operator_password": values.matches(
        r"[!-~]{16,128}", "16 to 128 characters without spaces"
    ),
    "hems_update_hold": values.matches(r"[^\n]{0,200}", "a reason on one line, or empty"),
    "hems_update_pin": values.matches(
        r"|v\d{1,4}(\.\d{1,4}){2}(-[a-z0-9.]+)?", "empty, or a release's name such as v1.2.3"
    ),
    "hems_wifi_name": values.matches(r"|.{1,32}", "a WiFi's name of at most 32 characters"),
    "hems_secret_wifi_passphrase": values.matches(
        r"[ -~]{8,63}|[0-9A-Fa-f]{64}", "8 to 63 characters of ASCII, as WPA has it"
    ),
    "hems_secret_deploy_key": values.matches(
        r"(?s)-----BEGIN OPENSSH PRIVATE KEY-----\n.+-----END OPENSSH PRIVATE KEY-----\n?",
        "a private key as ssh-keygen writes it, without passphrase",
    ),
    "tls_extra_names": values.certificate_names,
}

# Their names go on in as many ways as there are services and directories.
BY_PREFIX: Mapping[str, Check] = {"hems_port_": values.port, "hems_path_": values.path}
SECRET = "hems_secret_"


def check_of(name: str) -> Check | None:
    """Return a variable's check, or None where only its role judges it."""
    if check := REQUIRED.get(name) or OPTIONAL.get(name):
        return check
    return next((check for prefix, check in BY_PREFIX.items() if name.startswith(prefix)), None)
