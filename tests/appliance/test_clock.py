"""A start on the time of the power cut, and the right time two days later: nothing stays wrong.

Home Assistant and what looks at the clock get a faked one (libfaketime, from Debian); the box's own
is never touched. The clock that nobody has confirmed is the box's; the right one, 58 hours ahead,
comes when a file says so. What a time server's answer leaves, a time stamp of systemd-timesyncd's,
is set by the test, and hems-clock.path sees it. That systemd sees the clock being set
(hems-clock.timer) can't be shown: who sets a container's clock sets the machine's.

The house has a meter of the test's own, which nothing else reports for. What the test writes is
taken away again, in Home Assistant by a copy.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.appliance.home_assistant_client import HomeAssistant
from tests.appliance.influxdb_client import HEMS, HOME_ASSISTANT, Influxdb
from tests.appliance.waiting import IN_TIME, wait_until

pytest_plugins = (
    "tests.appliance.home_assistant_fixtures",
    "tests.appliance.influxdb_fixtures",
)
pytestmark = pytest.mark.journal("home-assistant", "hems-clock", "hems-clock-correct")

OUTAGE = 208_800  # s
WAIT_SECONDS = 4
READY_SECONDS = 400  # a faked clock is slow, and slower still beside other work
DIRECTORY = "/run/hems-test-clock"
STAMP, OFFSET = "/run/systemd/timesync/synchronized", f"{DIRECTORY}/offset"
UNIT, LOOK, CORRECT = "home-assistant.service", "hems-clock.service", "hems-clock-correct.service"
FAKED = (UNIT, LOOK, "hems-clock-mark.service")
FORGET = "rm -rf /run/hems-clock.json /run/hems-clock-waited /run/hems-clock"
METER, PROBE = "sensor.clock_meter", "sensor.clock_probe"
GONE = "unavailable"


@dataclass
class Box:
    """The Pi with the faked clock."""

    pi: Any
    home_assistant: HomeAssistant
    influxdb: Influxdb
    zone: ZoneInfo

    def report(self, kwh: float) -> None:
        """Have the meter report, and say it on a sensor of the test's as well."""
        for entity, unit, state in ((METER, "kWh", kwh), (PROBE, "probe", kwh)):
            body = {"state": str(state), "attributes": {"unit_of_measurement": unit}}
            path = f"/api/states/{entity}"
            token = self.home_assistant.token
            status, _ = self.home_assistant.http.request("POST", path, token=token, body=body)
            assert status in (200, 201)

    def today(self) -> float | None:
        """Return what today's sensor shows, kWh."""
        state = self.home_assistant.state("sensor.hems_energy_today")
        return None if state in (None, GONE) else float(str(state))

    def points(self) -> dict[float, int]:
        """Return when each value of the test's own sensor is dated, s since 1970."""
        asked = "SELECT value FROM \"probe\" WHERE entity_id = 'clock_probe'"
        found = self.influxdb.query(HEMS, "home_assistant", asked).get("series")
        rows = found[0]["values"] if found else []
        return {value: at // 10**9 for at, value in rows}

    def said(self, unit: str, since: float) -> str:
        """Return what a unit has said since then."""
        return str(self.pi.check_output(f"journalctl -u {unit} --since=@{since:.0f} -o cat"))


@pytest.fixture(scope="module")
def box(
    pi: Any, site: dict[str, Any], home_assistant: HomeAssistant, influxdb: Influxdb
) -> Iterator[Box]:
    """A box with the faked clock in it, as it is before the power cut."""
    began = time.time()
    config, kept = site["hems_path_home_assistant_config"], "/var/lib/hems-test-kept"
    had_library = pi.package("libfaketime").is_installed
    pi.check_output(f"systemctl stop {UNIT} && cp -a {config} {kept}")
    try:
        pi.check_output("apt-get install -qq --no-install-recommends libfaketime")
        library = pi.check_output("ls /usr/lib/*/faketime/libfaketime.so.1")
        pi.check_output(f"mkdir -p {DIRECTORY} && echo +0 >{OFFSET} && chmod -R a+rX {DIRECTORY}")
        own = f"s/: {site['hems_meter_energy']}$/: {METER}/"
        pi.check_output(f"sed -i '{own}' {config}/packages/hems/hems.yaml")
        for unit in FAKED:
            _drop_in(pi, unit, _faked(pi, unit, library))
        pi.check_output(f"systemctl daemon-reload; {FORGET}; systemctl start {UNIT}")
        home_assistant.wait_until_ready(READY_SECONDS)
        zone = ZoneInfo(site["hems_time_zone"])
        yield Box(pi, home_assistant, influxdb, zone)
    finally:
        pi.check_output(f"systemctl stop {UNIT}")
        left = " ".join((*(f"/run/systemd/system/{unit}.d" for unit in FAKED), DIRECTORY, STAMP))
        # The directory itself stays: the editor's unit has it mounted.
        back = f"find {config} -mindepth 1 -delete && cp -a {kept}/. {config} && rm -r {kept}"
        pi.check_output(f"rm -rf {left} && {back}; {FORGET}")
        body = {"start": _date(began), "stop": _date(began + 10 * OUTAGE)}
        where = {"org": "hems", "bucket": "home_assistant"}
        influxdb.ask("POST", "/api/v2/delete", HOME_ASSISTANT, where, body)
        pi.check_output(f"systemctl daemon-reload; systemctl start {LOOK} {UNIT}")
        if not had_library:
            pi.check_output("apt-get purge -qq libfaketime")
        home_assistant.wait_until_ready(READY_SECONDS)


def _faked(pi: Any, unit: str, library: str) -> str:
    """Return a drop-in that gives a unit the faked clock, and has it wait as on a real Pi."""
    names = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": OFFSET,
        "FAKETIME_CACHE_DURATION": "1",  # s; reading the file for each question takes long
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    lines = ["[Service]", *(f"Environment={name}={value}" for name, value in names.items())]
    # In a container the box's clock is the host's: it would not wait.
    own = pi.check_output(f"systemctl cat {unit}")
    commands = re.findall(r"^ExecStartPre=.*", own, re.MULTILINE)
    wait = f"hems-clock --stamp {STAMP} wait {WAIT_SECONDS}"
    lines += ["ExecStartPre=", *(re.sub(r"hems-clock wait \d+", wait, one) for one in commands)]
    return "\n".join(lines) + "\n"


def _drop_in(pi: Any, unit: str, text: str) -> None:
    directory = f"/run/systemd/system/{unit}.d"
    pi.check_output(f"mkdir -p {directory} && printf %s {shlex.quote(text)} >{directory}/test.conf")


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _days(box: Box) -> dict[str, float]:
    shown = box.home_assistant.get("/api/states/sensor.hems_energy_week")["attributes"]["days"]
    return {one["day"]: one["kwh"] for one in shown if one["kwh"] is not None}


def test_what_a_start_without_the_time_dated_wrong_is_put_right(box: Box) -> None:
    pi, home = box.pi, box.home_assistant
    for kwh in (90_000.0, 90_000.0, 90_000.1, 90_001.0):  # two, as it is another meter at first
        box.report(kwh)
        time.sleep(1)
    wait_until(lambda: box.today() is not None, IN_TIME, "today's energy is there")
    before, (day, *_) = box.today(), _days(box)
    assert before is not None
    wait_until(lambda: 90_001.0 in box.points(), IN_TIME, "the readings are stored")

    # The power cut, and a start at which no time server answers.
    cut = time.time()
    pi.check_output(f"systemctl stop {UNIT}; {FORGET}; systemctl start {LOOK}")
    began = time.monotonic()
    pi.check_output(f"systemctl start {UNIT}")
    assert time.monotonic() - began >= WAIT_SECONDS, "the first start of a boot waits"
    assert "No time server has told the time within 4 s" in box.said(UNIT, cut)
    home.wait_until_ready(READY_SECONDS)
    wrong = [90_001.2, 90_001.3, 90_001.5]
    for kwh in wrong:
        box.report(kwh)
        time.sleep(1)
    wait_until(lambda: wrong[-1] in box.points(), IN_TIME, "the readings are stored")
    dated = box.points()
    assert box.today() == pytest.approx(before + 0.5), "nobody knows better yet"

    # The time comes.
    set_at = time.time()
    pi.check_output(f"echo +{OUTAGE} >{OFFSET}; mkdir -p {STAMP.rpartition('/')[0]}")
    time.sleep(3)  # timesyncd sets the clock first; the faked one is read once a second
    pi.check_output(f"touch -d @{time.time() + OUTAGE:.3f} {STAMP}")
    wait_until(
        lambda: "clock was set" in box.said(LOOK, set_at), IN_TIME, "hems-clock.path has seen it"
    )
    said = f"points in InfluxDB are now dated {OUTAGE} s later"
    wait_until(lambda: said in box.said(CORRECT, set_at), IN_TIME, "the dates are corrected")
    home.wait_until_ready(READY_SECONDS)  # by now it has been restarted
    assert f"The clock was set by +{OUTAGE} s" in box.said(LOOK, set_at)

    now = box.points()
    assert now[90_001.0] == dated[90_001.0], "what was read before the power cut was right"
    for kwh in wrong:
        assert now[kwh] == pytest.approx(dated[kwh] + OUTAGE, abs=2)
    kept = box.pi.file("/var/lib/hems-clock").listdir()
    assert kept == ["moved.txt"], "nothing is left to do"

    def is_counted() -> bool:
        box.report(90_002.0)  # the house may not listen yet
        return box.today() is not None

    box.report(90_001.5)
    wait_until(is_counted, IN_TIME, "today's energy is there")
    right = str(datetime.fromtimestamp(time.time() + OUTAGE, box.zone).date())
    days = _days(box)
    assert days[day] == pytest.approx(before)
    assert days[right] == pytest.approx(1.0)
    assert box.today() == pytest.approx(1.0), "0.5 kWh by the wrong clock, and 0.5 since"
