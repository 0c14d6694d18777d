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
SUMMARY = "show the D2L dongles, and what to check at one that is silent or refused"
HEADINGS = ("Dongle", "Number", "Mode", "Last frame", "Taken", "Dropped", "From")
BROKER_AWAY = "The MQTT broker is away: nothing reaches Home Assistant ('hems status')."
CHECKS = {
    Fault.KEY.value: "compare its key with the one in the site's Vault",
    Fault.IV.value: "compare its initialisation vector (IV) with the one in the site's Vault",
    intake.NO_KEY: "give its key and IV in the site's Vault and run the playbook",
    intake.REPLAY: "a lone one is harmless; many mean that somebody repeats its frames",
    intake.TOO_MANY: "set it to one frame a minute",
    intake.HELD_BACK: "wait three minutes: an exchanged meter is taken then",
    intake.NO_LINKY: "see that the dongle sits on the meter's customer output (terminals I1, I2)",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print it for programs")


def run(options: argparse.Namespace) -> int:
    """Show how the dongles are; 1 when one of them is silent or refused."""
    now = time.monotonic()
    report = status.read(status.D2L, now)
    if report is None:
        raise HemsError(
            "The D2L daemon does not run: without a dongle in the site's variables "
            "(hems_d2l_dongles) it is off, else 'journalctl -u hems-d2l' says why."
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
            dongle["address"] or "nowhere yet",
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
            check = CHECKS.get(dongle["problem"], "see that it is an eeSmart D2L, version 3")
            found.append(f"{name}: its last frame was dropped, {dongle['problem']}: {check}.")
        elif last is None:
            found.append(
                f"{name}: nothing has come from it yet: see that its WiFi is on, and that it sends "
                "to this box, port 7845."
            )
        elif now - last > report["silence"]:
            found.append(f"{name}: silent since {ago(last, now)}: see that it has power and WiFi.")
    for number, count in report["strangers"].items():
        found.append(
            f"A dongle {number} that this site does not know has sent {count} frames: is it yours? "
            "Then add it to hems_d2l_dongles."
        )
    return found
