"""Which values a discovery message may have: a check returns the value or says why not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hems import HemsError
from hems.discovery.template import is_plain

TEXT_CHARACTERS = 128
OPTIONS = 32
RESERVED = "hems"  # the box's own entities: sensor.hems_power …

Check = Callable[[Any], Any]


class RefusedError(HemsError):
    """A message that Home Assistant does not hear; its text is what is wrong with it."""


def text(value: Any, longest: int = TEXT_CHARACTERS) -> str:
    """Accept some printable characters, on one line."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= longest:
        raise RefusedError(f"it is no text of 1 to {longest} printable characters")
    return value


def name(value: Any) -> str | None:
    """Accept an entity's name, or null, by which it has its device's."""
    return None if value is None else text(value)


def version(value: Any) -> str:
    """Accept a text, also one that reads as a number."""
    return text(str(value) if isinstance(value, int | float) else value)


def word(value: Any) -> str:
    """Accept one of Home Assistant's own words, such as a device class."""
    return _like(value, r"[a-z0-9_]+", "word of a-z, 0-9 and _")


def icon(value: Any) -> str:
    """Accept an icon."""
    return _like(value, r"[a-z]+:[a-z0-9-]+", "icon such as mdi:flash")


def template(value: Any) -> str:
    """Accept a template that costs nothing."""
    if not isinstance(value, str) or not is_plain(value):
        raise RefusedError("it is more than a value out of the message, or a number made of it")
    return value


def switch(value: Any) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise RefusedError("it is neither true nor false")
    return value


def number(least: int, most: int) -> Check:
    """Return what accepts a whole number from ``least`` to ``most``."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RefusedError(f"it is no whole number from {least} to {most}")
        return value

    return check


def one_of(*words: str) -> Check:
    """Return what accepts these words."""

    def check(value: Any) -> str:
        if value not in words:
            raise RefusedError(f"it is not one of {', '.join(words)}")
        return str(value)

    return check


def options(value: Any) -> list[str]:
    """Accept the states that an enumeration has."""
    if not isinstance(value, list) or not 0 < len(value) <= OPTIONS:
        raise RefusedError(f"it is no list of 1 to {OPTIONS}")
    return [text(one) for one in value]


def object_id(value: Any) -> str:
    """Accept an entity's id without its domain; the box's own are not for devices."""
    found = word(value)
    if found.startswith(RESERVED):
        raise RefusedError(f"names that begin with {RESERVED} are the box's own")
    return found


def entity(component: str) -> Check:
    """Return what accepts an entity's id of a component."""

    def check(value: Any) -> str:
        domain, _, rest = text(value).partition(".")
        if domain != component:
            raise RefusedError(f"it does not begin with '{component}.'")
        return f"{domain}.{object_id(rest)}"

    return check


def _like(value: Any, pattern: str, what: str) -> str:
    found = text(value)
    if not re.fullmatch(pattern, found):
        raise RefusedError(f"it is no {what}")
    return found
