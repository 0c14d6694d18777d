"""From a reader's labels and texts to a reading. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from hems.linky import labels
from hems.linky.meter import Reading

TEXT_CHARACTERS = 255  # the longest state that Home Assistant keeps


@dataclass(frozen=True)
class Read:
    """A reading, and the labels whose values can't be what they should be."""

    reading: Reading
    damaged: tuple[str, ...] = ()


def read(
    texts: Mapping[str, str], salt: bytes, elapsed: float | None, at: float = 0.0
) -> Read | None:
    """Return the reading in a frame's texts; None where they are no Linky's.

    Labels that nobody knows are left out, and so is who the meter is: ``salt`` hides its number.
    ``elapsed`` is the seconds since the last reading that was taken, ``at`` monotonic seconds.
    """
    texts = {labels.ALIASES.get(label, label): text for label, text in texts.items()}
    mode = labels.mode_of(texts)
    if mode is None:
        return None
    values: dict[str, int | str | None] = {}
    damaged = []
    for label in texts.keys() & labels.LABELS.keys():
        try:
            value = labels.value_of(label, texts[label])
        except ValueError:
            damaged.append(label)
            continue
        values[label] = value[:TEXT_CHARACTERS] if isinstance(value, str) else value
    clock = labels.clock_of(texts.get(labels.DATE, ""))
    reading = Reading(_meter(texts, salt), mode, values, elapsed, clock, at)
    return Read(reading, tuple(sorted(damaged)))


def _meter(texts: Mapping[str, str], salt: bytes) -> str:
    number = next((texts[label] for label in labels.METER if texts.get(label)), "")
    return hashlib.blake2b(number.encode(), key=salt, digest_size=8).hexdigest() if number else ""
