"""Home Assistant's hourly statistics, which its Energy page shows, over its WebSocket.

Source: ``homeassistant/components/recorder/websocket_api.py`` of 2026.10. Hours are aligned, and
``mean_type`` and ``unit_class`` are given: later releases refuse an import without them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hems.history import HistoryError
from hems.history.bridge import Hour, Pause, mended
from hems.history.compare import SECOND
from hems.home_assistant import HomeAssistant

DAY = 86400 * SECOND
MILLISECOND = 1_000_000  # ns
UNKNOWN = "Home Assistant's statistics are not understood: {!r}"


def mend(home_assistant: HomeAssistant, entity: str, unit: str, pause: Pause) -> int:
    """Spread a pause's energy over its hours; return how many were written.

    Raises HomeAssistantError when Home Assistant does not do it, HistoryError when its answer is
    not understood.
    """
    try:
        meta = home_assistant.call("recorder/get_statistics_metadata", statistic_ids=[entity])
        if not meta or not meta[0]["has_sum"] or meta[0]["source"] != "recorder":
            return 0
        known = meta[0]
        if known["statistics_unit_of_measurement"] != unit:
            return 0  # somebody changed its unit since: its sums are in another one
        unit_class = known.get("unit_class")
        answer = home_assistant.call(
            "recorder/statistics_during_period",
            start_time=_text(pause.begin - DAY),
            end_time=_text(pause.end + DAY),
            statistic_ids=[entity],
            period="hour",
            types=["state", "sum"],
            units={unit_class: unit} if unit_class else {},
        )
        hours = mended([_hour(row) for row in answer.get(entity, []) if _whole(row)], pause)
        if hours:
            home_assistant.call(
                "recorder/import_statistics",
                metadata={
                    "mean_type": known["mean_type"],
                    "has_sum": True,
                    "name": known.get("name"),
                    "source": "recorder",
                    "statistic_id": entity,
                    "unit_class": unit_class,
                    "unit_of_measurement": unit,
                },
                stats=[
                    {"start": _text(hour.start), "state": hour.state, "sum": hour.sum}
                    for hour in hours
                ],
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HistoryError(UNKNOWN.format(error)) from error
    return len(hours)


def _whole(row: dict[str, Any]) -> bool:
    return row.get("state") is not None and row.get("sum") is not None


def _hour(row: dict[str, Any]) -> Hour:
    return Hour(int(row["start"]) * MILLISECOND, float(row["state"]), float(row["sum"]))


def _text(at: int) -> str:
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()
