# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Pair a Zigbee device on the box and show its interview while it happens.

The pairing is a unit of the box's systemd, so a connection that drops doesn't end it: the plugin
asks for new lines again and again, and a second play finds the pairing that goes on.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

UNIT = "hems-pairing.service"
COMMAND = "/usr/local/bin/hems"  # role hems puts it there
POLL_SECONDS = 1.0
LOST_SECONDS = 120.0  # without the box, until the play gives up watching
LAST = re.compile(r"pairing ended with (\d+)")
CURSOR = "-- cursor: "
# The last line tells how it went, whoever reads it. To stop the unit ends the command, and that
# closes joining.
WRAPPER = 'trap : TERM; "$@"; echo "pairing ended with $?"'


class Refusal(Exception):
    """What stops the play, in one sentence."""


@dataclass(frozen=True)
class Progress:
    """What one look at the box gave."""

    lines: list[str]
    cursor: str  # where the next look goes on
    running: bool


def pairing(arguments: dict[str, Any]) -> list[str]:
    """Return the command that pairs. Raises Refusal."""
    known = {"name", "seconds", "pulses", "replace", "in_energy"}
    if unknown := sorted(set(arguments) - known):
        raise Refusal(
            f"zigbee_pairing has no {', '.join(unknown)}, only {', '.join(sorted(known))}."
        )
    command = [COMMAND, "zigbee", "pair"]
    for option in ("name", "seconds", "pulses"):
        if arguments.get(option) not in (None, ""):
            command += [f"--{option}", str(arguments[option])]
    if _is_true(arguments.get("replace", False)):
        command.append("--replace")
    if not _is_true(arguments.get("in_energy", True)):
        command.append("--no-energy")
    return command


def start_script(command: list[str], tag: str) -> str:
    """Return the shell script that starts it, or shows what goes on already."""
    run = [
        *("systemd-run", f"--unit={UNIT}", "--collect", "--quiet", "--no-ask-password"),
        f"--description={shlex.join(command)}",
        f"--property=SyslogIdentifier={tag}",
        *("--", "sh", "-c", WRAPPER, "sh", *command),
    ]
    return (
        f"if systemctl is-active --quiet {UNIT}; then "
        f"systemctl show --property=Description --property=SyslogIdentifier {UNIT}; "
        f"elif test ! -x {COMMAND}; then echo missing; else {shlex.join(run)}; fi"
    )


def look_script(tag: str, cursor: str) -> str:
    """Return the shell script that shows what is new, and whether it still goes on."""
    after = f" --after-cursor={shlex.quote(cursor)}" if cursor else ""
    return (
        f"if systemctl is-active --quiet {UNIT}; then echo running; "
        "else journalctl --sync; echo ended; fi; "
        f"journalctl --quiet --no-pager --output=cat --show-cursor --identifier={tag}{after}"
    )


def parse(text: str, cursor: str) -> Progress:
    """Return what ``look_script`` printed; ``cursor`` is the one before."""
    first, *lines = text.splitlines() or [""]
    if lines and lines[-1].startswith(CURSOR):
        cursor = lines.pop().removeprefix(CURSOR)
    return Progress(lines, cursor, first == "running")


def attached(text: str, command: list[str]) -> str | None:
    """Return the tag of the same pairing that goes on already, None when one was started.

    Raises Refusal when a different one goes on.
    """
    if text.strip() == "missing":
        raise Refusal(f"The box has no {COMMAND}: run playbooks/site.yml on it first.")
    shown = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "SyslogIdentifier" not in shown:
        return None
    if shown.get("Description") != shlex.join(command):
        raise Refusal(
            f"Another pairing goes on on the box ('{shown.get('Description')}'): wait until it "
            f"ends, or end it there with 'sudo systemctl stop {UNIT}'."
        )
    return shown["SyslogIdentifier"]


def result(lines: list[str]) -> dict[str, Any]:
    """Return the task's result from all the lines of a pairing that has ended."""
    ended = LAST.fullmatch(lines[-1]) if lines else None
    if ended and ended[1] == "0":
        return {"changed": True}
    errors = [line.removeprefix("hems: ") for line in lines if line.startswith("hems: ")]
    if errors:
        message = errors[-1]
    elif ended and ended[1] == "130":
        message = "The pairing was ended on the box before a device was found: run it again."
    else:
        message = f"The pairing ended without a word: 'journalctl -u {UNIT}' on the box says why."
    return {"failed": True, "msg": message}


def _is_true(value: object) -> bool:
    """Tell what a person meant on the command line, where everything is text."""
    if str(value).lower() in ("true", "yes", "on", "1"):
        return True
    if str(value).lower() in ("false", "no", "off", "0"):
        return False
    raise Refusal(f"'{value}' must be true or false.")


class ActionModule(ActionBase):
    """Start the pairing, show its lines, and end as it ends."""

    _supports_check_mode = True
    _requires_connection = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the result; the interview is shown on the way."""
        super().run(tmp, task_vars)
        try:
            command = pairing(self._task.args)
            if self._task.check_mode:
                self._display.display(f"  Would run 'sudo {shlex.join(command)}' on the box.")
                return {"changed": True}
            return self._pair(command)
        except Refusal as refusal:
            return {"failed": True, "msg": str(refusal)}

    def _pair(self, command: list[str]) -> dict[str, Any]:
        tag = f"hems-pairing-{secrets.token_hex(4)}"
        started = self._run_on_box(start_script(command, tag))
        if old := attached(started, command):
            self._display.display("This pairing goes on on the box already; from its beginning:")
            tag = old
        return self._watch(tag)

    def _watch(self, tag: str) -> dict[str, Any]:
        seen: list[str] = []
        cursor, last_heard, lost = "", time.monotonic(), False
        while True:
            try:
                progress = parse(self._run_on_box(look_script(tag, cursor)), cursor)
            except AnsibleConnectionFailure as error:
                if time.monotonic() - last_heard > LOST_SECONDS:
                    raise Refusal(
                        "The box has not been reached for two minutes; the pairing goes on there: "
                        "run the playbook again to watch it, or see "
                        f"'journalctl -u {UNIT}' on the box."
                    ) from error
                if not lost:
                    self._display.display("  (no connection to the box; the pairing goes on there)")
                lost = True
                time.sleep(POLL_SECONDS)
                continue
            last_heard, cursor, lost = time.monotonic(), progress.cursor, False
            for line in progress.lines:
                if not LAST.fullmatch(line) and not line.startswith("hems: "):
                    self._display.display(f"  {line}")
            seen += progress.lines
            if not progress.running:
                return result(seen)
            time.sleep(POLL_SECONDS)

    def _run_on_box(self, script: str) -> str:
        """Run a shell script as root and return what it says. Raises Refusal."""
        done = self._low_level_execute_command(script, sudoable=True)
        if done["rc"]:
            reason = (done["stderr"] or done["stdout"]).strip().splitlines() or ["no reason given"]
            raise Refusal(f"The box refuses to pair: {reason[-1]}")
        return str(done["stdout"])
