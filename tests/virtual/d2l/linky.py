"""What a simulated Linky says, in both of its modes. Pure."""

from __future__ import annotations

import math
import time

HISTORIQUE, STANDARD = "historique", "standard"
MODES = (HISTORIQUE, STANDARD)
VOLTS = 233


def values(mode: str, number: str, wh: int, watts: float, at: float) -> dict[str, str]:
    """Return labels and texts as a D2L dongle passes them on.

    ``number`` is the meter's (12 digits), ``wh`` its index, ``at`` the time (seconds since 1970).
    """
    power = max(0, round(watts))
    amperes = math.ceil(power / VOLTS)
    if mode == HISTORIQUE:
        return {
            "_TYPE_TRAME": "HISTORIQUE",
            "ADCO": number,
            "OPTARIF": "BASE",
            "ISOUSC": "30",
            "BASE": f"{wh:09d}",
            "PTEC": "TH..",
            "IINST": f"{amperes:03d}",
            "IMAX": "090",
            "PAPP": f"{power:05d}",
            "HHPHC": "A",
            "MOTDETAT": "000000",
        }
    date = time.strftime("H%y%m%d%H%M%S", time.localtime(at))
    empty = "000000000"
    return {
        "_TYPE_TRAME": "STANDARD",
        "ADSC": number,
        "VTIC": "02",
        "DATE": f"{date}|",
        "NGTF": "      BASE      ",
        "LTARF": "      BASE      ",
        "EAST": f"{wh:09d}",
        "EASF01": f"{wh:09d}",
        **{f"EASF{tariff:02d}": empty for tariff in range(2, 11)},
        "EASD01": f"{wh:09d}",
        **{f"EASD{tariff:02d}": empty for tariff in range(2, 5)},
        "IRMS1": f"{amperes:03d}",
        "URMS1": f"{VOLTS:03d}",
        "PREF": "06",
        "PCOUP": "06",
        "SINSTS": f"{power:05d}",
        "SMAXSN": f"{date}|{power:05d}",
        "SMAXSN-1": f"{date}|04421",
        "CCASN": f"{date}|{power:05d}",
        "CCASN-1": "|",
        "UMOY1": f"{date}|{VOLTS:03d}",
        "STGE": "003A0001",
        "MSG1": "PAS DE          MESSAGE         ",
        "PRM": f"30{number}",
        "RELAIS": "000",
        "NTARF": "01",
        "NJOURF": "00",
        "NJOURF+1": "00",
        "PPOINTE": "",
    }
