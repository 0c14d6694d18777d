"""Whether a log-in is still the one that the box was told to make.

Home Assistant's and InfluxDB's accounts belong to people, who may change them there. Home Assistant
is asked by its stored hash, so that no wrong log-in can get anybody banned; InfluxDB, which bans
nobody, by a sign-in over loopback.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
from enum import Enum
from pathlib import Path

from hems.loopback import LOOPBACK, TIMEOUT_SECONDS

ACCOUNTS = Path(".storage/auth_provider.homeassistant")  # below Home Assistant's directory


class State(Enum):
    """What is known of a log-in."""

    RIGHT = "right"
    CHANGED = "changed"  # the account has another password
    GONE = "gone"  # no account has this name
    UNKNOWN = "unknown"  # nobody could be asked


def home_assistant(directory: Path, user: str, password: str) -> State:
    """Compare a log-in with Home Assistant's account; needs root."""
    try:
        stored = json.loads((directory / ACCOUNTS).read_text(encoding="utf-8"))
        hashes = {str(one["username"]): str(one["password"]) for one in stored["data"]["users"]}
    except (OSError, ValueError, LookupError, TypeError):
        return State.UNKNOWN
    return compare(hashes, user, password)


def compare(hashes: dict[str, str], user: str, password: str) -> State:
    """Compare a log-in with Home Assistant's accounts: name → base64 of a bcrypt hash."""
    import bcrypt  # noqa: PLC0415 (Debian's; only this command needs it)

    # Home Assistant ignores case and space around a name, and what bcrypt would not read.
    known = {name.strip().casefold(): value for name, value in hashes.items()}
    if user.strip().casefold() not in known:
        return State.GONE
    try:
        hashed = base64.b64decode(known[user.strip().casefold()], validate=True)
        right = bcrypt.checkpw(password.encode()[:72], hashed)
    except (binascii.Error, ValueError):
        return State.UNKNOWN
    return State.RIGHT if right else State.CHANGED


def influxdb(port: int, user: str, password: str, timeout: float = TIMEOUT_SECONDS) -> State:
    """Sign in to InfluxDB on loopback, and out again."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    log_in = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    try:
        connection.request("POST", "/api/v2/signin", headers={"Authorization": f"Basic {log_in}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.client.UNAUTHORIZED:
            return State.CHANGED
        if answer.status != http.client.NO_CONTENT:
            return State.UNKNOWN
        cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        connection.request("POST", "/api/v2/signout", headers={"Cookie": cookie})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return State.UNKNOWN
    finally:
        connection.close()
    return State.RIGHT
