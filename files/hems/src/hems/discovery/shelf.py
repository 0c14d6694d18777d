"""Where messages lie that were set aside: one file each, under a dated name.

As long as the file is there, Home Assistant does not hear that content of that topic.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hems import whole_file
from hems.discovery.book import Retained
from hems.discovery.trial import Message, identify

MOST_FILES = 50  # the oldest makes room
MOST_BYTES = 512 * 1024  # of a file
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Aside:
    """A message that was set aside, and the name of its file."""

    message: Message
    name: str

    @property
    def account(self) -> str:
        """Whose it was."""
        return ([*self.message.topic.split("/"), "", ""])[2]


def put(directory: Path, message: Retained, now: datetime) -> str:
    """Keep a message and return its file's name. Raises OSError."""
    for old in sorted(directory.glob("*.json"))[: -MOST_FILES + 1]:
        old.unlink()
    kind = re.sub(r"[^A-Za-z0-9_-]+", "-", message.topic)[:100]
    name = f"{now.astimezone(UTC).strftime(STAMP)}-{kind}.json"
    content = {
        "topic": message.topic,
        "payload": message.payload.decode(errors="surrogateescape"),
    }
    whole_file.write(directory / name, json.dumps(content, indent=1) + "\n", mode=0o640)
    return name


def read(directory: Path) -> list[Aside]:
    """Return what was set aside, the oldest first; a file that can't be read counts as none."""
    found = []
    for path in sorted(directory.glob("*.json")):
        try:
            with path.open("rb") as stream:
                content = json.loads(stream.read(MOST_BYTES))
            payload = str(content["payload"]).encode(errors="surrogateescape")
            found.append(Aside(identify(str(content["topic"]), payload), path.name))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found
