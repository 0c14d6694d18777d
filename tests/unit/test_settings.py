"""The settings: what is rendered is read, and what a person got wrong is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hems import settings
from hems.settings import Appliance, SettingsError

from tests.unit.appliance_settings import GOOD


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "hems.toml").write_text(GOOD)
    return tmp_path


def test_a_good_file_is_read(directory: Path) -> None:
    box = settings.appliance(directory)
    assert box.site.name == "Cottage"
    assert box.ports.mqtts == tomllib.loads(GOOD)["ports"]["mqtts"]
    assert box.paths.lock == Path("/run/hems-root/hems.lock")
    assert box.accounts.mqtt_devices == ("meter",)
    assert box.url == "https://cottage.local:10443"


def test_settings_can_not_be_changed(directory: Path) -> None:
    box = settings.appliance(directory)
    with pytest.raises(AttributeError):
        box.site.name = "Other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https = 10443", "https = 10443\nhtp = 1", "unknown key 'ports.htp'"),
        ("[site]", "[sites]\n[site]", "unknown key 'sites'"),
        ('ring = "early"\n', "", "key 'site.ring' is missing"),
        ("https = 10443", 'https = "10443"', "key 'ports.https': expected int, got str"),
        ("https = 10443", "https = 70000", "key 'ports.https': expected int <= 65535"),
        ('name = "Cottage"', 'name = ""', "key 'site.name': expected str of length >= 1"),
        ('run = "/run/hems"', 'run = "run/hems"', "key 'paths.run': expected an absolute path"),
        ('["meter"]', "[1]", "key 'accounts.mqtt_devices[0]': expected str, got int"),
        ("https = 10443", "https = ", "is not TOML: "),
        *(
            (
                '"192.0.2.2"',
                f'"{name}"',
                "key 'internet.targets[1]': expected an IPv4 address, not a name",
            )
            for name in ("one.one.one.one", "192.0.2.300", "192.0.2", "::1", "")
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_key(
    directory: Path, old: str, new: str, said: str
) -> None:
    file = directory / "hems.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(SettingsError) as caught:
        settings.appliance(directory)
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.startswith(str(file))
    assert "\n" not in sentence


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run the whole playbook"):
        settings.appliance(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "hems.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"hems\.toml can't be read"):
        settings.appliance(tmp_path)


def test_what_the_role_renders_has_every_key_and_no_other() -> None:
    # The template's keys by table, without rendering it.
    root = Path(__file__).resolve().parents[2]
    template = (root / "roles/hems/templates/etc/hems/hems.toml.j2").read_text()
    keys: dict[str, set[str]] = {}
    table = ""
    for line in template.splitlines():
        if line.startswith("["):
            table = line.strip("[]")
            keys[table] = set()
        elif " = " in line and not line.startswith("#"):
            keys[table].add(line.split(" = ")[0])
    known = {
        table.name: set(table.type.__struct_fields__) for table in msgspec.structs.fields(Appliance)
    }
    assert keys == known


def test_the_checker_that_the_role_uses(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = directory / "hems.toml"
    monkeypatch.setattr("sys.argv", ["settings", str(file)])
    assert settings.check(Appliance) == 0
    file.write_text("x = 1")
    assert settings.check(Appliance) == 1
    assert "unknown key 'x'" in capsys.readouterr().err
