"""Line protocol: finds the lines that only the engine's own parser can judge.

InfluxDB 2 stores nothing of a batch with a bad line, 1.6 stores the rest of it. So each line that
is not plainly good is shown to the engine first, alone, in a way that stores nothing.
"""

from __future__ import annotations

import re

PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}  # InfluxDB 2's names and the engine's

_KEY = r"[^\s,=\"'\\#\x00-\x1f]+"
_NUMBER = r"-?\d{1,30}(?:\.\d{1,30})?|-?\d{1,18}i"
_VALUE = rf"(?:{_NUMBER}|t|T|true|True|TRUE|f|F|false|False|FALSE|\"[^\"\\\n]*\")"
_DIGITS = {"ns": r"(?:1\d{18}|\d{1,18})", "us": r"\d{1,16}", "ms": r"\d{1,13}", "s": r"\d{1,10}"}
_PLAIN = {
    precision: re.compile(
        rf"{_KEY}(?P<tags>(?:,{_KEY}={_KEY})*) {_KEY}={_VALUE}(?:,{_KEY}={_VALUE})*(?: {digits})?"
    )
    for precision, digits in _DIGITS.items()
}
_RESERVED = {"time", "_field", "_measurement"}
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def is_plain(line: str, precision: str) -> bool:
    """Tell whether the line is good beyond doubt: no escape, odd space, reserved or double tag."""
    keys = _tag_keys(line, precision)
    return keys is not None and len(set(keys)) == len(keys) and not _RESERVED & set(keys)


def reserved_tag(line: str, precision: str) -> str | None:
    """Return the first tag key that only InfluxDB 2 refuses, of a line that is good otherwise."""
    return next((key for key in _tag_keys(line, precision) or [] if key in _RESERVED), None)


def _tag_keys(line: str, precision: str) -> list[str] | None:
    match = _PLAIN[precision].fullmatch(line)
    return match and [tag.partition("=")[0] for tag in match["tags"].split(",")[1:]]


def doubtful(batch: str, precision: str) -> list[str]:
    """Return the batch's lines that are neither plain, nor empty, nor comments."""
    found, rest = [], ""
    for line in batch.split("\n"):
        # A string value may hold a newline: then the quotes only add up with the next line.
        whole = f"{rest}\n{line}" if rest else line
        if len(_QUOTE.findall(whole)) % 2:
            rest = whole
            continue
        rest = ""
        stripped = whole.strip()
        if stripped and not stripped.startswith("#") and not is_plain(whole, precision):
            found.append(whole)
    return [*found, rest] if rest.strip() else found
