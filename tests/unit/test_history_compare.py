"""What is missing, and why."""

from __future__ import annotations

from dataclasses import replace

from hems.history import cause
from hems.history.cause import Disturbance, Where
from hems.history.compare import SECOND, WINDOW, missing, suspicious
from hems.history.line import Reading
from hems.watchdog.journal import parse

from tests.unit.history_sides import FakeInfluxdb, every, lines

BEGIN = 1_764_190_200 * SECOND


def holes(recorded: list[Reading], stored: list[Reading]) -> list[tuple[str, int, int]]:
    there = FakeInfluxdb(lines(stored)).points(0, 2 * BEGIN)
    return [
        (hole.entity, (hole.begin - BEGIN) // SECOND, len(hole.readings))
        for hole in missing(recorded, there)
    ]


def test_readings_in_a_row_are_one_hole() -> None:
    all_of_them = every(10, BEGIN, 20)
    assert holes(all_of_them, all_of_them) == []
    assert holes(all_of_them, all_of_them[:5] + all_of_them[8:]) == [("sensor.power", 50, 3)]
    some = [one for place, one in enumerate(all_of_them) if place not in (2, 3, 10)]
    assert holes(all_of_them, some) == [("sensor.power", 20, 2), ("sensor.power", 100, 1)]


def test_the_same_time_of_another_entity_or_unit_is_no_reading() -> None:
    one, other = every(10, BEGIN, 3), every(10, BEGIN, 3, "sensor.other")
    assert holes(one + other, one) == [("sensor.other", 0, 3)]
    other_unit = [replace(each, attributes={"unit_of_measurement": "kW"}) for each in one]
    assert holes(one, other_unit) == [("sensor.power", 0, 3)]


def test_a_renamed_entitys_past_is_not_missing() -> None:
    # The recorder gives the new name to all of it, InfluxDB has the old one.
    now = every(10, BEGIN, 6, "sensor.new")
    before = [replace(one, entity="sensor.old") for one in now[:4]]
    assert holes(now, before) == [("sensor.new", 40, 2)]
    # Also when another entity has the old name now.
    heir = every(10, BEGIN + 40 * SECOND, 2, "sensor.old")
    assert holes(now + heir, before + heir) == [("sensor.new", 40, 2)]


def test_only_windows_whose_counts_differ_are_looked_at() -> None:
    recorded = {("a", 1): 5, ("a", 2): 5, ("b", 3): 1, ("b", 9): 4}
    stored = {("a", 1): 5, ("a", 2): 4, ("c", 4): 1, ("b", 9): 4}
    assert suspicious(recorded, stored) == [2, 3]
    # … and those in which something was wrong: both sides may lack as many.
    second = 9 * WINDOW * SECOND + 1
    assert suspicious(recorded, stored, [(second, second)]) == [2, 3, 9]


LOG = """\
2026-11-01T12:00:40Z | restart | influxdb.service | 3 misses in a row | does not answer: timed out
2026-11-01T12:00:53Z | gap | influxdb.service | it did not answer for up to 53 s | \
from 2026-11-01T12:00:00Z to 2026-11-01T12:00:53Z
2026-11-01T13:00:00Z | gap | influxdb.service | it did not answer for up to 60 s | \
from 2026-11-01T12:59:00Z to 2026-11-01T13:00:00Z
2026-11-01T14:00:00Z | start | box | not by this watchdog: power, a person | ladder at step 0
2026-11-01T15:00:10Z | restart | influxdb.service | the disk was full, and there is room again | x
2026-11-01T15:00:20Z | gap | influxdb.service | it did not answer for up to 600 s | \
from 2026-11-01T14:50:20Z to 2026-11-01T15:00:20Z
"""


def test_the_cause_is_what_the_watchdog_wrote_down() -> None:
    pause = (cause.moment("2026-11-01T16:00:00Z") or 0, cause.moment("2026-11-01T16:00:20Z") or 0)
    known = cause.disturbances(parse(LOG.splitlines()), [pause])

    def why(begin: str, end: str) -> str:
        day = "2026-11-01T"
        return cause.lost(
            cause.moment(f"{day}{begin}Z") or 0, cause.moment(f"{day}{end}Z") or 0, known
        )

    assert why("12:00:05", "12:00:50") == cause.HUNG
    assert why("12:59:10", "12:59:59") == cause.DOWN["influxdb"]
    assert why("13:58:00", "13:59:00") == cause.POWER
    assert why("14:51:00", "15:00:00") == cause.FULL
    assert why("15:59:58", "16:00:30") == cause.RESTARTED
    assert why("18:00:00", "18:01:00") == cause.NOT_KNOWN


STORE, WRITER, SOURCE, BOX = Where.STORE, Where.WRITER, Where.SOURCE, Where.BOX


def during(begin: int, end: int, where: Where = STORE) -> Disturbance:
    return Disturbance(begin * SECOND, end * SECOND, f"{where.value} from {begin}", where)


def reasons(begin: int, end: int, *known: Disturbance) -> tuple[str, str]:
    """Why readings were lost, and why nothing was measured, whatever the log's order."""
    first, last = begin * SECOND, end * SECOND
    answers = {
        (cause.lost(first, last, order), cause.unheard(first, last, order))
        for order in (known, known[::-1])
    }
    [answer] = answers
    return answer


def test_of_one_parts_faults_it_is_the_one_that_covers_most() -> None:
    assert reasons(0, 500, during(0, 10), during(5, 1000))[0] == "InfluxDB from 5"
    # The shorter one when even, one that goes on before one that has ended …
    assert reasons(100, 117, during(0, 9000), during(99, 118))[0] == "InfluxDB from 99"
    assert reasons(100, 117, during(110, 112), during(0, 99))[0] == "InfluxDB from 110"
    # … and of those the nearest; who ended a minute ago is none.
    assert reasons(100, 117, during(0, 50), during(0, 90))[0] == "InfluxDB from 0"
    assert reasons(100, 117, during(0, 39), during(178, 200))[0] == cause.NOT_KNOWN


def test_what_the_recorder_has_was_lost_behind_it_and_what_nobody_measured_before_it() -> None:
    store, broker, box = during(99, 118), during(0, 900, SOURCE), during(0, 600, BOX)
    writer = during(101, 130, WRITER)
    both = reasons(100, 117, store, broker, box, writer)
    assert both == ("InfluxDB from 99", "Home Assistant from 101")
    before = reasons(100, 117, broker, box)
    assert before == ("all of the box from 0", "what is before Home Assistant from 0")
    assert reasons(100, 117, broker)[0] == cause.NOT_KNOWN
    assert reasons(100, 117, store)[1] == cause.NOT_KNOWN
    # Of a start of the box it is not known how long it was down: any other fault explains more.
    near = replace(box, exact=False)
    assert reasons(100, 117, during(140, 150), near)[0] == "InfluxDB from 140"
    assert reasons(100, 117, during(300, 400), near)[0] == "all of the box from 0"


def test_a_start_of_the_box_shortly_before_is_not_the_cause() -> None:
    log = """\
2026-11-26T23:33:00Z | start | box | not by this watchdog: power, a person | ladder at step 0
2026-11-26T23:34:50Z | gap | home-assistant.service | it did not answer for up to 60 s | \
from 2026-11-26T23:33:50Z to 2026-11-26T23:34:50Z
2026-11-26T23:35:35Z | gap | influxdb.service | it did not answer for up to 21 s | \
from 2026-11-26T23:35:13Z to 2026-11-26T23:35:34Z
"""
    known = cause.disturbances(parse(log.splitlines()))
    begin, end = (cause.moment(f"2026-11-26T23:35:{second}Z") or 0 for second in ("14", "31"))
    assert cause.lost(begin, end, known) == cause.DOWN["influxdb"]


def test_home_assistant_that_did_not_run_because_the_box_did_not() -> None:
    log = "2026-11-01T14:00:00Z | start | box | the watchdog rebooted it | ladder at step 1"
    moments = {
        clock: cause.moment(f"2026-11-01T{clock}Z") or 0
        for clock in ("13:40:00", "14:00:10", "13:39:58", "15:00:00", "15:00:20")
    }
    pauses = [
        (moments["13:40:00"], moments["14:00:10"]),
        (moments["15:00:00"], moments["15:00:20"]),
    ]
    known = cause.disturbances(parse([log]), pauses)
    assert cause.lost(moments["13:39:58"], moments["13:39:58"], known) == cause.REBOOTED
    assert cause.unheard(*pauses[0], known) == cause.REBOOTED
    assert cause.unheard(*pauses[1], known) == cause.RESTARTED
