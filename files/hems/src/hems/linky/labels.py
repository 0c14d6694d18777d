"""What a Linky meter's labels (TIC) mean, in both of its modes, single and three phase. Data.

Source: Enedis-NOI-CPT_54E, "Sorties de télé-information client des appareils de comptage Linky".
The table knows nothing of readers: a D2L dongle and a USB adapter deliver the same labels. What a
dongle spells in another way (SINST1 for SINSTS1) is in ALIASES.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum


class Kind(Enum):
    """What a value is; the words are Home Assistant's device class, unit and state class."""

    ENERGY = ("energy", "kWh", "total_increasing")  # the meter gives Wh
    REACTIVE_ENERGY = ("reactive_energy", "kvarh", "total_increasing")  # the meter gives varh
    APPARENT_POWER = ("apparent_power", "VA", "measurement")
    SUBSCRIBED_POWER = ("apparent_power", "kVA", "")
    POWER = ("power", "W", "measurement")
    CURRENT = ("current", "A", "measurement")
    RATED_CURRENT = ("current", "A", "")
    VOLTAGE = ("voltage", "V", "measurement")
    MINUTES = ("duration", "min", "")
    TEXT = ("", "", "")

    @property
    def device_class(self) -> str:
        """Home Assistant's device class; empty for a text."""
        return self.value[0]

    @property
    def unit(self) -> str:
        """The unit that is published."""
        return self.value[1]

    @property
    def state_class(self) -> str:
        """Home Assistant's state class; empty for what is no measurement."""
        return self.value[2]

    @property
    def counts(self) -> bool:
        """Whether it is a counter, which only goes up."""
        return self in (Kind.ENERGY, Kind.REACTIVE_ENERGY)

    @property
    def divisor(self) -> int:
        """How many of the meter's units make one of ours."""
        return 1000 if self.counts else 1


class Mode(Enum):
    """What the meter sends: its older language, or the richer one of 2015."""

    HISTORIQUE = "historique"
    STANDARD = "standard"


@dataclass(frozen=True)
class Label:
    """One label: what it is, and its name for people."""

    kind: Kind
    name: str


E, A, I, V = Kind.ENERGY, Kind.APPARENT_POWER, Kind.CURRENT, Kind.VOLTAGE  # noqa: E741
PHASES = (1, 2, 3)

HISTORIQUE = {
    "OPTARIF": Label(Kind.TEXT, "Tariff option"),
    "ISOUSC": Label(Kind.RATED_CURRENT, "Subscribed current"),
    "BASE": Label(E, "Energy, base"),
    "HCHC": Label(E, "Energy, off-peak (HC)"),
    "HCHP": Label(E, "Energy, peak (HP)"),
    "EJPHN": Label(E, "Energy, EJP normal hours"),
    "EJPHPM": Label(E, "Energy, EJP mobile peak hours"),
    "BBRHCJB": Label(E, "Energy, Tempo blue off-peak"),
    "BBRHPJB": Label(E, "Energy, Tempo blue peak"),
    "BBRHCJW": Label(E, "Energy, Tempo white off-peak"),
    "BBRHPJW": Label(E, "Energy, Tempo white peak"),
    "BBRHCJR": Label(E, "Energy, Tempo red off-peak"),
    "BBRHPJR": Label(E, "Energy, Tempo red peak"),
    "PEJP": Label(Kind.MINUTES, "EJP notice"),
    "PTEC": Label(Kind.TEXT, "Tariff now"),
    "DEMAIN": Label(Kind.TEXT, "Tempo colour tomorrow"),
    "IINST": Label(I, "Current"),
    **{f"IINST{phase}": Label(I, f"Current, phase {phase}") for phase in PHASES},
    "IMAX": Label(Kind.RATED_CURRENT, "Highest current"),
    **{f"IMAX{n}": Label(Kind.RATED_CURRENT, f"Highest current, phase {n}") for n in PHASES},
    "ADPS": Label(I, "Overload current"),
    **{f"ADIR{phase}": Label(I, f"Overload current, phase {phase}") for phase in PHASES},
    "PAPP": Label(A, "Apparent power"),
    "PMAX": Label(Kind.POWER, "Highest power"),
    "HHPHC": Label(Kind.TEXT, "Off-peak schedule"),
}

