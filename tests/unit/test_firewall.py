"""Which doors are open, and that rules which nobody confirms do not stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import ROOT, load_module

pytestmark = pytest.mark.usefixtures("system")

sys.path.insert(0, str(ROOT / "roles/firewall/files"))
firewall: Any = load_module("roles/firewall/files/hems_firewall.py")
SETTINGS = """
services = "{services}"
hotspot = "10.42.0.1"
radios = "wl"
refused = [443]
[[doors]]
port = 22
rate = 120
"""


class System:
    """nft and systemctl as far as the program knows them: one table, and one timer."""

    def __init__(self) -> None:
        self.loaded = ""
        self.timer: list[str] = []
        self.broken = False  # nft takes no rules

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.CompletedProcess(command, 0, "", "")
        match command:
            case ["nft", "--json", *_]:
                table = {"family": "inet", "name": "hems_firewall", "comment": self.loaded}
                done.stdout = firewall.json.dumps(
                    {"nftables": [{"metainfo": {}}, *([{"table": table}] if self.loaded else [])]}
                )
            case ["nft", *words] if "--file" in words:
                if self.broken:
                    return subprocess.CompletedProcess(command, 1, "", "syntax error")
                if "--check" not in words:
                    self.loaded = firewall.mark_of(Path(words[-1]).read_text("utf-8"))
            case ["nft", "delete", *_]:
                self.loaded = ""
            case ["systemd-run", *words]:
                self.timer = words
            case ["systemctl", "stop", *_]:
                self.timer = []
        return done


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """A box with settings that open ssh, and no rules yet."""
    services = tmp_path / "services.d"
    services.mkdir()
    monkeypatch.setattr(firewall, "SETTINGS", tmp_path / "firewall.toml")
    monkeypatch.setattr(firewall, "KEPT", tmp_path / "firewall.nft")
    monkeypatch.setattr(firewall, "APPLIANCE", tmp_path / "hems.toml")
    monkeypatch.setattr(firewall, "TRIED", tmp_path / "run/tried.nft")
    firewall.SETTINGS.write_text(SETTINGS.format(services=services))
    stand_in = System()
    monkeypatch.setattr(firewall.subprocess, "run", stand_in.run)
    return stand_in


def entry(name: str, text: str) -> None:
    """Write a service's entry."""
    (firewall.SETTINGS.parent / "services.d" / name).write_text(text)


def chain(rules: str, name: str) -> list[str]:
    """Return a chain's rules."""
    body = rules.partition(f"  chain {name} {{\n")[2].partition("\n  }")[0]
    return [line.strip() for line in body.splitlines()]


def test_an_entry_opens_its_doors_to_those_it_names() -> None:
    entry("door.toml", '[[doors]]\nport = 80\nfrom = ["lan", "hotspot"]\n[[doors]]\nport = 443\n')
    entry("name.toml", 'title = "x"\n[[doors]]\nport = 5353\nprotocol = "udp"\n')
    entry("quiet.toml", 'title = "no door"\n')
    rules = firewall.wanted()
    assert [line for line in chain(rules, "lan") if line.endswith("accept")] == [
        "tcp dport 22 accept",
        "tcp dport 80 accept",
        "tcp dport 443 accept",
        "udp dport 5353 accept",
        "udp sport 67 udp dport 68 accept",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
    ]
    assert chain(rules, "hotspot") == [
        "tcp dport 443 reject with tcp reset",
        "tcp dport 80 accept",
        "udp dport 53 accept",
        "tcp dport 53 accept",
        "meta l4proto tcp reject with tcp reset",
    ]
    entry("door.toml", "")
    assert "dport 443 accept" not in firewall.wanted(), "a service that is gone closes its door"


def test_of_the_services_only_nginx_and_the_broker_open_a_door_to_guests() -> None:
    to_guests = set()
    for path in ROOT.glob("roles/*/templates/etc/hems/services.d/*.toml.j2"):
        _, *doors = path.read_text("utf-8").split("[[doors]]")
        to_guests |= {door.split()[3] for door in doors if '"hotspot"' in door}
    assert to_guests == {"nginx_http_port", "mosquitto_lan_port"}


def test_a_guest_renews_its_lease_although_it_asks_the_boxs_own_address() -> None:
    rules = chain(firewall.wanted(), "input")
    renewed = rules.index('iifname "wl*" udp sport 68 udp dport 67 accept')
    assert renewed < rules.index('iifname "wl*" ip daddr 10.42.0.1 goto hotspot')


@pytest.mark.parametrize("name", ["input", "forward"])
def test_what_is_not_listed_is_dropped(name: str) -> None:
    assert "policy drop" in chain(firewall.wanted(), name)[0]


