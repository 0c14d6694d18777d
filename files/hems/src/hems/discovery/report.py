"""What hems-discovery has to say about the box's health: a file of this boot, for the watchdog.

Who reads it trusts it no further than a stranger: few issues, of a few kinds, short and printable.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from hems import whole_file
from hems.discovery.quota import BYTES, MESSAGES, Quota
from hems.discovery.shelf import Aside
from hems.health.catalogue import Issue, issue

DIRECTORY = Path("/run/hems-discovery")
FILE = "issues.json"
ASIDE, OVER = "mqtt_message_set_aside", "mqtt_account_full"
MOST_BYTES = 64 * 1024
MOST_ISSUES = 20
MOST_CHARACTERS = 300

Told = tuple[str, str, str]  # code, subject, detail


def issues(aside: Iterable[Aside], quota: Quota, directory: Path) -> list[Told]:
    """Return what is wrong; ``directory`` is where messages that were set aside lie."""
    found = [
        (ASIDE, one.message.topic, f"account {one.account}, kept as {directory / one.name}")
        for one in aside
    ]
    for account, number in sorted(quota.over.items()):
        words = f"more than {MESSAGES} messages or {BYTES // 1024} KB: {number} were taken out"
        found.append((OVER, account, words))
    return found[-MOST_ISSUES:]


def write(directory: Path, told: Iterable[Told]) -> None:
    """Replace the file. Raises OSError."""
    whole_file.write(directory / FILE, json.dumps(list(told)) + "\n", mode=0o644)


def read(path: Path) -> tuple[Issue, ...]:
    """Return the issues in a file; what can't be read is none."""
    try:
        with path.open("rb") as stream:
            listed = json.loads(stream.read(MOST_BYTES))
        return tuple(
            issue(code, _plain(detail), _plain(subject))
            for code, subject, detail in listed[:MOST_ISSUES]
            if code in (ASIDE, OVER)
        )
    except (OSError, ValueError, TypeError, RecursionError):
        return ()


def _plain(text: object) -> str:
    words = str(text)[:MOST_CHARACTERS]
    return "".join(letter if letter.isprintable() else "?" for letter in words)
