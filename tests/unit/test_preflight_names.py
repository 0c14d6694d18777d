"""A name that a site sets is the product's, or is refused with the one that was meant."""

from __future__ import annotations

import pytest

from playbooks.preflight import names
from tests.unit.preflight_site import PRODUCT, problems


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("hems_timezone", "hems_time_zone"),
        ("hems_secret_owner_pasword", "hems_secret_owner_password"),
        ("hems_zigbee_enable", "hems_zigbee_enabled"),
        ("hems_port_htps", "hems_port_https"),
        ("hems_watchdog_dryrun", "hems_watchdog_dry_run"),
        ("nginx_pages_brust", "nginx_pages_burst"),
        ("home_assistant_extra_requirement", "home_assistant_extra_requirements"),
        ("hem_hostname", "hems_hostname"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(wrong: str, right: str) -> None:
    assert problems({wrong: "x"}) == [
        f"{wrong} is not a variable of SmartCORE HEMS: did you mean {right}?"
    ]


def test_a_name_like_no_other_says_where_they_stand() -> None:
    [problem] = problems({"hems_xyzzy_quux": 1})
    assert problem.endswith("in inventory/pilot/group_vars/all and roles/*/defaults/main.yml.")


@pytest.mark.parametrize("name", ["my_note", "ansible_user", "rack", "influx_note"])
def test_somebody_elses_name_is_left_alone(name: str) -> None:
    assert problems({name: "x"}) == []


def test_every_option_of_a_role_is_known() -> None:
    assert {"nginx_pages_burst", "hems_led_pins", "tls_extra_names"} <= PRODUCT.names


def test_a_renamed_variable_is_refused_with_its_new_name_and_the_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = {
        "hems_old": names.Change("0.7", "hems_hostname"),
        "hems_older": names.Change("0.8", why="nothing needs it"),
    }
    monkeypatch.setattr(names, "CHANGES", changes)
    assert problems({"hems_old": "x", "hems_older": 1}) == [
        "hems_old was renamed to hems_hostname in release 0.7.",
        "hems_older was removed (nothing needs it) in release 0.8.",
    ]


def test_the_docker_systems_names_are_refused() -> None:
    assert problems({"CONFIG_USER": "me"}) == [
        "CONFIG_USER was renamed to hems_door_username in release 0.1."
    ]


def test_what_a_variable_is_called_now_exists() -> None:
    assert {change.now for change in names.CHANGES.values() if change.now} <= PRODUCT.names
    assert not set(names.CHANGES) & PRODUCT.names
