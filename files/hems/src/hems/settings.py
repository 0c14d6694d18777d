"""The appliance's settings: ``/etc/hems/*.toml`` as frozen structs.

The playbook renders the files from the inventory, so that every number and path stands once. A file
that a person edited wrongly is refused in one sentence that names the file and the key.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from hems import HemsError

DIRECTORY = Path("/etc/hems")
APPLIANCE_FILE = "hems.toml"
HTTPS = 443  # needs no port in a URL
FEWEST_PULSES, MOST_PULSES = 50, 10_000  # imp/kWh that a reader of a meter's LED takes

_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"^{_BYTE}(\.{_BYTE}){{3}}$"
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Address = Annotated[str, msgspec.Meta(pattern=IPV4)]


class SettingsError(HemsError):
    """A settings file is missing, malformed, or has a key or value that it can't have."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TOML table: read-only, and every key known."""


class Site(Table, frozen=True):
    """``[site]``: what the owner calls it and where it belongs."""

    name: Text
    hostname: Text  # without .local
    ring: Text  # the fleet's release ring


class Accounts(Table, frozen=True):
    """``[accounts]``: log-in names; their passwords are files in ``paths.secrets``."""

    home_assistant: Text
    door: Text
    influxdb: Text
    mqtt_devices: tuple[Text, ...]
    mqtt_services: tuple[Text, ...]  # the box's own, beside its core's


class Features(Table, frozen=True):
    """``[features]``: what this site has switched on."""

    mqtt_lan: bool
    zigbee: bool  # a dongle belongs to the box


class Internet(Table, frozen=True):
    """``[internet]``: which IPv4 addresses tell by an echo that the Internet is there.

    A name is refused: without DNS it would read as no Internet, which ends in reboots.
    """

    targets: tuple[Address, ...]


class Ports(Table, frozen=True):
    """``[ports]``: TCP ports; https and mqtts on every address, the rest on loopback."""

    https: Port
    mqtt: Port
    mqtts: Port
    influxdb: Port
    home_assistant: Port
    door_login: Port


class Paths(Table, frozen=True):
    """``[paths]``: absolute paths that several parts share."""

    secrets: Path
    tls: Path
    state: Path  # the daemons'
    run: Path  # the daemons', of this boot
    root_run: Path  # root's, of this boot; everybody may read what is in it
    lock: Path  # root and the daemons may open it
    zigbee_backups: Path  # root's alone
    tls_problem: Path
    history: Path  # the history's own; everybody may read its summary
    update_problem: Path  # why a release was not taken
    notes: Path


class Mqtt(Table, frozen=True):
    """``[mqtt]``: topics of the broker."""

    discovery: Text  # what Home Assistant listens to; no slash at its end


class Meter(Table, frozen=True):
    """``[meter]``: Home Assistant's entities of the house's meter, and what its LED counts."""

    power: Text  # W
    energy: Text  # kWh in total
    pulses_per_kwh: Annotated[int, msgspec.Meta(ge=FEWEST_PULSES, le=MOST_PULSES)]  # imp/kWh


class Zigbee(Table, frozen=True):
    """``[zigbee]``: the dongle, and what is kept of its network."""

    dongle: str  # path in /dev/serial/by-id; empty: a known one is looked for
    backups: Annotated[int, msgspec.Meta(ge=1)]  # how many are kept


class HomeAssistantPaths(Table, frozen=True):
    """``[home_assistant]``: where it is installed, where its files are, and who it runs as."""

    unit: Text
    root: Path  # <version>/ and current
    directory: Path  # configuration and .storage
    user: Text


class Appliance(Table, frozen=True):
    """``hems.toml``: what every part of the software needs to know about the box."""

    site: Site
    accounts: Accounts
    features: Features
    internet: Internet
    ports: Ports
    paths: Paths
    mqtt: Mqtt
    meter: Meter
    zigbee: Zigbee
    home_assistant: HomeAssistantPaths

    @property
    def url(self) -> str:
        """The door, as a browser in the house finds it; no slash at the end."""
        port = "" if self.ports.https == HTTPS else f":{self.ports.https}"
        return f"https://{self.site.hostname}.local{port}"


S = TypeVar("S", bound=Table)


def parse(text: str, kind: type[S], name: str) -> S:
    """Return TOML ``text`` as a ``kind``; ``name`` is what errors call it.

    Raises SettingsError.
    """
    try:
        return msgspec.convert(tomllib.loads(text), kind, dec_hook=_decode)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name} is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {explain(str(error))}.") from error


def read(path: Path, kind: type[S]) -> S:
    """Return the TOML file at ``path`` as a ``kind``.

    Raises SettingsError.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"There is no {path}: run the whole playbook, role hems writes it."
        raise SettingsError(message) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}.") from error
    return parse(text, kind, str(path))


def appliance(directory: Path = DIRECTORY) -> Appliance:
    """Return the appliance's settings.

    Raises SettingsError.
    """
    return read(directory / APPLIANCE_FILE, Appliance)


def explain(message: str) -> str:
    """Return msgspec's validation message in the words of someone who edits a TOML file.

    >>> explain("Object contains unknown field `htp` - at `$.ports`")
    "unknown key 'ports.htp'"
    """
    problem, _, place = message.partition(" - at ")
    if problem.endswith(repr(IPV4)):
        problem = "Expected an IPv4 address, not a name"
    key = place.strip("`").removeprefix("$").lstrip(".")
    if field := re.fullmatch(r"Object (contains unknown|missing required) field `(.+)`", problem):
        whole = f"{key}.{field[2]}".lstrip(".")
        if field[1].startswith("contains"):
            return f"unknown key '{whole}'"
        return f"key '{whole}' is missing"
    return f"key '{key}': {problem[:1].lower()}{problem[1:].replace('`', '')}"


def _decode(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value.startswith("/"):
        return Path(value)
    raise ValueError("Expected an absolute path")


def check(kind: type[Any]) -> int:
    """Check the file that the first argument names as one kind of settings; return an exit code."""
    try:
        read(Path(sys.argv[1]), kind)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(check(Appliance))
