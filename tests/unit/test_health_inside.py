"""What the watchdog reads of Home Assistant: whole, refused, or not what Home Assistant says."""

from __future__ import annotations

from typing import Any

import pytest
from hems.health import inside
from hems.health.inside import Entry, Inside, look
from hems.home_assistant import Access, HomeAssistantError
from hems.watchdog import observe
from hems.watchdog.observe import View

from tests.unit.watchdog_settings import SETTINGS

METER = SETTINGS.health.meter
ACCESS = Access(1, "a-secret-token")
HEALTHY: dict[str, Any] = {
    "/api/config": {"state": "RUNNING", "version": "2026.10.4"},
    "/api/config/config_entries/entry": [{"domain": "zha", "state": "loaded", "title": "Dongle"}],
    "/api/states/sensor.hems_meter": {"state": "reading"},
    f"/api/states/{METER}": {"state": "230", "last_reported": "2026-11-22T12:00:00+00:00"},
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Home Assistant answers to each path; an exception is raised."""
    told = dict(HEALTHY)

    def rest(access: Access, method: str, path: str, *, timeout: float) -> Any:
        assert (access, method) == (ACCESS, "GET")
        assert timeout > 0
        if isinstance(told[path], Exception):
            raise told[path]
        return told[path]

    monkeypatch.setattr(inside, "rest", rest)
    return told


def refused(code: str) -> HomeAssistantError:
    return HomeAssistantError(f"Home Assistant answers {code}", code)


def test_everything_is_read(answers: dict[str, Any]) -> None:
    assert answers
    assert look(ACCESS, METER) == Inside(
        "RUNNING",
        "2026.10.4",
        (Entry("zha", "Dongle", "loaded", ""),),
        "2026-11-22T12:00:00+00:00",
        zigbee=True,
        house="reading",
    )


@pytest.mark.parametrize("off", [{"disabled_by": "user"}, {"source": "ignore"}])
def test_what_a_person_has_switched_off_or_ignores_is_left_out(
    answers: dict[str, Any], off: dict[str, str]
) -> None:
    entry = {"domain": "dlna", "state": "not_loaded", "source": "ssdp", "disabled_by": None} | off
    answers["/api/config/config_entries/entry"] = [entry]
    assert look(ACCESS, METER).entries == ()


def test_what_is_not_loaded_does_not_work(answers: dict[str, Any]) -> None:
    entry = {"domain": "mqtt", "state": "not_loaded", "source": "user", "disabled_by": None}
    answers["/api/config/config_entries/entry"] = [entry]
    (found,) = look(ACCESS, METER).entries
    assert found == Entry("mqtt", "mqtt", "not_loaded", "") and not found.ok


def test_a_meter_that_is_not_there_has_no_value(answers: dict[str, Any]) -> None:
    answers[f"/api/states/{METER}"] = refused("404")
    assert look(ACCESS, METER).meter is None


def test_it_hears_of_a_meter_without_energy(answers: dict[str, Any]) -> None:
    assert look(ACCESS, METER).house == "reading"
    answers["/api/states/sensor.hems_meter"] = {"state": "no_energy"}
    assert look(ACCESS, METER).house == "no_energy"
    answers["/api/states/sensor.hems_meter"] = refused("404")
    assert look(ACCESS, METER).house == "", "an older release"


@pytest.mark.parametrize("path", HEALTHY)
@pytest.mark.parametrize("code", ["401", "500", ""])
def test_what_it_refuses_is_told(answers: dict[str, Any], path: str, code: str) -> None:
    answers[path] = refused(code)
    with pytest.raises(HomeAssistantError) as error:
        look(ACCESS, METER)
    assert error.value.code == code


@pytest.mark.parametrize("config", [None, [], "x", {}, {"state": "RUNNING"}])
def test_another_programs_answer_is_not_understood(answers: dict[str, Any], config: Any) -> None:
    answers["/api/config"] = config
    with pytest.raises(HomeAssistantError, match="not understood"):
        look(ACCESS, METER)


def test_a_refused_token_is_never_sent_again(answers: dict[str, Any]) -> None:
    watched = observe.HomeAssistant(ACCESS, SETTINGS.health, now=0.0)
    answers["/api/config"] = refused("401")
    assert watched.look(1.0, True) == View()
    answers.clear()  # asking once more would fail
    assert watched.look(2.0, True) == View()
    assert [(one.name, one.why) for one in watched.blind] == [
        ("Home Assistant", "it refuses the box's token")
    ]
    # Nor after a start of the watchdog, which remembers it.
    again = observe.HomeAssistant(ACCESS, SETTINGS.health, 0.0, watched.refused)
    assert again.look(3.0, True) == View() and again.blind == watched.blind
    # Another token is tried.
    new = observe.HomeAssistant(ACCESS._replace(token="new"), SETTINGS.health, 0.0, watched.refused)
    assert new.blind == []


def test_without_a_token_nothing_is_asked(answers: dict[str, Any]) -> None:
    answers.clear()  # asking would fail
    watched = observe.HomeAssistant(ACCESS._replace(token=""), SETTINGS.health, now=0.0)
    assert watched.look(1.0, True) == View()
    assert [one.why for one in watched.blind] == ["the box has no credential for it"]


def test_a_ban_is_named_and_its_end_seen(answers: dict[str, Any]) -> None:
    watched = observe.HomeAssistant(ACCESS, SETTINGS.health, now=0.0)
    answers["/api/config"] = refused("403")
    assert watched.look(1.0, True) == View()
    assert "ip_bans.yaml" in watched.blind[0].why
    answers.update(HEALTHY)
    assert watched.look(2.0, True).fresh and watched.blind == []


def test_silence_goes_on_while_it_does_not_answer(answers: dict[str, Any]) -> None:
    watched = observe.HomeAssistant(ACCESS, SETTINGS.health, now=0.0)
    answers["/api/config"] = refused("")
    assert watched.look(60.0, True) == View(silence=60.0)
    assert not watched.refused


def test_one_late_answer_changes_nothing_and_three_in_a_row_are_told(
    answers: dict[str, Any],
) -> None:
    watched = observe.HomeAssistant(ACCESS, SETTINGS.health, now=0.0)
    said = watched.look(0.0, True)
    assert said.inside is not None and said.fresh and said.running == "2026.10.4"
    answers["/api/config"] = refused("")
    for now in (30.0, 60.0):
        again = watched.look(now, True)
        assert (again.inside, again.mute, again.silence) == (said.inside, "", now)
        assert again.running == "", "what runs now was not said"
    assert watched.look(90.0, True) == View(silence=90.0, mute="Home Assistant answers ")
    answers.update(HEALTHY)
    assert watched.look(120.0, True) == View(said.inside, True, 120.0)


def test_one_that_is_down_is_not_asked_and_soon_forgotten(answers: dict[str, Any]) -> None:
    watched = observe.HomeAssistant(ACCESS, SETTINGS.health, now=0.0)
    said = watched.look(0.0, True)
    answers.clear()  # asking would fail
    assert watched.look(30.0, False).inside == watched.look(60.0, False).inside == said.inside
    for now in range(90, 900, 30):
        assert watched.look(float(now), False) == View(), "another issue says that it is down"
    # It is back, and its API a little later.
    answers.update(HEALTHY | {"/api/config": refused("404")})
    assert watched.look(900.0, True).mute == watched.look(930.0, True).mute == ""
    answers.update(HEALTHY)
    assert watched.look(960.0, True).inside == said.inside
