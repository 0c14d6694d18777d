"""What Home Assistant says about itself, over its REST API and with the box's own token.

A refused token is never sent again: ten of them would get loopback banned for good.
Format: https://developers.home-assistant.io/docs/api/rest/ ; the config entries' list is the one
that the user interface reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hems.home_assistant import (
    IGNORED,
    LOADED,
    ZIGBEE,
    Access,
    HomeAssistant,
    HomeAssistantError,
    rest,
)
from hems.loopback import TIMEOUT_SECONDS

NOT_FOUND = "404"
UNKNOWN_COMMAND = "unknown_command"  # its integration did not start
UNKNOWN = ("unknown", "unavailable")
RECOVERY = "in recovery mode"
HOUSE = "sensor.hems_meter"  # the house's integration: how far the meter is …
NO_ENERGY = "no_energy"  # … its power is reported, and its energy is not
NOT_LOADED = "not_loaded"  # not set up yet, or never: its integration itself could not start


@dataclass(frozen=True)
class Entry:
    """A config entry: one integration as it was set up."""

    domain: str
    title: str
    state: str  # loaded, setup_retry, setup_error …
    reason: str

    @property
    def ok(self) -> bool:
        """Whether it works; a set-up in progress is over before its issue counts."""
        return self.state == LOADED


@dataclass(frozen=True)
class Inside:
    """Home Assistant at one moment."""

    state: str  # RUNNING, STARTING … or RECOVERY
    version: str
    entries: tuple[Entry, ...]
    meter: str | None  # the meter entity's last_reported; None when it has no value
    zigbee: bool = False  # ZHA is set up, also when a person has switched it off
    house: str = ""  # HOUSE's state
    off: frozenset[str] = frozenset()  # domains that a person has switched off
    missing: tuple[str, ...] = ()  # entities, of those asked for, that it doesn't have
    unit: str = ""  # the meter entity's unit of measurement
    updated: str = ""  # when its value last changed; empty without a value

    def has(self, domain: str) -> bool:
        """Whether an integration is set up and runs."""
        return any(entry.domain == domain and entry.state == LOADED for entry in self.entries)


def parse_state(config: dict[str, Any]) -> str:
    """Return how far Home Assistant is; after a broken configuration it runs, but half of it."""
    return RECOVERY if config.get("recovery_mode") else str(config["state"])


def parse_entries(listed: list[dict[str, Any]]) -> tuple[Entry, ...]:
    """Return the entries that a person has neither switched off nor asked not to see."""
    return tuple(
        Entry(
            str(entry["domain"]),
            str(entry.get("title") or entry["domain"]),
            str(entry["state"]),
            str(entry.get("reason") or ""),
        )
        for entry in listed
        if not entry.get("disabled_by") and entry.get("source") != IGNORED
    )


def parse_off(listed: list[dict[str, Any]]) -> frozenset[str]:
    """Return the domains of which every entry is switched off."""
    on = {str(entry["domain"]) for entry in listed if not entry.get("disabled_by")}
    return frozenset(str(entry["domain"]) for entry in listed) - on


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


def look(access: Access, meter: str, others: Iterable[str] = (), called: str = "") -> Inside:
    """Ask Home Assistant; ``others`` are entities that it should have beside the meter's.

    ``called`` is the id that the meter's entity is known to have instead of its own.

    Raises HomeAssistantError; its ``code`` is one of REFUSED when the token is not taken.
    """
    config = _get(access, "/api/config")
    entries = _get(access, "/api/config/config_entries/entry")
    states = {entity: _state(access, entity) for entity in (meter, *others)}
    house = _state(access, HOUSE)
    try:
        state = states[meter] or (_state(access, called) if called else None)
        reported = parse_meter(state)
        return Inside(
            parse_state(config),
            str(config["version"]),
            parse_entries(entries),
            reported,
            parse_zigbee(entries),
            str(house["state"]) if house else "",
            parse_off(entries),
            tuple(entity for entity, found in states.items() if found is None),
            str(((state or {}).get("attributes") or {}).get("unit_of_measurement") or ""),
            str((state or {}).get("last_updated") or "") if reported else "",
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise HomeAssistantError(f"Home Assistant's answer is not understood: {error!r}") from error


def recording(home_assistant: HomeAssistant) -> bool:
    """Whether its recorder keeps what happens. Raises HomeAssistantError."""
    try:
        said = home_assistant.call("recorder/info")
    except HomeAssistantError as error:
        if error.code == UNKNOWN_COMMAND:
            return False
        raise
    return bool(said.get("recording", True) and said.get("thread_running", True))


def _state(access: Access, entity: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = _get(access, f"/api/states/{entity}")
    except HomeAssistantError as error:
        if error.code != NOT_FOUND:
            raise
        return None
    return found


def _get(access: Access, path: str) -> Any:
    return rest(access, "GET", path, timeout=TIMEOUT_SECONDS)
