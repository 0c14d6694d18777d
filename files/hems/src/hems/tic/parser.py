"""A Linky's customer output (TIC): bytes of the serial line to frames of labels. Pure.

Source: Enedis-NOI-CPT_54E, chapter 5. A frame is STX, groups, ETX; a group is LF, label, separator,
[date, separator,] value, separator, checksum, CR. The separator is a space in historique mode
(1200 baud) and a tab in standard mode (9600 baud); 7 data bits, even parity.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
LARGEST = 8192  # bytes; a frame of a three-phase producer in standard mode has some 1500
SPACE, TAB = b" ", b"\t"


class GroupError(ValueError):
    """A group whose checksum or form is wrong."""


@dataclass(frozen=True)
class Frame:
    """One frame's labels and texts, a dated one as "H20120902|03381", and how many were damaged."""

    texts: dict[str, str]
    damaged: int = 0


def checksum(data: bytes) -> int:
    """Return the checksum's character for what it covers."""
    return (sum(data) & 0x3F) + 0x20


def parse_group(data: bytes) -> tuple[str, str]:
    """Return the label and the text of what stands between LF and CR.

    Raises GroupError.
    """
    if len(data) < 4:
        raise GroupError
    separator, given = data[-2:-1], data[-1]
    # In standard mode, the separator before the checksum is covered by it.
    covered = data[:-1] if separator == TAB else data[:-2]
    if separator not in (SPACE, TAB) or checksum(covered) != given:
        raise GroupError
    label, found, rest = data[:-2].partition(separator)
    if not (label and found):
        raise GroupError
    words = [word.decode("ascii", "replace") for word in rest.split(TAB)]
    return label.decode("ascii", "replace"), "|".join(words)


@dataclass
class Parser:
    """Takes bytes as they come and gives whole frames; holds at most LARGEST bytes."""

    _frame: bytearray | None = field(default=None)
    lost: int = 0  # frames that were cut short or too long

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that end in ``data``."""
        frames = []
        for byte in data:
            value = byte & 0x7F  # the parity bit, where the line has eight
            if value == STX:
                self.lost += bool(self._frame)
                self._frame = bytearray()
            elif self._frame is None:
                continue
            elif value == ETX:
                frames.append(parse_frame(bytes(self._frame)))
                self._frame = None
            elif value == EOT or len(self._frame) >= LARGEST:
                self.lost += 1
                self._frame = None
            else:
                self._frame.append(value)
        return frames


def parse_frame(data: bytes) -> Frame:
    """Return the frame in what stands between STX and ETX; damaged groups are left out."""
    texts: dict[str, str] = {}
    damaged = 0
    for group in data.split(bytes([LF]))[1:]:
        try:
            label, text = parse_group(group.rstrip(bytes([CR])))
        except GroupError:
            damaged += 1
        else:
            texts[label] = text
    return Frame(texts, damaged)