def test_only_its_own_table_is_touched() -> None:
    rules = firewall.wanted()
    assert "flush" not in rules
    tables = {line.split("{")[0].strip() for line in rules.splitlines() if "table" in line}
    assert tables == {"table inet hems_firewall", "delete table inet hems_firewall"}


def test_a_rate_is_counted_for_each_address_of_both_families() -> None:
    lan = chain(firewall.wanted(), "lan")
    counted = [line for line in lan if line.startswith("tcp dport 22 ct state new")]
    assert counted == [
        "tcp dport 22 ct state new update @tried_tcp_22_4 "
        "{ ip saddr limit rate over 120/minute burst 120 packets } drop",
        "tcp dport 22 ct state new update @tried_tcp_22_6 "
        "{ ip6 saddr limit rate over 120/minute burst 120 packets } drop",
    ]


def test_of_a_port_that_two_name_everybody_named_gets_in_at_the_higher_rate(tmp_path: Path) -> None:
    one, two = tmp_path / "a.toml", tmp_path / "b.toml"
    one.write_text("[[doors]]\nport = 80\nrate = 5\n")
    two.write_text('[[doors]]\nport = 80\nfrom = ["hotspot"]\nrate = 9\n')
    doors, problems = firewall.doors_in([one, two])
    assert (doors, problems) == ([firewall.Door("tcp", 80, ("lan", "hotspot"), 9)], [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[doors]]\nport = 0\n", "port = 0 is no port number"),
        ("[[doors]]\nport = true\n", "port = True is no port number"),
        ('[[doors]]\nport = "80; accept"\n', "is no port number"),
        ('[[doors]]\nport = 80\nprotocol = "sctp"\n', "is none of tcp, udp"),
        ('[[doors]]\nport = 80\nfrom = ["moon"]\n', "must name lan or hotspot"),
        ("[[doors]]\nport = 80\nrate = -1\n", "is no number of connections"),
        ("doors = 7\n", "not iterable"),
        ("doors = [7]\n", "no attribute"),
        ("no toml", "Expected"),
        ("\x00" * 100, "Invalid"),
    ],
)
def test_a_broken_entry_is_named_and_closes_no_other(
    capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    entry("a_broken.toml", text)
    entry("door.toml", "[[doors]]\nport = 80\n")
    rules = firewall.wanted()
    assert "tcp dport 80 accept" in chain(rules, "lan")
    assert "tcp dport 22 accept" in chain(rules, "lan")
    said = capsys.readouterr().err
    assert "a_broken.toml opens no door until it is put right: " in said
    assert why in said


def test_rules_that_are_confirmed_are_a_boots(system: System) -> None:
    assert firewall.try_rules(60) == "tried"
    assert "--on-active=60" in system.timer
    assert not firewall.KEPT.exists(), "a boot before the confirmation loads the old ones"
    assert firewall.confirm() == "kept"
    assert system.timer == []
    assert firewall.mark_of(firewall.KEPT.read_text()) == system.loaded != ""
    assert firewall.try_rules(60) == "current"
    assert system.timer == []


def test_rules_that_nobody_confirms_are_undone(system: System) -> None:
    firewall.try_rules(60)
    firewall.undo()
    assert system.loaded == "", "there were none before"
    firewall.try_rules(60)
    firewall.confirm()
    before = system.loaded
    entry("door.toml", "[[doors]]\nport = 80\n")
    firewall.try_rules(60)
    assert system.loaded != before
    firewall.undo()
    assert system.loaded == before
    with pytest.raises(firewall.Problem, match="undone before they were confirmed"):
        firewall.confirm()


def test_rules_that_somebody_removed_are_put_back(system: System) -> None:
    firewall.try_rules(60)
    firewall.confirm()
    system.loaded = ""
    assert firewall.try_rules(60) == "tried"


def test_rules_that_nft_refuses_change_nothing(system: System) -> None:
    firewall.try_rules(60)
    firewall.confirm()
    before = system.loaded
    entry("door.toml", "[[doors]]\nport = 80\n")
    system.broken = True
    with pytest.raises(firewall.Problem, match=r"nft does not take .*: syntax error"):
        firewall.try_rules(60)
    assert (system.loaded, system.timer) == (before, [])


def test_a_box_whose_services_are_in_use_is_closed_when_they_have_named_their_doors(
    system: System,
) -> None:
    firewall.APPLIANCE.write_text("")
    assert firewall.try_rules(60, early=True) == "later"
    assert system.loaded == ""
    assert firewall.try_rules(60) == "tried"
    firewall.confirm()
    assert firewall.try_rules(60, early=True) == "current"


def test_a_fresh_box_is_closed_before_its_services_are_there(system: System) -> None:
    assert firewall.try_rules(60, early=True) == "tried"
    assert system.loaded
