"""docs/add_a_service.md keeps its word: its role, played as it stands there, is a whole service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance.conftest import Door
from tests.appliance.playing import changes
from tests.appliance.watchdog_box import COMPRESSED, Watchdog, until
from tests.virtual.pi.checkout import ROOT
from tests.virtual.pi.play import of_roles

pytest_plugins = ["tests.appliance.door_fixtures"]
pytestmark = pytest.mark.journal("hems-watchdog", "nginx", "example")

PAGE = ROOT / "docs/add_a_service.md"
FILE = re.compile(r"^`roles/(example/\S+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 40
PORT = 47110
PLAY = of_roles("example", "nginx")

Play = Callable[[bool], int]


def role() -> dict[str, str]:
    """Return the files of the page's role by their paths below roles/."""
    return dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def play(pi: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays the page's role with its switch on or off, and returns how much that changed."""
    top = tmp_path_factory.mktemp("play")
    (top / "play.yml").write_text(PLAY, encoding="utf-8")
    for path, text in role().items():
        file = top / "roles" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(on: bool) -> int:
        values = {"hems_port_example": PORT, "hems_example_enabled": on}
        return changes(top / "play.yml", values)

    if traces(pi):  # a run of before was broken off
        run(False)
    assert run(True) > 0
    yield run
    if traces(pi):  # a test has failed
        run(False)


def traces(pi: Any) -> set[str]:
    """Return everything on the box that is called by the example."""
    named = "-name 'example.*' -o -name example"
    found = pi.check_output(f"find /etc /var/lib /run -xdev {named}; getent passwd example || true")
    return set(found.splitlines())


def services(pi: Any) -> dict[str, Any]:
    """Return what `hems status` shows, by title."""
    shown = json.loads(pi.run("hems status --json").stdout)
    return {one["name"]: one for one in shown["services"]}


def test_the_role_is_short() -> None:
    files = role()
    assert len(files) == 4
    assert sum(len(text.splitlines()) for text in files.values()) <= MOST_LINES


@pytest.mark.usefixtures("play")
def test_it_is_shown_and_behind_the_door_with_its_log_in(
    pi: Any, door: Door, owner: dict[str, str]
) -> None:
    assert services(pi)["Example"]["ok"], services(pi)["Example"]
    url, session = f"{door.url}/example/", door.session()
    assert session.get(url, timeout=20, allow_redirects=False).status_code == 401
    inside = session.get(url, timeout=20, cookies=owner)
    assert inside.status_code == 200 and "GPL-3" in inside.text
    assert 'href="/example/"' in session.get(f"{door.url}/door/", timeout=20, cookies=owner).text


@pytest.mark.usefixtures("play")
def test_it_is_named_and_restarted_when_it_hangs(pi: Any, site: dict[str, Any]) -> None:
    watchdog = Watchdog(pi, site)
    with watchdog.set(**COMPRESSED | {"start": 1}):
        assert until(lambda: "health" in watchdog.health and "example_down" not in watchdog.codes())
        began = len(watchdog.actions())
        pi.check_output("systemctl kill --signal=STOP example.service")
        assert until(lambda: "example_down" in watchdog.codes())
        assert until(
            lambda: any("| restart | example.service |" in x for x in watchdog.actions()[began:])
        )
        assert until(lambda: "example_down" not in watchdog.codes())
        assert services(pi)["Example"]["ok"]


def test_it_goes_without_a_trace_also_when_a_run_was_interrupted(
    pi: Any, play: Play, door: Door, owner: dict[str, str]
) -> None:
    assert play(True) == 0, "a second run changes something"
    # As far as a run comes whose power is cut.
    pi.check_output(
        "systemctl disable --now example.service; rm /etc/systemd/system/example.service"
    )
    assert play(False) > 0
    assert "Example" not in services(pi)
    assert pi.check_output("systemctl show example.service -P LoadState") == "not-found"
    answer = door.session().get(f"{door.url}/example/", timeout=20, cookies=owner)
    assert answer.status_code == 404  # Home Assistant's
    assert "example" not in door.session().get(f"{door.url}/door/", cookies=owner, timeout=20).text
    assert play(False) == 0
    # The watchdog's own copy goes with its next round.
    assert until(lambda: traces(pi) == set()), traces(pi)
