"""What the box says while it is put on WiFi, in its languages: ``words/<code>.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template

from hems.onboarding.core import Trouble

ENGLISH = "en"
LANGUAGES = {
    ENGLISH: "English",
    "fr": "Français",
    "de": "Deutsch",
    "nl": "Nederlands",
    "ga": "Gaeilge",
}
MOST_WANTED = 20  # of a browser's languages that are looked at


@cache
def _words(language: str) -> Mapping[str, Mapping[str, str]]:
    file = resources.files(__package__) / "words" / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def page(language: str) -> Mapping[str, str]:
    """Return the portal's texts by key; ``$name`` stands for what is filled in."""
    return _words(language)["page"]


def sentence(trouble: Trouble, reason: int = 0, language: str = ENGLISH) -> str:
    """Return what keeps the box off a network, as a sentence for people."""
    return Template(_words(language)["trouble"][trouble]).substitute(reason=reason)


def spoken(asked: str, header: str) -> str:
    """Return the language of a page: the one asked for, else of Accept-Language (RFC 9110).

    >>> spoken("", "pl, fr-BE;q=0.8, de;q=0.9"), spoken("nl", "fr"), spoken("xx", "*")
    ('de', 'nl', 'en')
    """
    if asked in LANGUAGES:
        return asked
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:MOST_WANTED]:
        match = re.fullmatch(
            r"\s*([A-Za-z]{2,3})(?:-[\w-]+)?\s*(?:;\s*q=([01](?:\.\d{1,3})?))?\s*", part
        )
        if match and match[1].lower() in LANGUAGES:
            found.append((float(match[2] or 1), match[1].lower()))
    return max(found, key=lambda one: one[0], default=(0.0, ENGLISH))[1]
