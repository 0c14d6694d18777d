"""Bad releases are undone: the box is as it was, with readings, and does not try them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.fleet.box import WAITS, figure
from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, KILL, LINE, PACKAGE_ALONE, ROLE, SITE

PACKAGE = "files/hems/src/hems/cli/__init__.py"
UNITS = "/etc/systemd/system"


def break_half_way(fleet: Fleet) -> str:
    """The broker has other settings, and then the play fails."""
    fleet.operator.set(mosquitto_queued_messages=1017)
    fleet.operator.write(SITE, HEAD + ROLE.format(name="mosquitto") + LINE.format(line="false"))
    return "its playbook failed (2)"


def break_package(fleet: Fleet) -> str:
    """The appliance's own command can't even be imported: neither `hems status` nor `update`."""
    text = (fleet.operator.work / PACKAGE).read_text(encoding="utf-8")
    future = "from __future__ import annotations\n"
    broken = text.replace(future, f"{future}\nimport no_such\n", 1)
    fleet.operator.write(PACKAGE, broken)
    fleet.operator.write(SITE, HEAD + ROLE.format(name="hems") + PACKAGE_ALONE)
    return "its 'hems status' does not work"


def break_home(fleet: Fleet) -> str:
    """Home Assistant's unit starts something else; the play itself says that all is well."""
    unit = f"{UNITS}/home-assistant.service"
    line = f"sed -i 's,^ExecStart=.*,ExecStart=/bin/false,' {unit} && systemctl daemon-reload"
    line += " && systemctl restart home-assistant; true"
    fleet.operator.write(SITE, HEAD + LINE.format(line=line))
    return "Home Assistant is "


def break_readings(fleet: Fleet) -> str:
    """Every service answers; only the readings do not reach the database any more."""
    file = "/var/lib/home-assistant/packages/hems/hems.yaml"
    line = f"sed -i 's/^      - sensor$/      - light/' {file} && systemctl restart home-assistant"
    fleet.operator.write(SITE, HEAD + LINE.format(line=line))
    return "no reading has reached InfluxDB since"


def break_uplink(fleet: Fleet) -> str:
    """The firewall lets nothing out to the Internet."""
    table = "inet hems_firewall"
    lines = [
        f"add chain {table} cut {{ type filter hook output priority 0; }}",
        f"add rule {table} cut ip daddr {{ 1.1.1.1, 8.8.8.8, 9.9.9.9 }} drop",
    ]
    line = f"printf '%s\\n' '{lines[0]}' '{lines[1]}' >>/etc/hems/firewall.nft"
    line += " && systemctl reload hems-firewall"
    fleet.operator.write(SITE, HEAD + LINE.format(line=line))
    return "the Internet does not answer any more"


def break_updater(fleet: Fleet) -> str:
    """The box would take no release any more, and something new runs on it."""
    new = f"{UNITS}/hems-scenario.service"
    line = f"printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >{new}"
    line += " && systemctl daemon-reload && systemctl start hems-scenario.service"
    line += " && systemctl disable --now hems-update.timer"
    line += f" && rm /etc/hems/update.toml {UNITS}/hems-update.timer"
    fleet.operator.write(SITE, HEAD + LINE.format(line=line))
    return "hems-update.timer is not active"


@pytest.fixture(scope="module", autouse=True)
def made_by_hand(fleet: Fleet) -> Iterator[None]:
    """What a person has made with sudo in Home Assistant's directory, which is not its own."""
    mine = "/var/lib/home-assistant/www/mine"
    fleet.box.check(f"mkdir -p {mine} && echo mine >{mine}/note && chmod 600 {mine}/note")
    yield
    assert fleet.box.check(f"cat {mine}/note; rm -r {mine}").split() == ["mine"]


HARMS = [
    break_half_way,
    break_package,
    break_home,
    break_readings,
    break_uplink,
    break_updater,
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_bad_release_is_undone_and_remembered(fleet: Fleet, harm: Callable[[Fleet], str]) -> None:
    box = fleet.box
    before = box.condition()
    reason = harm(fleet)
    name = fleet.hand_out()
    since, begun = box.now(), time.monotonic()
    box.update()
    took = time.monotonic() - begun
    box.expect_undone(name, reason, before)
    figure(f"{reason}: {took:.0f} s in all; pause {box.pause(since):.0f} s")
    box.update()  # another look: it is not tried again
    box.expect_undone(name, reason, before, WAITS)
    fleet.restore()


def test_an_updater_that_is_killed_is_ended_by_the_old_release(fleet: Fleet) -> None:
    # Not a power cut: nothing boots. The release has a package that can't be imported by then.
    box = fleet.box
    before = box.condition()
    break_package(fleet)
    text = (fleet.operator.work / SITE).read_text(encoding="utf-8")
    fleet.operator.write(SITE, text + LINE.format(line=KILL))
    name = fleet.hand_out()
    begun = time.monotonic()
    box.update()
    box.settles(600)
    took = time.monotonic() - begun
    assert box.state["cuts"][box.state["commits"][name]] == 1 and not box.problem
    assert box.state["result"].startswith(f"{name} was undone, as it was interrupted once;")
    assert box.condition() == before
    box.flows()
    figure(f"the updater is killed: {took:.0f} s until all is well")
    fleet.restore()


def test_after_all_that_a_good_release_is_taken(fleet: Fleet) -> None:
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    name = fleet.hand_out()
    fleet.box.update()
    assert (fleet.box.state["release"], fleet.box.problem) == (name, "")
    fleet.restore()
