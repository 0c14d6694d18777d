"""ZHA's config entry: over the API, and in the file that Home Assistant keeps it in.

The API tells an entry's state but not its device. The file ``.storage/core.config_entries`` has
the device; it may only be written while Home Assistant is stopped.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hems import HemsError, files
from hems.health.inside import IGNORED, LOADED
from hems.health.inside import ZIGBEE as DOMAIN
from hems.home_assistant import NEEDED, REFUSED, Access, HomeAssistantError, rest

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


def stored_device(directory: Path) -> str | None:
    """Return the device's path of the entry that is on disk, or None when there is no entry.

    ``directory`` is Home Assistant's. Raises HemsError.
    """
    entry = _zha(_load(directory / STORE))
    return None if entry is None else str(entry["data"]["device"]["path"])


def lacking(directory: Path) -> list[str]:
    """Return the names of the integrations that the box needs and Home Assistant has not.

    ``directory`` is Home Assistant's. Raises HemsError.
    """
    entries = _load(directory / STORE)["data"]["entries"]
    present = {one["domain"] for one in entries}
    return [name for domain, name in NEEDED.items() if domain not in present]


def move(directory: Path, settings: dict[str, Any]) -> None:
    """Let the entry on disk use another dongle; Home Assistant must be stopped.

    ``settings`` are ``path``, ``baudrate`` and ``flow_control``.

    Raises HemsError.
    """
    path = directory / STORE
    content = _load(path)
    entry = _zha(content)
    if entry is None:
        raise HemsError(f"There is no ZHA entry in {path}: type 'sudo hems zigbee adopt' first.")
    if entry["data"]["device"] == settings:
        return
    entry["data"]["device"] = settings
    owned = path.stat()
    text = json.dumps(content, indent=2, ensure_ascii=False)
    files.replace(path, text, owned.st_mode & 0o7777, (owned.st_uid, owned.st_gid))


def _load(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    except (OSError, ValueError) as error:
        raise HemsError(f"{path} can't be read ({error}): run the whole playbook.") from error
    return content


def _zha(content: dict[str, Any]) -> dict[str, Any] | None:
    entries: list[dict[str, Any]] = content["data"]["entries"]
    found = (one for one in entries if one["domain"] == DOMAIN and one.get("source") != IGNORED)
    return next(found, None)
