"""``hems passwords``: the owner's log-ins, each as far as it still is the one that was made."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hems import HemsError, logins, services, settings
from hems.logins import State
from hems.services import Entry
from hems.settings import Appliance
from hems.table import table

HEADINGS = ("For", "Where", "User name", "Password")
SHOWN = {
    State.CHANGED: "(changed, see below)",
    State.GONE: "(no such user, see below)",
}
SENTENCES = {
    State.CHANGED: "The password of '{user}' was changed in {what}, so it is not the one that the "
    "playbook set; {cure}.",
    State.GONE: "{what} has no user '{user}' any more: the account was renamed or deleted there; "
    "{cure}.",
    State.UNKNOWN: "{what} did not say whether this is still the password of '{user}'.",
}


@dataclass(frozen=True)
class Login:
    """A log-in and the secret that holds its password."""

    what: str
    where: str
    user: str
    secret: str
    cure: str = ""  # of a log-in that is another
    state: Callable[[str], State] | None = None  # None: the playbook keeps it


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="show no passwords, only which log-ins have been changed since the playbook set them",
    )


def all_logins(appliance: Appliance, entries: Mapping[str, Entry]) -> list[Login]:
    """Return the log-ins that an owner needs, in the order in which one meets them."""
    url = appliance.url
    accounts = appliance.accounts
    behind = [page.path for entry in entries.values() for page in entry.pages]
    found = [
        Login(
            "Home Assistant",
            f"{url}/",
            accounts.home_assistant,
            "owner_password",
            "docs/home_assistant.md, When it fails, says how to reset a forgotten one",
            lambda password: logins.home_assistant(
                appliance.home_assistant.directory, accounts.home_assistant, password
            ),
        ),
        Login("The door", f"{url}{' and '.join(behind)}", accounts.door, "door_password"),
        Login(
            "InfluxDB",
            f"{url}/influx/, behind the door",
            accounts.influxdb,
            "influxdb_password",
            "the next run of the playbook resets it",
            lambda password: logins.influxdb(appliance.ports.influxdb, accounts.influxdb, password),
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


def run(options: argparse.Namespace) -> int:
    """Show the log-ins to root; one that is not so any more is not shown as if it were."""
    if os.geteuid() != 0:
        raise HemsError("Only root may read the passwords: type 'sudo hems passwords'.")
    appliance = settings.appliance()
    rows, sentences = [], []
    entries = services.read_all(services.DIRECTORY).entries
    for login in all_logins(appliance, entries):
        password = _secret(appliance.paths.secrets, login.secret)
        state = login.state(password) if login.state else State.RIGHT
        rows.append((login.what, login.where, login.user, SHOWN.get(state, password)))
        if state in SENTENCES:
            words = SENTENCES[state]
            sentences.append(words.format(what=login.what, user=login.user, cure=login.cure))
    shown = [] if options.check else table(HEADINGS, rows)
    if lines := [*shown, *([""] if shown and sentences else []), *sentences]:
        print("\n".join(lines))
    return 0
