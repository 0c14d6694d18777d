"""Which state files there are, by the part that they belong to; a row each in docs/broken_files.md.

A file that is not here is either of this boot only (``/run``), or written by the playbook, which
writes it anew when it is not as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass

from hems.state_files import forms, mosquitto_db
from hems.state_files.forms import Form

STORAGE_COPIES = ".storage/hems_copies"  # beside what they are copies of, and as secret


@dataclass(frozen=True)
class Row:
    """One file, or all that a pattern (``pathlib``'s) finds, relative to the part's directory."""

    pattern: str
    form: Form
    lost: str  # what is missing without it, when there is no copy
    cure: str  # what a person can do then
    sqlite: bool = False  # SQLite is asked too, and its -wal and -shm go with it
    thorough: bool = False  # SQLite reads all of it; only for a small one
    empty_is_good: bool = False
    running: bool = False  # may be set aside while its service runs, which writes it whole
    copies: int = 0  # how many good ones the box keeps
    except_for: tuple[str, ...] = ()  # names that the pattern finds and that are none of these


@dataclass(frozen=True)
class Part:
    """A service with its files; ``copies`` is where those that it keeps are."""

    rows: tuple[Row, ...]
    copies: str = "hems_copies"


NOTHING_TO_DO = "There is nothing to do."

MOSQUITTO = Part(
    (
        Row(
            "mosquitto.db",
            mosquitto_db.check,
            "the messages that the broker had retained",
            "Devices announce themselves again when they connect: switch one that is missing in "
            "Home Assistant off and on.",
            empty_is_good=True,  # Mosquitto starts with it
        ),
    )
)

# Of the owner's YAML only what no editor writes is broken; a wrong word in it is the owner's.
YAML_LOST = "what the owner had written into it"
YAML_CURE = "Write it again, or restore it from a backup of Home Assistant."
YAML_PATTERNS = (
    "*.yaml",
    "packages/*.yaml",
    "packages/hems/*.yaml",
    "automations/*.yaml",
    "template_sensors/*.yaml",
)

HOME_ASSISTANT = Part(
    (
        Row(
            ".storage/*",
            forms.storage,
            "what Home Assistant had stored in it",
            "Run the whole playbook: it sets up again what the appliance needs; the rest comes "
            "from a backup of Home Assistant.",
            running=True,
            copies=3,
            # Home Assistant's own for half-written and broken files.
            except_for=("tmp*", ".*", "*.corrupt*"),
        ),
        Row(
            "zigbee.db",
            forms.sqlite_header,
            "which Zigbee devices belong to the box",
            "Pair them again, as docs/pair_meter.md says; the dongle keeps the network itself.",
            sqlite=True,
            thorough=True,
            copies=3,
        ),
        Row(
            "home-assistant_v2.db",
            forms.sqlite_header,
            "Home Assistant's own history",
            "Every reading is still in InfluxDB.",
            sqlite=True,
        ),
        Row(
            ".HA_VERSION",
            forms.line,
            "which release ran last",
            NOTHING_TO_DO,
            copies=1,
        ),
        *(
            Row(
                pattern,
                forms.text,
                YAML_LOST,
                YAML_CURE,
                empty_is_good=True,
                running=True,
                copies=3,
            )
            for pattern in YAML_PATTERNS
        ),
    ),
    copies=STORAGE_COPIES,
)

INFLUXDB = Part(
    (
        Row(
            "influxd.bolt",
            forms.bolt,
            "InfluxDB's users, tokens, buckets and dashboards; the readings in engine/ no longer "
            "belong to a bucket",
            "Restore a backup made by 'influx backup', or run the whole playbook, which sets up an "
            "empty database.",
            copies=2,
        ),
        Row(
            "influxd.sqlite",
            forms.sqlite_header,
            "InfluxDB's notebooks and annotations",
            NOTHING_TO_DO,
            sqlite=True,
            thorough=True,
            copies=2,
        ),
        Row(
            "engine/data/*/*/*/*.tsm",
            forms.tsm,
            "readings of the time that this file held",
            "Restore a backup made by 'influx backup'.",
        ),
        Row(
            "engine/data/*/*/*/fields.idx",
            forms.fields,
            "nothing: InfluxDB makes it again",
            NOTHING_TO_DO,
        ),
    )
)

HEMS = Part(
    (
        Row(
            "watchdog.json",
            forms.document,
            "how long the box waits between two reboots for want of Internet",
            NOTHING_TO_DO,
        ),
        *(
            Row(
                name,
                forms.text,
                "what the box had done to itself before",
                NOTHING_TO_DO,
                empty_is_good=True,
            )
            for name in ("restart-log.txt", "restart-log.txt.1", "version.txt")
        ),
    )
)

HISTORY = Part(
    (
        Row(
            "ledger.db",
            forms.sqlite_header,
            "which gaps in the readings were found before, and why",
            "Nothing needs doing: what Home Assistant's recorder still has is compared anew.",
            sqlite=True,
            thorough=True,
            copies=2,
        ),
    )
)

PARTS = {
    "mosquitto": MOSQUITTO,
    "home-assistant": HOME_ASSISTANT,
    "influxdb": INFLUXDB,
    "hems": HEMS,
    "history": HISTORY,
}
