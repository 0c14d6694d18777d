"""Make and send: what waits while the server is away, and what a person is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hems import HemsError
from hems.process import Surroundings
from hems.receipts import core, gather, key, receipts_settings, run, status
from hems.receipts.core import Look
from hems.receipts.status import Status
from hems.reports import receipts as report

from tests.unit.certificates import site_and_server
from tests.unit.fake_broker import NOT_AUTHORISED, FakeBroker, listening
from tests.unit.receipt_samples import NOW, STATE
from tests.unit.service_entries import kind


@dataclass
class Box:
    """A box's directories, and the server that it knows."""

    where: Surroundings
    directory: Path
    server: Path  # the certificate

    def settings(self, port: int, name: str = "localhost") -> None:
        """Say where the server is."""
        told: dict[str, Any] = {
            "site": "cork_01",
            "server": name,
            "port": port,
            "ca": str(self.directory.parent / "ca.crt"),
            "problem": str(self.directory.parent / "problem"),
            "packages": [],
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in told.items()]
        file = self.where.settings / receipts_settings.FILE
        file.write_text("\n".join(lines), encoding="utf-8")

    def run(self) -> None:
        run.receipt(self.where, self.directory)

    @property
    def status(self) -> Status:
        return status.read(self.directory)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    for name in ("etc", "state", "credentials"):
        (tmp_path / name).mkdir()
    key.ensure(tmp_path / "credentials/receipt_key")
    (tmp_path / "credentials/receipt_password").write_text("a secret of the site\n")
    (tmp_path / "credentials/update_state").write_bytes(core.msgspec.json.encode(STATE))
    environment = {
        "HEMS_SETTINGS": str(tmp_path / "etc"),
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    ring = type("Appliance", (), {"site": type("Site", (), {"ring": "early"})})
    monkeypatch.setattr(run.settings, "appliance", lambda _: ring)
    monkeypatch.setattr(run.gather, "look", lambda *_: Look())
    monkeypatch.setattr(run.time, "time", lambda: NOW)
    server = site_and_server(tmp_path, 30, "localhost")
    return Box(Surroundings(environment), tmp_path / "state", server)


def test_the_server_gets_a_signed_receipt_that_it_keeps(box: Box) -> None:
    with listening(FakeBroker(mute=True), box.server) as broker:
        box.settings(broker.port)
        box.run()
    [(topic, payload, retained)] = broker.messages
    assert (topic, retained) == ("fleet/cork_01/receipt", True)
    found = core.unseal(payload)
    key.verify(found, "cork_01", found.key)
    assert core.parse(found, "cork_01").release == "v1.2.2"
    assert b"a secret of the site" not in payload
    assert box.status == Status("2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", False, "")


def test_the_newest_waits_while_the_server_is_away(box: Box) -> None:
    box.settings(1)
    box.run()
    assert box.status.waiting and "does not answer: Connection refused" in box.status.problem
    assert box.status.problem.endswith("can the box reach it?")
    (box.where._credentials / "update_state").unlink()  # as on a box that takes no releases
    box.run()
    waiting = core.parse(core.unseal(status.newest(box.directory)), "cork_01")
    assert (waiting.release, len(list(box.directory.iterdir()))) == ("", 2)
    with listening(FakeBroker(mute=True), box.server) as broker:
        box.settings(broker.port)
        box.run()
    assert len(broker.messages) == 1 and not box.status.waiting and not box.status.problem


def test_one_that_waits_is_sent_even_if_no_newer_one_can_be_made(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.settings(1)
    box.run()
    waits = status.newest(box.directory)

    def blind(*_: object) -> Look:
        raise HemsError("systemd does not answer.")

    monkeypatch.setattr(run.gather, "look", blind)
    with listening(FakeBroker(mute=True), box.server) as broker:
        box.settings(broker.port)
        with pytest.raises(HemsError, match="systemd"):
            box.run()
    assert [payload for _, payload, _ in broker.messages] == [waits]
    assert box.status.delivered and not box.status.waiting


@pytest.mark.parametrize(
    ("broker", "words"),
    [
        (FakeBroker(connack=NOT_AUTHORISED), "refuses account 'cork_01'"),
        (FakeBroker(puback=NOT_AUTHORISED, mute=True), "refuses a message (Not authorized)"),
    ],
)
def test_a_refusal_is_one_sentence(box: Box, broker: FakeBroker, words: str) -> None:
    with listening(broker, box.server):
        box.settings(broker.port)
        box.run()
    assert words in box.status.problem and box.status.delivered == ""


def test_another_servers_certificate_is_refused_before_the_password_is_sent(box: Box) -> None:
    with listening(FakeBroker(mute=True), box.server) as broker:
        box.settings(broker.port, "127.0.0.1")
        box.run()
    assert "certificate that is not its own" in box.status.problem and broker.messages == []


def test_a_ca_that_is_not_there_is_one_sentence(box: Box) -> None:
    box.settings(1)
    (box.directory.parent / "ca.crt").unlink()
    with pytest.raises(HemsError, match="set hems_fleet_ca"):
        box.run()


DAYS = 86400.0


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (Status(), None),
        (Status("2027-01-13T08:00:00Z"), None),
        (Status("2027-01-01T08:00:00Z", "2027-01-13T08:00:00Z", True, "Away."), None),
        (Status("2027-01-11T08:00:00Z"), "never yet"),
        (Status("2027-01-01T08:00:00Z", "", True, "It is away."), "never yet; It is away"),
    ],
)
def test_the_watchdog_tells_it_after_days(found: Status, detail: str | None) -> None:
    [*issues] = report.judge(found, NOW, kind)
    assert [(one.kind.code, one.detail) for one in issues] == (
        [("receipts_undelivered", detail)] if detail else []
    )


def test_what_is_installed_is_read_from_what_programs_say() -> None:
    listed = "influxdb2 2.9.1-1\nmosquitto \nnginx 1.26.3-3+deb13u1\n"
    assert gather.package_versions(listed) == {"influxdb2": "2.9.1-1", "nginx": "1.26.3-3+deb13u1"}
    assert gather.os_name('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13"\n\nx') == (
        "Debian GNU/Linux 13"
    )
