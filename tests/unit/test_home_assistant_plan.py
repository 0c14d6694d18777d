"""What Home Assistant still needs from us, and what an owner's hand protects."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.unit.home_assistant_modules import plan

KEYS = ["title", "now", "power", "today", "voltage", "current", "curve", "week", "energy"]
WORDS = dict.fromkeys(KEYS, "word")
WANTED = plan.Wanted("sensor.p", "sensor.e", "sensor.today", "sensor.u", "sensor.i", WORDS)
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


def test_the_dashboard_shows_the_live_curve_and_today() -> None:
    cards = [
        card
        for section in plan.dashboard(WANTED)["views"][0]["sections"]
        for card in section["cards"]
    ]
    curve = next(card for card in cards if card["type"] == "history-graph")
    assert curve["entities"][0]["entity"] == "sensor.p"
    assert "sensor.today" in [card.get("entity") for card in cards]


def test_the_dashboard_shows_voltage_and_current_only_where_they_are_measured() -> None:
    (view,) = plan.dashboard(WANTED)["views"]
    cards = [card for section in view["sections"] for card in section["cards"]]
    hidden = {card["entity"]: card["visibility"] for card in cards if "visibility" in card}
    assert set(hidden) == {"sensor.u", "sensor.i"}
    for entity, (condition,) in hidden.items():
        assert condition["entity"] == entity
        assert "unavailable" in condition["state_not"], "what an entity that is missing counts as"


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
