"""Which value templates a device may bring along.

Home Assistant renders a device's ``value_template`` with Jinja2, on its one thread, at each
message: a loop in it, or a text times a large number, stops the whole of Home Assistant, at each
start again. What a meter needs is small enough to be said as a grammar: a value out of the message,
numbers made of it, and a choice between two words.
"""

from __future__ import annotations

import re

LONGEST = 256  # characters

_NAME = r"[A-Za-z0-9][A-Za-z0-9_]{0,63}"  # no leading underscore: Python's own attributes
_KEY = rf"(?:\.{_NAME}|\[\s*'[A-Za-z0-9][\w .:-]{{0,63}}'\s*\]|\[\s*\d{{1,3}}\s*\])"
_VALUE = rf"(?:value_json{_KEY}{{0,8}}|value)"
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_WORD = r"(?:'[\w .:%-]{0,64}'|\"[\w .:%-]{0,64}\")"
_CONSTANT = rf"(?:{_NUMBER}|{_WORD}|true|false|none)"
# Filters that give a number whatever they get, and those that need one.
_TO_NUMBER = rf"(?:float|int)(?:\(\s*(?:default\s*=\s*)?(?:{_NUMBER}|none)\s*\))?"
_ROUND = r"(?:round(?:\(\s*-?\d{1,2}\s*(?:,\s*'(?:common|ceil|floor)'\s*)?\))?|abs|int|float)"
_OTHER = rf"(?:default\(\s*{_CONSTANT}\s*(?:,\s*true\s*)?\)|lower|upper|trim|string|is_defined)"
_NUMERIC = rf"{_VALUE}(?:\s*\|\s*{_OTHER})*\s*\|\s*{_TO_NUMBER}(?:\s*\|\s*{_ROUND})*"
_SUM = rf"{_NUMERIC}(?:\s*[-+*/]\s*{_NUMBER}){{0,4}}"
_ROUNDED = rf"\(\s*{_SUM}\s*\)(?:\s*[-+*/]\s*{_NUMBER}){{0,4}}(?:\s*\|\s*{_ROUND})*"
_PLAIN = rf"{_VALUE}(?:\s*\|\s*{_OTHER})*"
_CHOICE = (
    rf"{_CONSTANT}\s+if\s+{_VALUE}(?:\s*\|\s*{_OTHER}|\s*\|\s*{_TO_NUMBER})*"
    rf"(?:\s*(?:==|!=|<=|>=|<|>)\s*{_CONSTANT})?\s+else\s+{_CONSTANT}"
)
_TEMPLATE = re.compile(
    rf"\s*{{{{-?\s*(?:{_SUM}|{_ROUNDED}|{_PLAIN}|{_CHOICE})\s*-?}}}}\s*", re.ASCII
)


def is_plain(template: str) -> bool:
    """Whether a template is one that costs nothing, whatever message it is given."""
    return len(template) <= LONGEST and _TEMPLATE.fullmatch(template) is not None
