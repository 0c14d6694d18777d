"""What a receipt says, how it is sealed, and what is taken for none."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hems.receipts import core, key
from hems.receipts.core import Look, ReceiptError
from hems.update.state import COMMIT, PLAY, UNDO, Hold, Phase, State

from tests.unit.receipt_samples import LOOK, NOW, STATE, receipt, sealed

BAD = STATE.but(bad={"5" * 40: "no reading has reached InfluxDB since"})
SENTENCE = "v1.2.3 was undone, as no reading has reached InfluxDB since; this box waits."


def phase(step: str, reason: str = "") -> Phase:
    return Phase(step, "v1.2.3", "5" * 40, NOW, reason=reason)


@pytest.mark.parametrize(
    ("state", "problem", "outcome"),
    [
        (STATE, "", ("ok", "")),
        (State(), "", ("ok", "")),
        (STATE.but(phase=phase(PLAY)), "", ("updating", "v1.2.3")),
        (STATE.but(phase=phase(COMMIT)), "", ("updating", "v1.2.3")),
        (STATE.but(phase=phase(UNDO, "its play failed")), "", ("undoing", "its play failed")),
        (BAD, SENTENCE, ("undone", SENTENCE)),
        # A release was undone once; what is in the way now is something else.
        (BAD, "The server can't be reached.", ("failed", "The server can't be reached.")),
        (BAD, "", ("ok", "")),
        (
            STATE.but(hold=Hold("ana", "the roof", "2027-01-01")),
            "",
            ("held", "the roof (ana, 2027-01-01)"),
        ),
    ],
)
def test_it_says_how_it_stands_with_updates(
    state: State, problem: str, outcome: tuple[str, str]
) -> None:
    made = receipt(state=state, problem=problem)
    assert (made.result, made.reason) == outcome


def test_it_says_what_was_seen() -> None:
    made = receipt(state=BAD, look=LOOK)
    assert (made.site, made.ring, made.release, made.serial) == ("cork_01", "early", "v1.2.2", 7)
    assert made.time.isoformat() == "2027-01-15T08:00:00+00:00"
    assert made.undone == {"v1.2.3": "no reading has reached InfluxDB since"}
    assert (made.ok, made.reading, made.disk, made.certificate) == (True, 42, 41.3, 88)
    assert made.critical == []
    ill = receipt(look=Look(problems=("It is broken.",), issues={"meter_silent": "critical"}))
    assert (ill.ok, ill.critical, ill.reading) == (False, ["meter_silent"], None)


def test_it_stays_small_whatever_the_box_says() -> None:
    many = {f"{n:04x}" * 10: "\U0001f525\0" * 5000 for n in range(500)}
    look = Look(
        problems=('"\n' * 900,) * 500,
        issues={f"code_{n}": "warning" for n in range(500)},
        versions={f"package_{n}": "1" * 500 for n in range(500)},
    )
    made = receipt(state=State(bad=many, result="y" * 5000), problem='"' * 5000, look=look)
    text = core.text_of(made)
    assert len(core.seal(text, "ssh-ed25519 " + "A" * 68, "s" * 400)) < core.BYTES
    again = msgspec.json.decode(text, type=core.Receipt)
    assert again == made and "\n" not in made.problems[0] and made.said.endswith(" …")
    assert list(made.undone)[-1] == "01f301f301f3"  # the latest stay


def test_a_seal_is_the_boxs_own(tmp_path: Path) -> None:
    made = receipt()
    payload = sealed(made, tmp_path)
    found = core.unseal(payload)
    key.verify(found, "cork_01", found.key)
    assert core.parse(found, "cork_01") == made


def test_another_key_another_site_and_another_text_are_refused(tmp_path: Path) -> None:
    found = core.unseal(sealed(receipt(), tmp_path))
    other = core.unseal(sealed(receipt(), tmp_path, "thief"))
    changed = msgspec.structs.replace(
        found, receipt=found.receipt.replace('"ok":true', '"ok":false')
    )
    assert changed != found
    for strange, site in ((other, "cork_01"), (changed, "cork_01")):
        with pytest.raises(ReceiptError, match="not signed by the key that is known"):
            key.verify(strange, site, found.key)
    with pytest.raises(ReceiptError, match="is one of cork_01"):
        core.parse(found, "galway_01")


def test_a_signature_of_something_else_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key, "NAMESPACE", "hems-ring")
    found = core.unseal(sealed(receipt(), tmp_path))
    monkeypatch.undo()
    with pytest.raises(ReceiptError, match="not signed by the key"):
        key.verify(found, "cork_01", found.key)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps({"receipt": "{}", "key": 'x" *\nssh-ed25519 AAAA', "signature": ""}).encode(),
        b" " * (core.BYTES + 1),
    ],
)
def test_what_is_no_receipt_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(ReceiptError):
        core.unseal(payload)


@pytest.mark.parametrize(
    ("text", "words"),
    [("{}", "can't be read"), ('{"site": "a/b"}', "can't be read"), ("\ud800", "can't be read")],
)
def test_a_signed_text_that_is_no_receipt_is_refused(text: str, words: str) -> None:
    with pytest.raises((ReceiptError, UnicodeEncodeError), match=f"{words}|surrogates"):
        core.parse(core.Sealed(text, "ssh-ed25519 " + "A" * 68, ""), "cork_01")


def test_a_receipts_time_has_a_zone() -> None:
    text = core.text_of(receipt()).decode().replace("08:00:00Z", "08:00:00")
    with pytest.raises(ReceiptError, match="time zone"):
        core.parse(core.Sealed(text, "ssh-ed25519 " + "A" * 68, ""), "cork_01")


def test_a_topic_belongs_to_one_site() -> None:
    assert core.site_of(core.topic("cork_01")) == "cork_01"
    for strange in ("fleet/a/b/receipt", "fleet//receipt", "fleet/-/receipt", "fleet/a/receipt\n"):
        assert core.site_of(strange) == ""


def test_a_key_is_made_once_and_a_broken_one_anew(tmp_path: Path) -> None:
    path = tmp_path / "receipt_key"
    assert key.ensure(path) and path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert not key.ensure(path) and path.read_bytes() == before
    path.write_bytes(b"")  # what a power cut may leave
    assert key.ensure(path) and path.read_bytes() not in (before, b"")
