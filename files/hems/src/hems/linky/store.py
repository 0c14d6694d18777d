"""What is remembered of a meter over restarts: one small JSON file each.

A power cut may take the last minutes of it, and no energy: the meter's own index carries that.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hems import whole_file
from hems.linky.labels import LABELS, Mode
from hems.linky.meter import State

FORMAT = 1
SALT_BYTES = 16


class StoreError(ValueError):
    """The file holds something else than what is written there."""


@dataclass(frozen=True)
class Kept:
    """A meter's state, the salt that hides its number, and the wall's time of its last reading."""

    state: State = field(default_factory=State)
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(SALT_BYTES))
    at: float | None = None  # seconds since 1970


def to_json(kept: Kept) -> str:
    """Return the file's text; what was in doubt is forgotten with the process."""
    state = kept.state
    content = {
        "format": FORMAT,
        "salt": kept.salt.hex(),
        "at": kept.at,
        "meter": state.meter,
        "mode": state.mode.value if state.mode else None,
        "raw": dict(state.raw),
        "clock": state.clock,
        "published": dict(state.published),
        "total": state.total,
        "dropped": dict(state.dropped),
        "changed": state.changed,
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Kept:
    """Return what a file's text says.

    Raises StoreError.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise StoreError(f"it has format {content['format']}")
        at, total, mode = content["at"], content["total"], content["mode"]
        clock, salt = content.get("clock"), bytes.fromhex(content["salt"])
        if len(salt) != SALT_BYTES:
            raise StoreError("its salt has another size")
        state = State(
            meter=str(content["meter"]),
            mode=Mode(mode) if mode else None,
            raw=_counts(content["raw"]),
            clock=None if clock is None else float(clock),
            published=_counts(content["published"]),
            total=None if total is None else int(total),
            dropped={str(key): int(value) for key, value in content["dropped"].items()},
            changed=str(content["changed"]),
        )
        return Kept(state, salt, None if at is None else float(at))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise StoreError(str(error)) from error


def _counts(content: Mapping[str, Any]) -> dict[str, int]:
    return {label: int(value) for label, value in content.items() if label in LABELS}


def load(path: Path) -> tuple[Kept, str]:
    """Return what is remembered, and what went wrong in one sentence, else nothing.

    A file that can't be read is set aside under a dated name, never overwritten.
    """
    try:
        return from_json(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return Kept(), ""
    except (OSError, UnicodeDecodeError, StoreError) as error:
        aside = path.with_name(f"{path.name}.{time.strftime('%Y-%m-%dT%H-%M-%S')}.broken")
        try:
            path.rename(aside)
            where = f"it is kept as {aside}"
        except OSError as second:  # the daemon reads on, and says so again when it can't save
            where = f"nor can it be set aside ({second.strerror})"
        return Kept(), (
            f"What was remembered of the meter can't be read ({error}): {where}, and the energy "
            "counters start from the meter's own again."
        )


def save(path: Path, kept: Kept) -> None:
    """Replace the file in one step. Raises OSError."""
    whole_file.write(path, to_json(kept), mode=0o600)
