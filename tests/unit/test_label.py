"""The box's label, and the command that prints it."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import segno
from hems import cli, settings
from hems.cli import label as command
from hems.label import HEIGHT, WIDTH, Label, in_terminal, sheet, wifi_code
from segno import helpers

from tests.unit.appliance_settings import GOOD
from tests.unit.certificates import site_and_server

SVG = "{http://www.w3.org/2000/svg}"
MARK = ":".join(["A1"] * 32)
GOOD_LABEL = Label(
    "Cork <1> & Ó Sé",
    "hems-cork-01.local",
    "https://hems-cork-01.local/",
    MARK,
    "HEMS-Cork <1> & Ó Sé",
    'a;b,c:"d\\e',
)


def drawn(code: segno.QRCode) -> set[tuple[int, int]]:
    """Return the dark modules of a code, by column and row without its quiet zone."""
    return {
        (x, y) for y, row in enumerate(code.matrix) for x, module in enumerate(row) if module & 1
    }


def modules(path: str) -> set[tuple[int, int]]:
    """Return what a code's SVG path draws: relative moves, and lines to the right."""
    found = set()
    x, y, at = 0.0, 0.0, 0
    words = path.replace("M", " M ").replace("m", " m ").replace("h", " h ").split()
    while at < len(words):
        if words[at] == "h":
            length = int(words[at + 1])
            found |= {(int(x) + step - 4, int(y) - 4) for step in range(length)}
            x, at = x + length, at + 2
        else:
            first = words[at] == "M"
            x = float(words[at + 1]) + (0 if first else x)
            y = float(words[at + 2]) + (0 if first else y)
            at += 3
    return found


def test_both_codes_are_drawn_as_they_are() -> None:
    root = ET.fromstring(sheet(GOOD_LABEL))
    join, address = (modules(path.attrib["d"]) for path in root.iter(f"{SVG}path"))
    assert join == drawn(wifi_code(GOOD_LABEL.hotspot, GOOD_LABEL.passphrase))
    assert address == drawn(segno.make("https://hems-cork-01.local/", micro=False))


def test_a_phone_is_told_the_network_with_its_signs() -> None:
    said = 'WIFI:T:WPA;S:HEMS-Cork <1> & Ó Sé;P:a\\;b,c\\:\\"d\\\\e;;'
    assert helpers.make_wifi_data(GOOD_LABEL.hotspot, GOOD_LABEL.passphrase, "WPA") == said
    code = wifi_code(GOOD_LABEL.hotspot, GOOD_LABEL.passphrase)
    assert drawn(code) == drawn(segno.make_qr(said))
    assert drawn(wifi_code("Open", "")) == drawn(segno.make_qr("WIFI:T:nopass;S:Open;;"))


def as_a_phone_reads(said: str) -> dict[str, str]:
    """Return the fields of a WIFI: code, in which a backslash makes the next sign a plain one."""
    assert said.startswith("WIFI:") and said.endswith(";;")
    fields = re.findall(r"([A-Z]):((?:[^\\;]|\\.)*);", said.removeprefix("WIFI:"))
    return {kind: re.sub(r"\\(.)", r"\1", value) for kind, value in fields}


@pytest.mark.parametrize(
    "name", ["a,b", "a;b", "a\\b", 'a"b', "a:b", "\\;", '";,:\\', "É 🏠 it's", "\\"]
)
def test_no_sign_in_a_name_misleads_a_phone(name: str) -> None:
    said = helpers.make_wifi_data(name, name * 8, "WPA")
    assert as_a_phone_reads(said) == {"T": "WPA", "S": name, "P": name * 8}
    assert drawn(wifi_code(name, name * 8)) == drawn(segno.make_qr(said))


def test_what_a_person_reads_is_on_it_and_within_it() -> None:
    long = Label(
        "W" * 60, "h" * 63 + ".local", f"https://{'h' * 63}.local/", MARK, "N" * 32, "W" * 63
    )
    for label in (GOOD_LABEL, long):
        texts = list(ET.fromstring(sheet(label)).iter(f"{SVG}text"))
        said = [text.text for text in texts]
        assert {label.site, label.host, label.url, label.hotspot, label.passphrase} <= set(said)
        assert "".join(said[-2:]) == MARK  # type: ignore[arg-type]
        for text in texts:
            size = float(text.attrib["font-size"])
            assert size >= 1
            assert float(text.attrib["y"]) < HEIGHT - 3
            wide = float(text.attrib["x"]) + len(text.text or "") * size * 0.6
            assert wide <= WIDTH - 3, text.text
    assert "a;b" not in repr(GOOD_LABEL), "it may come into a log"


def test_a_box_without_a_hotspot_has_only_its_address() -> None:
    root = ET.fromstring(sheet(Label("Cork", "c.local", "https://c.local/", MARK, "")))
    assert len(list(root.iter(f"{SVG}path"))) == 1
    assert (
        "WiFi"
        not in "".join(text.text or "" for text in root.iter(f"{SVG}text")).partition("2.")[0]
    )


def test_a_terminal_shows_the_same_code() -> None:
    code = wifi_code("HEMS-Cork 1", "right horse")
    lines = in_terminal(code).splitlines()
    side = code.symbol_size(border=2)[0]
    light = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    dark = {
        (x - 2, 2 * row + half - 2)
        for row, line in enumerate(lines)
        for x, sign in enumerate(line)
        for half in (0, 1)
        if not light[sign][half] and 2 * row + half < side
    }
    assert dark == drawn(code)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a box, with its secrets and its CA below the path."""
    text = GOOD.replace("/etc/hems/secrets", f"{tmp_path}/secrets")
    text = text.replace("/etc/hems/tls", f"{tmp_path}/tls")
    parsed = settings.parse(text, settings.Appliance, "x")
    monkeypatch.setattr(settings, "appliance", lambda: parsed)
    monkeypatch.setattr(settings, "DIRECTORY", tmp_path)
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    for name in ("secrets", "tls"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets/hotspot").write_text("right horse\n")
    (tmp_path / "onboarding.toml").touch()
    return tmp_path


def test_the_box_prints_its_own(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site_and_server(box / "tls", 300)
    assert cli.main(["label"]) == 0
    texts = [text.text or "" for text in ET.fromstring(capsys.readouterr().out).iter(f"{SVG}text")]
    assert {"Cottage", "cottage.local", "https://cottage.local:10443/", "right horse"} <= set(texts)
    openssl = [
        "openssl",
        "x509",
        "-in",
        str(box / "tls/ca.crt"),
        "-noout",
        "-fingerprint",
        "-sha256",
    ]
    shown = subprocess.run(openssl, check=True, capture_output=True, text=True).stdout.strip()
    assert "".join(texts[-2:]) == shown.partition("=")[2]
    (box / "onboarding.toml").unlink()
    assert cli.main(["label"]) == 0
    assert "right horse" not in capsys.readouterr().out


def test_it_says_why_it_can_not(
    box: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["label"]) == 1
    assert "ca.crt can't be read" in capsys.readouterr().err
    (box / "tls/ca.crt").write_text("no certificate")
    assert cli.main(["label"]) == 1
    assert "run the whole playbook" in capsys.readouterr().err
    monkeypatch.setattr(command.os, "geteuid", lambda: 1000)
    assert cli.main(["label"]) == 1
    assert "type 'sudo hems label'" in capsys.readouterr().err
