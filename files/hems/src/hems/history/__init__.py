"""No reading lost: what InfluxDB lacks of Home Assistant's recorder is found, filled and told.

Home Assistant sends each reading to InfluxDB once. While that is down or hangs, the reading is only
in the recorder, which forgets after some days. ``line`` says how Home Assistant would have written
it, ``compare`` what is missing, ``cause`` why, ``ledger`` remembers it, and ``fill`` does the work
with what ``recorder`` and ``influxdb`` give it. docs/history.md is for people.
"""

from __future__ import annotations

from hems import HemsError


class HistoryError(HemsError):
    """The history can't be checked; the message is a sentence with cause and cure."""
