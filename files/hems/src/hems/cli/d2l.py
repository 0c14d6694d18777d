"""``hems d2l``: the D2L dongles, what they sent last, and what to check at those that don't."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from typing import Any

from hems import HemsError
from hems.d2l import intake
from hems.d2l.frame import Fault
from hems.linky import status
from hems.linky.status import ago
from hems.table import table

UNPRIVILEGED = True
SUMMARY = "show the D2L dongles, and what to check on one that is silent or refused"
HEADINGS = ("Dongle", "Number", "Mode", "Last frame", "Taken", "Dropped", "From")
BROKER_AWAY = "The MQTT broker is down: nothing reaches Home Assistant ('hems status')."
CHECKS = {
    Fault.KEY.value: "compare its key with the one in the site's Vault",
    Fault.IV.value: "compare its initialisation vector (IV) with the one in the site's Vault",
    intake.NO_KEY: "put its key and IV into the site's Vault and run the playbook",
    intake.REPLAY: "a single one is harmless; many mean that somebody is replaying its frames",
    intake.TOO_MANY: "set it to one frame per minute",
    intake.HELD_BACK: "wait three minutes: an exchanged meter is accepted then",
    intake.NO_LINKY: "check the dongle's wires on the meter's customer output (terminals I1, I2)",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")


def run(options: argparse.Namespace) -> int:
    """Show how the dongles are; 1 when one of them is silent or refused."""
    now = time.monotonic()
    report = status.read(status.D2L, now)
    if report is None:
        raise HemsError(
            "The D2L daemon is not running: it is off when the site has no hems_d2l_dongles; "
            "otherwise 'journalctl -u hems-d2l' shows why."
        )
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join(lines(report, now)))
    return int(bool(sentences(report, now)))


def lines(report: Mapping[str, Any], now: float) -> list[str]:
    """Return what people read."""
    return [*rows(report, now), *(f"\n{line}" for line in sentences(report, now))]


def sentences(report: Mapping[str, Any], now: float) -> list[str]:
    """Return everything that is to be checked, the broker included."""
    return [*problems(report, now), *([] if report["broker"] else [BROKER_AWAY])]


def rows(report: Mapping[str, Any], now: float) -> list[str]:
    """Return the table of the dongles."""
    found = [
        (
            dongle["name"],
            dongle["number"],
            dongle["mode"] or "unknown",
            ago(dongle["last"], now),
            str(dongle["taken"]),
            str(sum(dongle["refused"].values())),
            dongle["address"] or "none yet",
        )
        for dongle in report["dongles"]
    ]
    return table(HEADINGS, found)


def problems(report: Mapping[str, Any], now: float) -> list[str]:
    """Return a sentence for each thing that an installer should check."""
    found = []
    for dongle in report["dongles"]:
        name, last, at = dongle["name"], dongle["last"], dongle["problem_at"]
        if at is not None and (last is None or at > last):
            check = CHECKS.get(dongle["problem"], "check that it is an eeSmart D2L, version 3")
            found.append(f"{name}: its last frame was dropped, {dongle['problem']}: {check}.")
        elif last is None:
            found.append(
                f"{name}: nothing received yet: check its WiFi, and that it sends to this box, "
                "port 7845."
            )
        elif now - last > report["silence"]:
            found.append(f"{name}: silent since {ago(last, now)}: check its power and WiFi.")
    for number, count in report["strangers"].items():
        found.append(
            f"An unknown dongle, {number}, has sent {count} frames: if it is yours, add it to "
            "hems_d2l_dongles."
        )
    return found
