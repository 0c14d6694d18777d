"""ZHA's config entry: over the API, and in the file that Home Assistant keeps it in.

The API tells an entry's state but not its device. The file ``.storage/core.config_entries`` has
the device; it may only be written while Home Assistant is stopped. Its directory is Home
Assistant's, so it is read and written with the rights of its user.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from hems import HemsError, whole_file
from hems.as_user import as_user, read_text
from hems.home_assistant import (
    IGNORED,
    LOADED,
    NEEDED,
    REFUSED,
    Access,
    HomeAssistantError,
    rest,
)
from hems.home_assistant import ZIGBEE as DOMAIN
from hems.settings import HomeAssistantPaths

STORE = ".storage/core.config_entries"
LOAD_SECONDS = 90.0  # that Home Assistant may take until Zigbee runs
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Entry:
    """The entry as the API tells it."""

    entry_id: str
    state: str  # loaded, setup_retry, setup_error …
    reason: str

    @property
    def loaded(self) -> bool:
        """Whether Zigbee runs."""
        return self.state == LOADED

    def __str__(self) -> str:
        return f"{self.state} ({self.reason})" if self.reason else self.state


def find(access: Access) -> Entry | None:
    """Return ZHA's entry, also one that a person has disabled. Raises HomeAssistantError."""
    listed = rest(access, "GET", f"/api/config/config_entries/entry?domain={DOMAIN}")
    for entry in listed:
        if entry.get("source") != IGNORED:
            reason = entry.get("reason") or ""
            return Entry(str(entry["entry_id"]), str(entry["state"]), str(reason))
    return None


def wait_loaded(access: Access, seconds: float) -> Entry | None:
    """Wait for so many seconds until Zigbee runs, and return the entry as it then is.

    None without an entry, or while Home Assistant, which may just be starting, does not answer.
    Raises HomeAssistantError at once when it refuses the token.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            entry = find(access)
        except HomeAssistantError as error:
            if error.code in REFUSED:
                raise
            entry = None
        if (entry is not None and entry.loaded) or time.monotonic() >= deadline:
            return entry
        time.sleep(POLL_SECONDS)


def stored_device(paths: HomeAssistantPaths) -> str | None:
    """Return the device's path of the entry that is on disk, or None when there is no entry.

    Raises HemsError.
    """
    entry = _zha(_load(paths))
    return None if entry is None else str(entry["data"]["device"]["path"])


def lacking(paths: HomeAssistantPaths) -> list[str]:
    """Return the names of the integrations that the box needs and Home Assistant has not.

    Raises HemsError.
    """
    entries = _load(paths)["data"]["entries"]
    present = {one["domain"] for one in entries}
    return [name for domain, name in NEEDED.items() if domain not in present]


def move(paths: HomeAssistantPaths, settings: dict[str, Any]) -> None:
    """Let the entry on disk use another dongle; Home Assistant must be stopped.

    ``settings`` are ``path``, ``baudrate`` and ``flow_control``.

    Raises HemsError.
    """
    path = paths.directory / STORE
    content = _load(paths)
    entry = _zha(content)
    if entry is None:
        raise HemsError(f"There is no ZHA entry in {path}: type 'sudo hems zigbee adopt' first.")
    if entry["data"]["device"] == settings:
        return
    entry["data"]["device"] = settings
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # Its mode stays as Home Assistant made it.
    as_user(paths.user, lambda: whole_file.write(path, text, mode=path.stat().st_mode & 0o777))


def _load(paths: HomeAssistantPaths) -> dict[str, Any]:
    path = paths.directory / STORE
    try:
        content: dict[str, Any] = json.loads(read_text(paths.user, path) or "")
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    except (OSError, ValueError, KeyError) as error:
        raise HemsError(f"{path} can't be read ({error}): run the whole playbook.") from error
    return content


def _zha(content: dict[str, Any]) -> dict[str, Any] | None:
    entries: list[dict[str, Any]] = content["data"]["entries"]
    found = (one for one in entries if one["domain"] == DOMAIN and one.get("source") != IGNORED)
    return next(found, None)
