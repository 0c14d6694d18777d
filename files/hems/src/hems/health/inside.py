"""What Home Assistant says about itself, over its REST API and with the box's own token.

A refused token is never sent again: ten of them would get loopback banned for good.
Format: https://developers.home-assistant.io/docs/api/rest/ ; the config entries' list is the one
that the user interface reads.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from hems.probes import LOOPBACK, TIMEOUT_SECONDS

ANSWER_BYTES = 4 * 1024 * 1024
UNKNOWN = ("unknown", "unavailable")
RECOVERY = "in recovery mode"
ZIGBEE = "zha"
IGNORED = "ignore"
LOADED = "loaded"
SETTLED = (LOADED, "not_loaded")  # a set-up in progress is over before its issue counts


class RefusedError(Exception):
    """Home Assistant does not take the token."""


@dataclass(frozen=True)
class Entry:
    """A config entry: one integration as it was set up."""

    domain: str
    title: str
    state: str  # loaded, setup_retry, setup_error …
    reason: str

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it, as far as one can tell."""
        return self.state in SETTLED


@dataclass(frozen=True)
class Inside:
    """Home Assistant at one moment."""

    state: str  # RUNNING, STARTING … or RECOVERY
    version: str
    entries: tuple[Entry, ...]
    meter: str | None  # the meter entity's last_reported; None when it has no value
    zigbee: bool = False  # ZHA is set up, also when a person has switched it off

    def has(self, domain: str) -> bool:
        """Whether an integration is set up and runs."""
        return any(entry.domain == domain and entry.state == LOADED for entry in self.entries)


def parse_state(config: dict[str, Any]) -> str:
    """Return how far Home Assistant is; after a broken configuration it runs, but half of it."""
    return RECOVERY if config.get("recovery_mode") else str(config["state"])


def parse_entries(listed: list[dict[str, Any]]) -> tuple[Entry, ...]:
    """Return the entries that a person has not switched off."""
    return tuple(
        Entry(
            str(entry["domain"]),
            str(entry.get("title") or entry["domain"]),
            str(entry["state"]),
            str(entry.get("reason") or ""),
        )
        for entry in listed
        if not entry.get("disabled_by")
    )


def parse_zigbee(listed: list[dict[str, Any]]) -> bool:
    """Return whether ZHA has an entry; a dongle that a person does not want to see is none."""
    return any(entry["domain"] == ZIGBEE and entry.get("source") != IGNORED for entry in listed)


def parse_meter(state: dict[str, Any] | None) -> str | None:
    """Return when the entity was last reported, as Home Assistant writes it; None: it has no value.

    ``last_reported`` moves with every report, also of the same value; ``last_changed`` does not.
    """
    if state is None or str(state.get("state")) in UNKNOWN:
        return None
    return str(state["last_reported"])


def look(port: int, token: str, meter: str) -> Inside:
    """Ask Home Assistant on loopback.

    Raises RefusedError, OSError when it does not answer in time, ValueError when the answer is
    something else.
    """
    try:
        config = _get(port, token, "/api/config")
        entries = _get(port, token, "/api/config/config_entries/entry")
        state = _get(port, token, f"/api/states/{meter}")
        return Inside(
            parse_state(config),
            str(config["version"]),
            parse_entries(entries),
            parse_meter(state),
            parse_zigbee(entries),
        )
    except (KeyError, TypeError, http.client.HTTPException) as error:
        raise ValueError(f"Home Assistant's answer is not understood: {error!r}") from error


def _get(port: int, token: str, path: str) -> Any:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read(ANSWER_BYTES)
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise RefusedError
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise ValueError(f"Home Assistant answers {answer.status}")
    return json.loads(body)