STANDARD = {
    "NGTF": Label(Kind.TEXT, "Tariff option"),
    "LTARF": Label(Kind.TEXT, "Tariff now"),
    "NTARF": Label(Kind.TEXT, "Tariff number"),
    "EAST": Label(E, "Energy, supplier's total"),
    **{f"EASF{n:02d}": Label(E, f"Energy, supplier's tariff {n}") for n in range(1, 11)},
    **{f"EASD{n:02d}": Label(E, f"Energy, distributor's tariff {n}") for n in range(1, 5)},
    "EAIT": Label(E, "Energy produced"),
    **{
        f"ERQ{n}": Label(Kind.REACTIVE_ENERGY, f"Reactive energy, quadrant {n}")
        for n in range(1, 5)
    },
    **{f"IRMS{phase}": Label(I, f"Current, phase {phase}") for phase in PHASES},
    **{f"URMS{phase}": Label(V, f"Voltage, phase {phase}") for phase in PHASES},
    **{f"UMOY{n}": Label(V, f"Mean voltage, phase {n}") for n in PHASES},
    "PREF": Label(Kind.SUBSCRIBED_POWER, "Subscribed power"),
    "PCOUP": Label(Kind.SUBSCRIBED_POWER, "Cut-off power"),
    "SINSTS": Label(A, "Apparent power"),
    **{f"SINSTS{phase}": Label(A, f"Apparent power, phase {phase}") for phase in PHASES},
    "SINSTI": Label(A, "Apparent power produced"),
    "SMAXSN": Label(A, "Highest power today"),
    **{f"SMAXSN{phase}": Label(A, f"Highest power today, phase {phase}") for phase in PHASES},
    "SMAXSN-1": Label(A, "Highest power yesterday"),
    **{f"SMAXSN{phase}-1": Label(A, f"Highest power yesterday, phase {phase}") for phase in PHASES},
    "SMAXIN": Label(A, "Highest power produced today"),
    "SMAXIN-1": Label(A, "Highest power produced yesterday"),
    "CCASN": Label(Kind.POWER, "Mean power"),
    "CCASN-1": Label(Kind.POWER, "Mean power before"),
    "CCAIN": Label(Kind.POWER, "Mean power produced"),
    "CCAIN-1": Label(Kind.POWER, "Mean power produced before"),
}

LABELS: dict[str, Label] = {**HISTORIQUE, **STANDARD}

# As dongles write them, and as the standard has them.
ALIASES = {
    **{f"SINST{phase}": f"SINSTS{phase}" for phase in PHASES},
    **{f"SMAXSN{phase}_1": f"SMAXSN{phase}-1" for phase in PHASES},
    **{f"{label}_1": f"{label}-1" for label in ("SMAXSN", "SMAXIN", "CCASN", "CCAIN")},
}

# Who the meter is: told apart, and kept from logs, files and entities (personal data).
METER = ("ADCO", "ADSC")
DATE = "DATE"  # standard mode: when the frame was made
_DATE = re.compile(r"([HE ])([0-9]{12})\|?")
SUMMER = "E"  # an hour ahead of winter (H)

# The meter's whole consumption: of what it is the sum, in each mode.
TOTAL = {
    Mode.STANDARD: ("EAST",),
    Mode.HISTORIQUE: tuple(label for label, about in HISTORIQUE.items() if about.kind is E),
}
PRODUCTION = "EAIT"
DIGITS = 9  # the most that a number of the meter has
POWER = ("SINSTS", "PAPP")  # VA; what the house's power is taken from, the first that is there
TARIFF = ("LTARF", "PTEC")


def mode_of(values: Mapping[str, str]) -> Mode | None:
    """Return the mode that labels belong to; None when there are none that tell."""
    if any(label in values for label in ("ADSC", "EAST", "SINSTS", "NGTF")):
        return Mode.STANDARD
    if any(
        label in values for label in ("ADCO", "PAPP", "PTEC", "OPTARIF", *TOTAL[Mode.HISTORIQUE])
    ):
        return Mode.HISTORIQUE
    return None


def clock_of(text: str) -> float | None:
    """Return the meter's clock in its DATE, seconds since 1970 of its own winter time.

    None where the meter gives none, or says by a small letter that its clock is not to be trusted.
    """
    found = _DATE.fullmatch(text.rstrip(" "))
    if not found:
        return None
    try:
        local = datetime.strptime(found[2], "%y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return local - 3600 if found[1] == SUMMER else local


def value_of(label: str, text: str) -> str | int | None:
    """Return what a label's text says: whole units of the meter, or words; None where it is empty.

    Some values come with the date they are from, which is left out: "H20120902|03381".

    Raises ValueError for what is no number and should be one.
    """
    about = LABELS[label]
    if "|" in text:
        text = text.partition("|")[2]
    text = text.strip()
    if not text:
        return None
    if about.kind is Kind.TEXT:
        return " ".join(text.split())
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise ValueError(f"{label} is no number")
    return int(text)
