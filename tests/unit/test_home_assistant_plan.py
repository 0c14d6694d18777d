"""What Home Assistant still needs from us, and what an owner's hand protects."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from tests.unit.home_assistant_modules import dashboard, plan
from tests.unit.modules import ROOT

VARS = yaml.safe_load((ROOT / "roles/home_assistant/vars/main.yml").read_text())
DICTIONARY = VARS["__home_assistant_dictionary"]
ENTITIES = ["sensor.p", "sensor.e", "sensor.today", "sensor.u", "sensor.i", "sensor.battery"]
WANTED = dashboard.Shown("Cork 1", *ENTITIES, DICTIONARY["en"])
EMPTY = plan.Present(dashboards=[], dashboard=None, energy=None)
LISTED = [{"url_path": plan.URL_PATH}]


def kinds(commands: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{kind} {fields.get('key', '')}".strip() for kind, fields in commands]


def carried_out(present: Any, commands: list[tuple[str, dict[str, Any]]]) -> Any:
    """Return what Home Assistant has after these commands."""
    for kind, fields in commands:
        match kind:
            case "lovelace/dashboards/create":
                dashboards = [*present.dashboards, {"url_path": fields["url_path"]}]
                present = dataclasses.replace(present, dashboards=dashboards)
            case "lovelace/config/save":
                present = dataclasses.replace(present, dashboard=fields["config"])
            case "energy/save_prefs":
                energy = {**(present.energy or {"device_consumption": []}), **fields}
                present = dataclasses.replace(present, energy=energy)
            case "frontend/set_system_data" if fields["key"] == "core":
                present = dataclasses.replace(present, core=fields["value"])
            case "frontend/set_system_data":
                present = dataclasses.replace(present, memory=fields["value"])
    return present


SETTLED = carried_out(EMPTY, plan.plan(EMPTY, WANTED))


def test_a_new_box_gets_everything_and_then_nothing() -> None:
    assert kinds(plan.plan(EMPTY, WANTED)) == [
        "frontend/set_system_data core",
        "lovelace/dashboards/create",
        "lovelace/config/save",
        "energy/save_prefs",
        "frontend/set_system_data hems",
    ]
    assert plan.plan(SETTLED, WANTED) == []


def test_every_interruption_is_finished_by_the_next_run() -> None:
    commands = plan.plan(EMPTY, WANTED)
    for stop in range(len(commands)):
        half = carried_out(EMPTY, commands[:stop])
        whole = carried_out(half, plan.plan(half, WANTED))
        assert whole.dashboard == SETTLED.dashboard, stop
        assert whole.energy == SETTLED.energy, stop
        assert whole.core == SETTLED.core, stop
        assert plan.plan(whole, WANTED) == [], stop


def cards(shown: Any = WANTED) -> list[dict[str, Any]]:
    (view,) = dashboard.dashboard(shown)["views"]
    return [card for section in view["sections"] for card in section["cards"]]


def test_the_dashboard_shows_the_site_the_live_curve_and_today() -> None:
    curve = next(card for card in cards() if card["type"] == "history-graph")
    assert curve["entities"][0]["entity"] == "sensor.p"
    assert "sensor.today" in [card.get("entity") for card in cards()]
    assert cards()[0]["heading"] == "Cork 1"


def test_no_card_shows_statistics_that_lag_behind_the_counter() -> None:
    assert {card["type"] for card in cards()} == {"heading", "tile", "history-graph", "markdown"}


def test_what_is_not_in_every_house_shows_itself_only_where_it_is() -> None:
    hidden = {
        card["entity"]: card["visibility"]
        for card in cards()
        if "entity" in card and "unavailable" in card["visibility"][0].get("state_not", [])
    }
    assert {"sensor.u", "sensor.i", "sensor.battery", "sensor.hems_last_reading"} <= set(hidden)
    for entity in ("sensor.u", "sensor.i", "sensor.battery"):
        (condition,) = hidden[entity]
        assert condition["entity"] == entity
        assert "unknown" in condition["state_not"], "what an entity that is missing counts as"


def test_an_empty_box_shows_what_is_missing_and_the_next_step() -> None:
    def seen(state: str) -> list[dict[str, Any]]:
        found = []
        for card in cards():
            about = [one for one in card.get("visibility", []) if one["entity"] == dashboard.METER]
            if all(state in one.get("state", [state]) for one in about) and not any(
                state in one.get("state_not", []) for one in about
            ):
                found.append(card)
        return found

    empty = seen("missing")
    (guide,) = [card for card in empty if card.get("title") == DICTIONARY["en"]["missing"]]
    assert "sudo hems zigbee pair" in guide["content"]
    assert not {"sensor.p", "sensor.today"} & {card.get("entity") for card in empty}
    assert "history-graph" not in [card["type"] for card in empty]
    assert {"sensor.p", "sensor.today"} <= {card.get("entity") for card in seen("reading")}
    assert DICTIONARY["en"]["waiting"] in [card.get("title") for card in seen("waiting")]


def shown(content: str, **attributes: Any) -> str:
    """Return what Home Assistant makes of a card's template; it knows these attributes only."""
    home_assistant = Environment()
    home_assistant.globals |= {
        "states": lambda _entity: attributes.get("state", "unknown"),
        "state_attr": lambda _entity, name: attributes.get(name),
        "strptime": datetime.strptime,
    }
    return home_assistant.from_string(content).render()


