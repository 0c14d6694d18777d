"""The box's accounts in Home Assistant: the owner's password, and the box's own long-lived token.

Commands: ``config/auth/list``, ``config/auth_provider/homeassistant/admin_change_password`` and
``auth/long_lived_access_token`` of Home Assistant 2026.10's WebSocket API.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from hems import home_assistant, logins, readable_secret, whole_file
from hems.home_assistant import Access, HomeAssistant
from hems.logins import State
from hems.rotation import RotationError
from hems.settings import Appliance

TOKEN_NAME = "hems-provision"
TOKEN_DAYS = 3650
OWNER = "owner_password"
NEXT = ".next"  # the file of a password that Home Assistant may have already
NOT_OURS = {
    State.CHANGED: "has another password, which is the owner's own",
    State.GONE: "has no such account any more",
    State.UNKNOWN: "does not show whether it still has that password",
}


def renew_password(appliance: Appliance) -> None:
    """Give the owner another password, unless the owner has chosen one. Raises RotationError.

    The file has the one that is right, whenever this is interrupted: the next run sees to that.
    """
    name, file = appliance.accounts.home_assistant, appliance.paths.secrets / OWNER
    coming = file.with_name(f"{OWNER}{NEXT}")
    if coming.exists():
        if _state(appliance, coming) is State.RIGHT:
            whole_file.put(coming, file)
        coming.unlink(missing_ok=True)
    state = _state(appliance, file)
    if state is not State.RIGHT:
        raise RotationError(
            f"Home Assistant {NOT_OURS[state]} (log-in '{name}'), so it was not renewed: leave out "
            "the kind 'owner'."
        )
    fresh = readable_secret.make()
    whole_file.write(coming, f"{fresh}\n")
    with HomeAssistant(home_assistant.access_of(appliance)) as socket:
        people = socket.call("config/auth/list")
        found = [one["id"] for one in people if (one.get("username") or "").casefold() == name]
        if not found:
            raise RotationError(f"Home Assistant does not list the log-in '{name}'.")
        command = "config/auth_provider/homeassistant/admin_change_password"
        socket.call(command, user_id=found[0], password=fresh)
    whole_file.put(coming, file)


def renew_token(appliance: Appliance) -> None:
    """Make the box another token, and only then end those before it. Raises HomeAssistantError."""
    file = appliance.paths.secrets / home_assistant.SECRET
    new_token(home_assistant.access_of(appliance), file)


def new_token(access: Access, file: Path) -> str:
    """Make a long-lived token for whoever that is; it is in the file before others end."""
    with HomeAssistant(access) as socket:
        ours = {
            item["client_name"]: item["id"]
            for item in socket.call("auth/refresh_tokens")
            if re.fullmatch(rf"{TOKEN_NAME}( \d+)?", item.get("client_name") or "")
        }
        name = free_name(ours)
        token = str(
            socket.call("auth/long_lived_access_token", client_name=name, lifespan=TOKEN_DAYS)
        )
    whole_file.write(file, token)
    # Home Assistant hangs up on whoever ends the token that they came in with.
    with HomeAssistant(access._replace(token=token)) as socket:
        for old in ours.values():
            socket.call("auth/delete_refresh_token", refresh_token_id=old)
    return token


def free_name(taken: Collection[str]) -> str:
    """Return a name that no token has yet: Home Assistant refuses one that is there."""
    names = (TOKEN_NAME, *(f"{TOKEN_NAME} {number}" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name not in taken)


def _state(appliance: Appliance, file: Path) -> State:
    try:
        password = file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        return State.UNKNOWN
    directory = appliance.home_assistant.directory
    return logins.home_assistant(directory, appliance.accounts.home_assistant, password)
