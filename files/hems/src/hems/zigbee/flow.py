"""ZHA's config flow, answered without a person. Pure: one step in, one answer out.

The steps are those of homeassistant/components/zha/config_flow.py (2026.10). What is in a dongle is
never erased: its network is taken as it is; a blank one gets the newest backup that Home Assistant
has; only when there is none, a network is formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hems import HemsError

# The formation menu's ways, the one that keeps most first.
WAYS = ("reuse_settings", "choose_automatic_backup", "form_initial_network")
REASONS = {
    "cannot_form_network": "it can't form a network",
    "cannot_restore_backup": "it does not take Home Assistant's backup of the network",
    "wrong_firmware_installed": "it has no Zigbee firmware",
    "cannot_resolve_path": "its path can't be resolved",
}


class FlowError(HemsError):
    """The dongle can't be taken."""


@dataclass(frozen=True)
class Answer:
    """What to send."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Wait:
    """Home Assistant is at work: ask again."""


@dataclass(frozen=True)
class Done:
    """The entry exists."""

    state: str  # of the entry
    reason: str


def answer(step: dict[str, Any], device: str) -> Answer | Wait | Done:
    """Return how a step is answered for the dongle at ``device``.

    Raises FlowError.
    """
    kind = step["type"]
    if kind == "create_entry":
        entry = step["result"]
        return Done(str(entry["state"]), str(entry.get("reason") or ""))
    if kind in ("progress", "progress_done"):
        return Wait()
    if kind == "abort":
        raise _refused(device, step)
    name = str(step["step_id"])
    if name == "choose_serial_port":
        return Answer({"path": device})
    if name == "choose_setup_strategy":
        return Answer({"next_step_id": "setup_strategy_advanced"})
    if name == "choose_formation_strategy":
        return Answer({"next_step_id": _way(step, device)})
    if name == "choose_automatic_backup":
        return Answer({"choose_automatic_backup": _default(step, "choose_automatic_backup")})
    if name == "confirm_ezsp_ieee_overwrite":
        # Its old devices only talk to a coordinator of this address.
        return Answer({"overwrite_coordinator_ieee": True})
    if name == "manual_pick_radio_type":
        raise FlowError(
            f"{device} does not answer as a Zigbee dongle: plug it in again, "
            "or replace it if that does not help."
        )
    if name == "choose_migration_strategy":
        raise FlowError(
            "Home Assistant has a Zigbee dongle already: 'sudo hems zigbee info' shows it."
        )
    raise FlowError(
        f"Home Assistant asks for '{name}' of {device}, which the box can't answer: "
        "add the dongle in Home Assistant under Settings, Devices & services."
    )


def _way(step: dict[str, Any], device: str) -> str:
    for way in WAYS:
        if way in step["menu_options"]:
            return way
    raise FlowError(
        f"Home Assistant offers no way to use {device} without erasing its network: "
        "add the dongle in Home Assistant under Settings, Devices & services."
    )


def _default(step: dict[str, Any], field: str) -> Any:
    return next(one["default"] for one in step["data_schema"] if one["name"] == field)


def _refused(device: str, step: dict[str, Any]) -> FlowError:
    reason = str(step["reason"])
    error = str((step.get("description_placeholders") or {}).get("error", "")).strip(" .")
    said = ": ".join(part for part in (REASONS.get(reason, reason), error) if part)
    return FlowError(
        f"Home Assistant could not set up the Zigbee dongle {device} ({said}): plug it in again, "
        "or try another dongle."
    )
