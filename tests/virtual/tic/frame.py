"""What a Linky sends on its customer output: labels and texts to bytes. Pure.

Written from Enedis-NOI-CPT_54E, chapter 5, and not from the product's parser.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.virtual.d2l.linky import STANDARD

STX, ETX = b"\x02", b"\x03"


def group(label: str, text: str, separator: str) -> bytes:
    """Return one group; a dated text is "H20120902|03381"."""
    covered = separator.join((label, *text.split("|")))
    if separator == "\t":
        covered += separator  # the separator before the checksum is part of it here
    check = chr((sum(covered.encode("ascii")) & 0x3F) + 0x20)
    end = check if separator == "\t" else separator + check
    return f"\n{covered}{end}\r".encode("ascii")


def frame(mode: str, texts: Mapping[str, str], *, damaged: bool = False) -> bytes:
    """Return a frame; one that is ``damaged`` has a wrong checksum in every third group."""
    separator = "\t" if mode == STANDARD else " "
    groups = []
    for number, (label, text) in enumerate(texts.items()):
        if label.startswith("_"):
            continue  # a D2L dongle's own
        one = group(label, text, separator)
        if damaged and number % 3 == 0:
            one = one[:-2] + bytes([one[-2] ^ 1]) + one[-1:]
        groups.append(one)
    return STX + b"".join(groups) + ETX


def at_another_speed(data: bytes) -> bytes:
    """Return what a receiver at a wrong speed makes of it: other bytes, and as many or fewer."""
    return bytes((byte * 7 + 0x81) & 0x7F | 0x40 for byte in data[::3])
