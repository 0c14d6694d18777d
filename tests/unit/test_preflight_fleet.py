"""What is wrong between the sites of a fleet, or with its files, is named in one sentence each."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbooks.preflight import fleet
from playbooks.preflight.sources import definitions, read_definitions

GROUPS = {
    "all": ["cork_01", "galway_01"],
    "ungrouped": [],
    "hems": ["cork_01", "galway_01"],
    "ring_canary": ["cork_01"],
    "ring_stable": ["galway_01"],
}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory with one file for each of a group and a host."""
    top = tmp_path / "inventory/mine"
    for name in ("group_vars/all/site.yml", "host_vars/cork_01/site.yml"):
        (top / name).parent.mkdir(parents=True)
        (top / name).write_text("hems_site_name: x\n", encoding="utf-8")
    return top


def problems(inventory: Path, groups: fleet.Groups = GROUPS) -> list[str]:
    base = inventory.parents[1]
    return fleet.inventory_problems([str(inventory)], groups, base, lambda _path, _owner: "")


def test_a_good_inventory_has_no_problem(inventory: Path) -> None:
    assert problems(inventory) == []


def test_a_folder_without_its_host_is_named_with_the_nearest(inventory: Path) -> None:
    (inventory / "host_vars/cork_01").rename(inventory / "host_vars/crok_01")
    assert problems(inventory) == [
        "inventory/mine/host_vars/crok_01 belongs to no host of the inventory (did you mean "
        "cork_01?): name it as hosts.yml does, or remove it."
    ]


def test_a_file_without_its_group_is_named(inventory: Path) -> None:
    (inventory / "group_vars/ring_stabel.yml").write_text("hems_ring: stable\n", encoding="utf-8")
    [problem] = problems(inventory)
    assert "group_vars/ring_stabel.yml belongs to no group" in problem
    assert "ring_stable" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: 1\n\tb: 2\n", "site.yml, line 2 has a tab"),
        (b"a: 1\nb: [1\nc: 2\n", "site.yml, line 3 can't be read as YAML"),
        (b"a: 'x\n", "site.yml, line 2 can't be read as YAML"),
        (b"a: \xff\n", "site.yml is not UTF-8"),
        (b"a: \x00\n", "can't be read as YAML"),
    ],
)
def test_a_broken_file_is_named_with_its_line(inventory: Path, text: bytes, words: str) -> None:
    (inventory / "host_vars/cork_01/site.yml").write_bytes(text)
    [problem] = problems(inventory)
    assert words in problem and problem.startswith("inventory/mine/host_vars/cork_01/")


def test_an_inventory_without_a_site_is_named(inventory: Path) -> None:
    [*_, problem] = problems(inventory, {"all": [], "ungrouped": [], "hems": []})
    assert problem.startswith("The inventory has no site")


def test_a_list_of_hosts_has_no_files() -> None:
    sources = ["localhost,"]
    groups = {"all": ["localhost"]}
    assert fleet.inventory_problems(sources, groups, Path("/"), lambda _path, _owner: "") == []


def test_one_ring_is_right() -> None:
    assert fleet.ring_problem("cork_01", GROUPS) is None


def test_two_rings_are_refused() -> None:
    groups = {**GROUPS, "ring_stable": ["cork_01", "galway_01"]}
    problem = fleet.ring_problem("cork_01", groups)
    assert problem is not None
    assert problem.startswith("cork_01 is in 2 rings (ring_canary, ring_stable): put it in exactly")


def test_an_unknown_ring_is_refused_as_that() -> None:
    groups = {"all": ["cork_01"], "hems": ["cork_01"], "ring_beta": ["cork_01"]}
    problem = fleet.ring_problem("cork_01", groups)
    assert problem is not None
    assert problem.startswith("cork_01 is in ring_beta, which is not a ring")


def test_two_sites_with_one_host_name_are_refused() -> None:
    names = {"cork_01": "hems-1", "galway_01": "hems-1", "limerick_01": "hems-3"}
    problem = fleet.same_name_problem("cork_01", names)
    assert problem is not None and "same hems_hostname as galway_01 (hems-1)" in problem
    assert fleet.same_name_problem("limerick_01", names) is None


def test_more_sites_than_one_must_be_meant() -> None:
    sites = ["cork_01", "galway_01"]
    assert "-e all_sites=true" in (fleet.too_many_problem(sites, None, all_sites=False) or "")
    assert fleet.too_many_problem(sites, None, all_sites=True) is None
    assert fleet.too_many_problem(sites, "hems", all_sites=False) is None
    assert fleet.too_many_problem(["pi"], None, all_sites=False) is None


def test_the_hosts_own_file_is_read_after_its_groups(inventory: Path) -> None:
    found = read_definitions(inventory, "cork_01", ["hems", "ring_canary"], inventory)
    assert found["hems_site_name"].where == "host_vars/cork_01/site.yml:1"
    found = read_definitions(inventory, "galway_01", ["hems"], inventory)
    assert found["hems_site_name"].where == "group_vars/all/site.yml:1"


def test_a_vault_value_and_an_encrypted_file_are_no_surprise() -> None:
    found = definitions("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3138\nb: x #1\n", "f")
    assert found["a"].value is None and found["a"].comment == ""
    assert found["b"].comment == "#1" and found["b"].where == "f:4"
    assert definitions("$ANSIBLE_VAULT;1.1;AES256\n3138\n", "f") == {}
