"""The fleet's server: a site writes its own receipt and reads releases, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hems.receipts import core

from tests.fleet.conftest import Fleet
from tests.fleet.plays import HEAD, LINE, ROLE, SITE
from tests.fleet.receiver import NAME, OPERATOR, PASSWORDS, Receiver
from tests.virtual.pi.machine import Pi

ALL = "fleet/+/receipt"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The server, played twice: the second time changes nothing."""
    made = Receiver(Pi("fleetserver"), tmp_path_factory.mktemp("receiver"))
    try:
        made.begin()
        made.play()
        assert " changed=0 " in made.play()
        yield made
    finally:
        made.pi.destroy()


def test_a_site_writes_its_own_receipt_and_reads_none(receiver: Receiver) -> None:
    site, welcome = receiver.client("cork_01", PASSWORDS["cork_01"])
    assert welcome == "Success"
    refused = ["fleet/pi/receipt", "fleet/cork_01/other", "operator/word", "anything"]
    assert {topic: site.publish(topic, b"x") for topic in refused} == dict.fromkeys(
        refused, "Not authorized"
    )
    assert site.publish("fleet/cork_01/receipt", b"mine") != "Not authorized"
    assert site.retained("#") == {}
    operator, welcome = receiver.client("operator", OPERATOR)
    assert (welcome, operator.retained(ALL)) == ("Success", {"fleet/cork_01/receipt": b"mine"})
    for account, password in [("cork_01", "another"), ("galway_01", ""), ("", "")]:
        assert receiver.client(account, password)[1] == "Not authorized"


def test_receipts_outlive_a_power_cut_of_a_minute_later(receiver: Receiver) -> None:
    receiver.check("systemctl kill --signal=USR1 mosquitto && sleep 2")  # writes at once
    receiver.check("systemctl kill --signal=KILL mosquitto && sleep 4")
    operator, _ = receiver.client("operator", OPERATOR)
    assert operator.retained(ALL) == {"fleet/cork_01/receipt": b"mine"}


def test_operators_push_and_sites_only_read(receiver: Receiver) -> None:
    work: Path = receiver.directory / "work"
    url = receiver.url
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(work)], check=True)
    for text in ("one", "two"):
        receiver.git("operator", "commit", "--allow-empty", "-m", text, where=work)
    assert receiver.git("operator", "push", url, "main", where=work)[0] == 0
    receiver.git("operator", "reset", "--quiet", "--hard", "HEAD~1", where=work)
    for words in (["--force", url, "main"], [url, ":main"]):
        code, said = receiver.git("operator", "push", *words, where=work)
        assert code and "remote rejected" in said
    there = receiver.git("site", "ls-remote", url)
    assert there[0] == 0 and there[1].count("\n") == 2  # HEAD and main
    receiver.git("site", "push", url, "main:mine", where=work)
    assert receiver.git("site", "ls-remote", url) == there
    for key in ("site", "operator"):
        words = ["ssh", "-i", str(receiver.directory / key), "-o", "IdentitiesOnly=yes"]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        shell = subprocess.run(
            [*words, f"git@{receiver.pi.address()}", "cat /etc/passwd"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert shell.returncode and "root:" not in shell.stdout


def test_a_box_tells_the_server_after_each_update_also_what_it_could_not_tell_before(
    fleet: Fleet, receiver: Receiver
) -> None:
    box = fleet.box
    box.check(f"echo '{receiver.pi.address()} {NAME}' >>/etc/hosts")
    fleet.operator.set(
        hems_fleet_server=NAME,
        hems_fleet_ca=receiver.authority,
        hems_secret_receipt_password=PASSWORDS["pi"],
    )
    fleet.operator.write(SITE, HEAD + ROLE.format(name="receipts"))
    first = fleet.hand_out()
    said = box.update()
    assert (box.state["release"], box.problem) == (first, ""), said
    box.wait(lambda: _receipt(receiver).get("release") == first, 120)
    fleet.operator.write(SITE, HEAD + LINE.format(line="true"))
    receiver.check("systemctl stop mosquitto")
    second = fleet.hand_out()
    box.update()
    assert box.state["release"] == second  # an update does not wait for the server
    receiver.check("systemctl start mosquitto")
    box.run("systemctl start hems-receipt.service")  # as its timer does each hour
    box.wait(lambda: _receipt(receiver).get("release") == second, 120)
    told = _receipt(receiver)
    assert (told["site"], told["result"]) == ("pi", "ok")


def _receipt(receiver: Receiver) -> dict[str, object]:
    """Return the box's receipt as the operator is shown it; empty: there is none."""
    operator, _ = receiver.client("operator", OPERATOR)
    payload = operator.retained("fleet/pi/receipt").get("fleet/pi/receipt")
    found: dict[str, object] = json.loads(core.unseal(payload).receipt) if payload else {}
    return found
