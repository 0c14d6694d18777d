"""``hems passwords``: the owner's log-ins."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from hems import HemsError, settings
from hems.settings import Appliance
from hems.table import table

HEADINGS = ("For", "Where", "User name", "Password")
WARNING = (
    "Home Assistant's and InfluxDB's own passwords are the ones they were set up with; "
    "an owner who changed one there knows the new one, and this box doesn't."
)


@dataclass(frozen=True)
class Login:
    """A log-in and the secret that holds its password."""

    what: str
    where: str
    user: str
    secret: str


def logins(appliance: Appliance) -> list[Login]:
    """Return the log-ins that an owner needs, in the order in which one meets them."""
    url = appliance.url
    accounts = appliance.accounts
    editor = " and /configurator/" if appliance.features.configurator else ""
    found = [
        Login("Home Assistant", f"{url}/", accounts.home_assistant, "owner_password"),
        Login("The door", f"{url}/influx/{editor}", accounts.door, "door_password"),
        Login(
            "InfluxDB", f"{url}/influx/, behind the door", accounts.influxdb, "influxdb_password"
        ),
    ]
    if appliance.features.mqtt_lan:
        broker = f"mqtts://{appliance.site.hostname}.local:{appliance.ports.mqtts}"
        found.extend(
            Login("MQTT device", broker, device, f"mqtt_{device}")
            for device in accounts.mqtt_devices
        )
    return found


def _secret(directory: Path, name: str) -> str:
    try:
        return (directory / name).read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        message = f"The secret {name} can't be read ({error.strerror}): run the whole playbook."
        raise HemsError(message) from error


def run(_options: argparse.Namespace) -> int:
    """Show the log-ins to root."""
    if os.geteuid() != 0:
        raise HemsError("Only root may read the passwords: type 'sudo hems passwords'.")
    appliance = settings.appliance()
    rows = [
        (login.what, login.where, login.user, _secret(appliance.paths.secrets, login.secret))
        for login in logins(appliance)
    ]
    print("\n".join([*table(HEADINGS, rows), "", WARNING]))
    return 0