@pytest.mark.parametrize("language", sorted(DICTIONARY))
def test_the_week_has_todays_number_to_the_watt_hour(language: str) -> None:
    words = DICTIONARY[language]
    content = next(
        card["content"]
        for card in cards(dataclasses.replace(WANTED, words=words))
        if "sensor.hems_energy_week" in card.get("content", "")
    )
    days = [{"day": "2026-11-26", "kwh": 1.102}, {"day": "2026-11-25", "kwh": 8.0}]
    days += [{"day": f"2026-11-{day}", "kwh": None} for day in range(24, 19, -1)]
    rows = [row for row in shown(content, days=days).splitlines() if row.startswith("| ")][1:]
    assert len(rows) == 7, "the first day has seven rows, too"
    assert rows[0].split("|")[1:3] == [
        f" {words['days'][3]} ",
        f" 1{words['decimal']}102 ",
    ]
    assert rows[1].count("█") == 16
    assert rows[2].split("|")[2:4] == [" - ", "  "]
    assert "█" not in shown(content, days=[{"day": "2026-11-26", "kwh": 0.0}])
    assert shown(content)


@pytest.mark.parametrize("language", sorted(DICTIONARY))
def test_the_boxs_health_is_said_in_the_owners_language(language: str) -> None:
    words = DICTIONARY[language]
    content = next(
        card["content"]
        for card in cards(dataclasses.replace(WANTED, words=words))
        if "sensor.hems_health" in card.get("content", "")
    )
    for state in ("ok", "notice", "warning", "critical"):
        assert words[state] in shown(content, state=state)
    assert words["unheard"] in shown(content)
    issue = {"title": "No fresh reading", "detail": "for 20 min", "cure": "Check its battery."}
    told = shown(content, state="critical", issues=[issue])
    assert "- No fresh reading (for 20 min): Check its battery." in told


def test_what_nobody_needs_in_the_sidebar_is_hidden_once() -> None:
    panels = frozenset({"map", "media-browser", "energy"})
    present = dataclasses.replace(SETTLED, panels=panels)
    commands = plan.plan(present, WANTED)
    hidden = [words for kind, words in commands if kind == "frontend/update_panel"]
    assert hidden == [
        {"url_path": panel, "show_in_sidebar": False} for panel in ("map", "media-browser")
    ]
    assert plan.plan(carried_out(present, commands), WANTED) == [], "an owner may show it again"


def test_an_edited_dashboard_is_the_owners() -> None:
    edited = dataclasses.replace(SETTLED, dashboard={"views": []})
    other = dataclasses.replace(WANTED, power="sensor.other")
    assert "lovelace/config/save" not in kinds(plan.plan(edited, other))
    assert "lovelace/config/save" in kinds(plan.plan(edited, WANTED, restore=True))


def test_a_removed_dashboard_stays_removed_unless_asked_for() -> None:
    removed = dataclasses.replace(SETTLED, dashboards=[], dashboard=None)
    assert plan.plan(removed, WANTED) == []
    again = kinds(plan.plan(removed, WANTED, restore=True))
    assert again == ["lovelace/dashboards/create", "lovelace/config/save"]


def test_an_untouched_dashboard_follows_the_site() -> None:
    other = dataclasses.replace(WANTED, power="sensor.other", energy="sensor.kwh")
    commands = plan.plan(SETTLED, other)
    assert kinds(commands) == [
        "lovelace/config/save",
        "energy/save_prefs",
        "frontend/set_system_data hems",
    ]
    settled = carried_out(SETTLED, commands)
    assert settled.energy["energy_sources"][0]["stat_rate"] == "sensor.other"
    assert plan.plan(settled, other) == []


def test_a_box_whose_energy_page_knew_the_meter_itself_follows() -> None:
    before = dataclasses.replace(WANTED, power="sensor.meter_power", energy="sensor.meter_energy")
    older = carried_out(EMPTY, plan.plan(EMPTY, before))
    theirs = {"type": "grid", "stat_energy_from": "sensor.barn", "stat_rate": None}
    sources = [theirs, *older.energy["energy_sources"]]
    older = dataclasses.replace(older, energy={"energy_sources": sources})
    moved = carried_out(older, plan.plan(older, WANTED)).energy["energy_sources"]
    assert moved == [theirs, plan.grid(WANTED)]


def test_the_owners_default_panel_stays() -> None:
    chosen = dataclasses.replace(EMPTY, core={"default_panel": "lovelace"})
    assert "frontend/set_system_data core" not in kinds(plan.plan(chosen, WANTED))


def test_the_owners_grid_is_not_touched() -> None:
    theirs = {"type": "grid", "stat_energy_from": "sensor.mine", "stat_rate": "sensor.w"}
    present = dataclasses.replace(EMPTY, energy={"energy_sources": [theirs]})
    assert "energy/save_prefs" not in kinds(plan.plan(present, WANTED))


def test_our_grid_joins_the_owners_solar_panels() -> None:
    solar = {"type": "solar", "stat_energy_from": "sensor.roof"}
    present = dataclasses.replace(EMPTY, energy={"energy_sources": [solar]})
    sources = carried_out(present, plan.plan(present, WANTED)).energy["energy_sources"]
    assert [source["type"] for source in sources] == ["solar", "grid"]


def test_a_price_that_the_owner_added_stays_with_other_entities() -> None:
    grid = {**SETTLED.energy["energy_sources"][0], "number_energy_price": 0.31}
    priced = dataclasses.replace(SETTLED, energy={"energy_sources": [grid]})
    other = dataclasses.replace(WANTED, energy="sensor.kwh")
    source = carried_out(priced, plan.plan(priced, other)).energy["energy_sources"][0]
    assert (source["stat_energy_from"], source["number_energy_price"]) == ("sensor.kwh", 0.31)


def test_a_grid_that_the_owner_removed_stays_removed() -> None:
    removed = dataclasses.replace(SETTLED, energy={"energy_sources": []})
    assert plan.plan(removed, WANTED) == []
