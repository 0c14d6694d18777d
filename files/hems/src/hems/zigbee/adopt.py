"""Let Home Assistant take the dongle: once, by its own config flow, when there is no entry yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hems import HemsError, lock
from hems.home_assistant import (
    Access,
    HomeAssistant,
    HomeAssistantError,
    access_of,
    rest,
    wait_running,
)
from hems.settings import Appliance
from hems.zigbee import adopted, dongle
from hems.zigbee import entry as entries
from hems.zigbee.dongle import NoDongleError
from hems.zigbee.flow import Done, FlowError, Wait, answer

LOCK = "zigbee.lock"
WORK = "Zigbee adoption"
FLOWS = "/api/config/config_entries/flow"
START_SECONDS = 300.0  # that Home Assistant may take to start
STEP_SECONDS = 180.0  # for one answer: it probes for every kind of dongle, with time-outs
FLOW_SECONDS = 300.0
POLL_SECONDS = 1.0
SETTLE_SECONDS = 2.0  # between the directory's coming and the dongle's name in it
WAIT_SECONDS = 300.0  # for another adoption, which is seldom longer
ALREADY = "Home Assistant has its Zigbee dongle already: {}."
NOT_WORKING = (
    "But Zigbee does not work, it is {}: 'sudo systemctl restart home-assistant' has the box look "
    "at its files again; docs/zigbee.md has a cure for each reason."
)
DISCOVERED = "usb"  # the source of a flow that Home Assistant began by itself


def adopt(appliance: Appliance, say: Callable[[str], None]) -> None:
    """Let Home Assistant take the dongle that is plugged in; ``say`` is told what happens.

    Does nothing when there is an entry, or no dongle. Two never run at once: Home Assistant would
    be told twice to form a network. What the watchdog should know is left in a file. Raises
    HemsError with the reason why the dongle was not taken.
    """
    # Not the appliance's lock: a play, which holds that one, waits for this.
    with lock.appliance_lock(appliance.paths.root_run / LOCK, WORK, wait_seconds=WAIT_SECONDS):
        _adopt(appliance, say)


def _adopt(appliance: Appliance, say: Callable[[str], None]) -> None:
    run = appliance.paths.root_run
    if not appliance.features.zigbee:
        adopted.save(run, adopted.Adopted())
        say("This site has no Zigbee: hems_zigbee_enabled is false.")
        return
    try:
        device = entries.stored_device(appliance.home_assistant)
        if device is None or _deleted(appliance):
            device = _take(appliance, say)
        else:
            say(ALREADY.format(device))
            _say_state(appliance, say)
    except NoDongleError as error:
        adopted.save(run, adopted.Adopted())
        say(str(error))
        return
    except HemsError as error:
        adopted.save(run, adopted.Adopted(problem=str(error)))
        raise
    adopted.save(run, adopted.Adopted(device=device))
    if lacking := entries.lacking(appliance.home_assistant):
        raise HemsError(
            f"Home Assistant has its Zigbee dongle, but has lost {' and '.join(lacking)}, so "
            "readings are not stored: run the whole playbook, which restores that."
        )


def _deleted(appliance: Appliance) -> bool:
    """Whether the entry on disk is there no more: Home Assistant writes its file later."""
    try:
        return entries.find(access_of(appliance)) is None
    except HomeAssistantError:  # it does not run, so the file is right
        return False


def _say_state(appliance: Appliance, say: Callable[[str], None]) -> None:
    """Say what is wrong with an entry that does not work: whoever asks was sent here by it."""
    with suppress(HomeAssistantError):  # it does not run, which is another issue
        entry = entries.find(access_of(appliance))
        if entry is not None and not entry.loaded:
            say(NOT_WORKING.format(entry))


def _take(appliance: Appliance, say: Callable[[str], None]) -> str:
    device = str(_plugged(appliance.zigbee.dongle))
    access = access_of(appliance)
    wait_running(access, START_SECONDS)
    if entries.find(access) is not None:  # younger than the file
        say(ALREADY.format(device))
        return device
    say(f"Setting up the Zigbee dongle {device} in Home Assistant …")
    done = _flow(access, device)
    _end_discovered(access)
    state = f"{done.state} ({done.reason})" if done.reason else done.state
    say(f"Home Assistant now uses the Zigbee dongle {device}; Zigbee is {state}.")
    return device


def _plugged(wanted: str) -> Path:
    try:
        return dongle.choose(dongle.plugged(wanted), wanted)
    except NoDongleError:
        time.sleep(SETTLE_SECONDS)
        return dongle.choose(dongle.plugged(wanted), wanted)


def _flow(access: Access, device: str) -> Done:
    """Go through the flow. Raises HemsError; then nothing of the flow is left."""
    step = rest(access, "POST", FLOWS, {"handler": entries.DOMAIN}, STEP_SECONDS)
    path = f"{FLOWS}/{step['flow_id']}"
    deadline = time.monotonic() + FLOW_SECONDS
    try:
        while True:
            reply = answer(step, device)
            if isinstance(reply, Done):
                return reply
            if time.monotonic() >= deadline:
                raise FlowError(
                    f"Home Assistant has not finished with {device} in {FLOW_SECONDS:.0f} s: "
                    "plug the dongle in again."
                )
            if isinstance(reply, Wait):
                time.sleep(POLL_SECONDS)
                step = rest(access, "GET", path, timeout=STEP_SECONDS)
            else:
                step = rest(access, "POST", path, reply.data, STEP_SECONDS)
    except BaseException:
        with suppress(HomeAssistantError):  # one that was aborted is gone already
            rest(access, "DELETE", path)
        raise


def _end_discovered(access: Access) -> None:
    """End what Home Assistant began when it saw the dongle: it would ask the owner to add it."""
    with HomeAssistant(access) as home_assistant:
        flows: list[dict[str, Any]] = home_assistant.call("config_entries/flow/progress")
    for one in flows:
        if one["handler"] == entries.DOMAIN and one["context"]["source"] == DISCOVERED:
            with suppress(HomeAssistantError):  # it may end by itself
                rest(access, "DELETE", f"{FLOWS}/{one['flow_id']}")
