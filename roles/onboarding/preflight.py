# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The variables that describe a site's hotspot, each with its check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playbooks.preflight import values
from playbooks.preflight.values import Check

REQUIRED: Mapping[str, Check] = {
    "hems_hotspot_address": values.matches(r"10(\.\d{1,3}){2}\.1", "an address such as 10.42.0.1"),
}
OPTIONAL: Mapping[str, Check] = {
    "hems_secret_hotspot": values.matches(
        r"[\x21-\x7e][\x20-\x7e]{6,61}[\x21-\x7e]",
        "8 to 63 letters, digits and symbols, with no space at either end",
    ),
}
RENAMED: Mapping[str, str] = {}


def problems(_variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit together: nothing."""
    return iter(())
