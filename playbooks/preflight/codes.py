# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The codes that Home Assistant takes; a test compares them with the pinned release's on the box.

Countries are ISO 3166-1's, with the names that the time zone database gives them.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from functools import cache

# ISO 4217, those in use
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES
    KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
    """.split()  # noqa: SIM905
)

# Those that its user interface speaks
LANGUAGES = frozenset(
    """
    af ar bg bn bs ca cs cy da de el en en-GB eo es es-419 et eu fa fi fr fy ga gl gsw he hi hr
    hu hy id is it ja ka ko lb lt lv mk ml nb nl nn pl pt pt-BR ro ru sk sl sq sr sr-Latn sv ta
    te th tr uk ur vi zh-Hans zh-Hant
    """.split()  # noqa: SIM905
)


@cache
def countries() -> Mapping[str, str]:
    """Return each country's name by its ISO 3166-1 alpha-2 code."""
    table = importlib.resources.files("tzdata") / "zoneinfo" / "iso3166.tab"
    lines = table.read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines if line and not line.startswith("#"))
