# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The variables that say where a site's receipts go, each with its check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playbooks.preflight import values
from playbooks.preflight.values import Check

SECRET = "hems_secret_receipt_password"
SITE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # hems.receipts.core has the same
OPERATOR = "operator"  # its account at the fleet server

REQUIRED: Mapping[str, Check] = {}
OPTIONAL: Mapping[str, Check] = {
    "hems_fleet_server": values.matches(
        r"|(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}",
        "empty, or the fleet server's name such as fleet.example.org",
    ),
    "hems_fleet_ca": values.matches(
        r"(?s)|-----BEGIN CERTIFICATE-----\n.+-----END CERTIFICATE-----\n?",
        "empty, or a certificate in PEM ('-----BEGIN CERTIFICATE-----' …)",
    ),
    SECRET: values.matches(r"[!-~]{16,128}", "16 to 128 characters without spaces"),
}
RENAMED: Mapping[str, str] = {}


def problems(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit together; ``variables`` are those that are right by themselves."""
    if not variables.get("hems_fleet_server"):
        return
    if SECRET not in variables:
        yield f"hems_fleet_server is set, but {SECRET} is not: put it into the site's vault.yml."
    site = str(variables.get("inventory_hostname", "site"))
    if not re.fullmatch(SITE, site) or site == OPERATOR:
        yield (
            f"'{site}' can't be a site's account at the fleet server: name the host with letters, "
            f"digits and . _ - in hosts.yml, and not '{OPERATOR}'."
        )
