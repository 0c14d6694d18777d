"""Each mistake in a site's variables is one sentence that names the variable."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml

from playbooks.preflight.site import site_problems
from playbooks.preflight.sources import definitions
from playbooks.preflight.variables import OPTIONAL, REQUIRED
from tests.unit.modules import ROOT
from tests.unit.preflight_site import PRODUCT, good_site, problems, problems_of


def test_a_good_site_has_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hems_ring", "beta", "canary, early, stable"),
        ("hems_time_zone", "Europe/Atlantis", "IANA"),
        ("hems_hostname", "Hems_01", "host name"),
        ("hems_hostname", "h" * 64, "at most 63"),
        ("hems_country", "Ireland", "write IE"),
        ("hems_country", "UK", "write GB"),
        ("hems_country", "ie", "write IE"),
        ("hems_country", "ABC", "ISO 3166"),
        ("hems_country", "ZZ", "ISO 3166"),
        ("hems_country", False, "unquoted NO"),
        ("hems_language", "English", "language code"),
        ("hems_language", "xx", "language code"),
        ("hems_language", "pt-PT", "write pt or pt-BR"),
        ("hems_currency", "€", "ISO 4217"),
        ("hems_currency", "EUX", "ISO 4217"),
        ("hems_latitude", "51.9", "number from -90 to 90 (degrees north), without quotes"),
        ("hems_longitude", 181, "number from -180 to 180"),
        ("hems_elevation", True, "metres"),
        ("hems_owner_name", "  ", "not empty"),
        ("hems_owner_name", "first\nsecond", "one line"),
        ("hems_owner_name", 12, "YAML reads a number"),
        ("hems_site_name", datetime.date(2026, 1, 1), "YAML reads a date"),
        ("hems_site_name", "Σ" * 33, "is 66 bytes long and may have 64 at most"),
        ("hems_owner_username", "a:b", "log-in"),
        ("hems_owner_username", "Aoife", "a-z"),
        ("hems_owner_username", "a" * 33, "at most 32"),
        ("hems_mqtt_devices", "meter", "list"),
        ("hems_mqtt_devices", ["Meter"], "start with a letter"),
        ("hems_mqtt_devices", ["m" * 33], "at most 32"),
        ("hems_mqtt_devices", [True], "put it in quotes"),
        ("hems_mqtt_devices", ["hems"], "the appliance's own account"),
        ("hems_mqtt_devices", ["meter", "meter"], "twice"),
        ("hems_meter_power", "meter_power", "entity id"),
        ("hems_meter_power", "sensor._power", "entity id"),
        ("hems_meter_power", "sensor." + "p" * 249, "entity id"),
        ("hems_influxdb_raw_days", 10, "whole number from 30 to 36500"),
        ("hems_meter_max_power", 63, "whole number from 1000 to 1000000"),
        ("hems_meter_max_power", "44000", "whole number"),
        ("hems_meter_pulses_per_kwh", 49, "whole number from 50 to 10000"),
        ("hems_meter_pulses_per_kwh", 10_001, "imp/kWh"),
        ("hems_meter_pulses_per_kwh", 500.5, "whole number"),
        ("hems_meter_pulses_per_kwh", "500", "whole number"),
        ("hems_meter_pulses_per_kwh", True, "whole number"),
        ("hems_d2l_enabled", "yes", "true or false, without quotes"),
        ("hems_open_ports", "21063", "a list of ports"),
        ("hems_open_ports", [21063, 65536], "1 to 65535 (65536 is not one)"),
        ("hems_zigbee_enabled", "yes", "true or false"),
        ("hems_zigbee_dongle", "ttyUSB0", "/dev/serial/by-id"),
        ("hems_zigbee_dongle", "/dev/my dongle", "without spaces"),
        ("hems_secret_owner_password", "", "at least 8 characters and at most 72 bytes"),
        ("hems_secret_owner_password", "ä" * 40, "at most 72 bytes"),
        ("hems_secret_owner_password", None, "is empty"),
        ("hems_secret_owner_password", 12345678, "YAML reads a number: put it in quotes"),
        ("hems_secret_door_password", "first\nsecond", "one line"),
        ("hems_secret_influxdb_password", "alllowercase", "three of"),
        ("hems_secret_influxdb_operator_token", "short", "32 to 128"),
        ("hems_secret_mqtt_passwords", {"kettle": "long-enough"}, "not in hems_mqtt_devices"),
        ("hems_secret_mqtt_passwords", ["x"], "map device names"),
        ("hems_secret_mqtt_passwords", {"meter": 12345678}, "['meter'] must be text"),
        ("hems_port_http", 443, "both 443"),
        ("hems_port_http", 0, "1 to 65535"),
        ("hems_path_etc", "etc/hems", "absolute path"),
        ("tls_extra_names", ["ok.example.net", "schloß.example"], "xn--"),
        ("tls_extra_names", ["a" * 64 + ".example"], "63"),
        # What only a role says of its variable, before any role has begun
        ("nginx_pages_burst", "lots", "must be a whole number"),
        ("hems_led_gpio", "rpi", "must be one of auto, lgpio, mock"),
        ("influxdb_buckets", [{"retention": 0}], "must be a list"),
    ],
)
def test_each_mistake_is_one_sentence_that_names_it(name: str, value: Any, words: str) -> None:
    found = problems({name: value})
    assert len(found) == 1
    assert name in found[0]
    assert words in found[0]
    assert found[0].endswith(".") and "\n" not in found[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hems_country", "NO"),
        ("hems_language", "pt-BR"),
        ("hems_site_name", "Σ" * 32),
        ("hems_hostname", "h" * 63),
        ("hems_secret_owner_password", "ä" * 36),
        ("tls_extra_names", ["hems.example.net", "192.168.1.5", "fd00::1"]),
        ("nginx_pages_burst", 300),
        ("influxdb_buckets", [{"name": "x", "retention": 0}]),
    ],
)
def test_what_is_allowed_passes(name: str, value: Any) -> None:
    found = [problem for problem in problems({name: value}) if "km from" not in problem]
    assert found == []


def test_a_missing_variable_is_named_with_its_cure() -> None:
    site = good_site()
    del site["hems_ring"], site["hems_site_name"]
    assert site_problems(site, {}, PRODUCT) == [
        "hems_ring is missing: list the site in one of ring_canary, ring_early, ring_stable in "
        "hosts.yml.",
        "hems_site_name is missing: set it in the site's host_vars.",
    ]


def test_a_wrong_inventory_is_one_sentence() -> None:
    [problem] = site_problems({"inventory_hostname": "pi"}, {}, PRODUCT)
    assert "variables are missing (hems_ring, hems_site_name …)" in problem
    assert "-i" in problem


def test_a_refused_secret_is_not_repeated() -> None:
    found = problems({"hems_secret_influxdb_password": "onlylowercase"})
    assert "onlylowercase" not in " ".join(found)


@pytest.mark.parametrize("password", ["Spanish-Arch_3", "abcABC123", "ABC_123456"])
def test_influxdb_takes_three_of_four_groups(password: str) -> None:
    assert problems({"hems_secret_influxdb_password": password}) == []


def test_coordinates_of_another_continent_are_named() -> None:
    [swapped] = problems({"hems_latitude": -8.4756, "hems_longitude": 51.8985})
    assert swapped.startswith("hems_latitude and hems_longitude are swapped")
    [elsewhere] = problems({"hems_country": "AU"})
    assert elsewhere.startswith("hems_latitude and hems_longitude are not in hems_country")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hems_country: NO\n", "hems_country (site.yml:1) must be text, but YAML reads false"),
        ("\nhems_secret_door_password: 12345678\n", "(site.yml:2) must be text, but YAML reads a"),
        ("hems_secret_door_password: long enough #1\n", "(site.yml:1) may be cut"),
        ("hems_secret_door_password: long enough # old\n", "(site.yml:1) may be cut"),
        ("hems_mqtt_devices: [m]\nhems_secret_mqtt_passwords:\n  m: secret-1 #x\n", "may be cut"),
        ("hems_site_name: House #3\n", "hems_site_name (site.yml:1) may be cut"),
        ("hems_timezone: UTC\n", "(site.yml:1) is not a variable of SmartCORE HEMS"),
    ],
)
def test_a_sentence_names_the_file_and_the_line(text: str, sentence: str) -> None:
    [problem] = problems_of(text)
    assert sentence in problem


@pytest.mark.parametrize(
    "text",
    [
        'hems_secret_door_password: "long enough #1"\n',
        "hems_secret_door_password: long-enough#1\n",
        "hems_site_name: House 3  # the third\n",
        'hems_country: "NO"\nhems_latitude: 59.91\nhems_longitude: 10.75\n',
    ],
)
def test_a_comment_is_not_taken_for_a_cut(text: str) -> None:
    assert problems_of(text) == []


def test_a_value_from_the_command_line_is_not_blamed_on_a_file() -> None:
    where = definitions("hems_ring: canary\n", "site.yml")
    [problem] = problems({"hems_ring": "beta"}, where)
    assert problem.startswith("hems_ring must be one of")


def test_the_inventory_of_the_product_is_what_the_checks_know() -> None:
    shared = yaml.safe_load(
        (ROOT / "inventory/pilot/group_vars/all/site.yml").read_text(encoding="utf-8")
    )
    assert set(shared) <= {*REQUIRED, *OPTIONAL}


SFTP = {"hems_backup_repository": "sftp:box@nas.local:/backups/hems"}
FILES = {"backup_ssh_key": "/etc/hems-key", "backup_known_hosts": "/etc/hems-known"}


def test_a_backup_by_sftp_needs_a_key_and_the_servers_own() -> None:
    assert problems(SFTP | FILES) == []
    assert [problem.split(": ")[0] for problem in problems(SFTP)] == [
        f"hems_backup_repository is by sftp, which needs {name}" for name in FILES
    ]
    [problem] = problems(SFTP | FILES | {"backup_ssh_key": "key"})
    assert problem.startswith("backup_ssh_key must be a path on the box")


def test_a_backup_to_s3_needs_a_key() -> None:
    place = {"hems_backup_repository": "s3:https://s3.example.org/bucket/hems"}
    key = {"hems_backup_account": "box", "hems_secret_backup_password": "secret"}
    assert problems(place | key) == []
    assert problems(place) == [
        "hems_backup_repository is at S3, which needs hems_backup_account: the key's id."
    ]


LINKY = {"number": "012345678901", "name": "linky", "title": "Linky"}
LINKY_KEY = {"012345678901": {"key": "0" * 32, "iv": "F" * 32}}


def linky(**changes: Any) -> list[str]:
    return problems(
        {
            "hems_d2l_enabled": True,
            "hems_d2l_dongles": [LINKY],
            "hems_secret_d2l_keys": LINKY_KEY,
            **changes,
        }
    )


def test_a_dongle_with_its_key_is_no_problem() -> None:
    assert linky() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hems_d2l_dongles": "linky"}, "must be a list of dongles"),
        ({"hems_d2l_dongles": [{**LINKY, "number": 12345678901}]}, "12 digits in quotes"),
        ({"hems_d2l_dongles": [{**LINKY, "name": "Linky 1"}]}, "start with a letter"),
        ({"hems_d2l_dongles": [{**LINKY, "key": "x"}]}, "a number, a name"),
        ({"hems_d2l_dongles": [LINKY, LINKY]}, "same number twice"),
        ({"hems_secret_d2l_keys": {"012345678901": "0" * 64}}, "32 hexadecimal digits each"),
        ({"hems_secret_d2l_keys": {}}, "has no key for the dongle 012345678901"),
        ({"hems_d2l_dongles": []}, "lists no dongle"),
        ({"hems_tic_device": "/dev/ttyUSB0", "hems_tic_name": "linky"}, "a name of its own"),
    ],
)
def test_a_dongle_that_can_not_work_is_named(changes: dict[str, Any], words: str) -> None:
    found = linky(**changes)
    assert words in found[0]
    assert "0" * 32 not in "".join(found)
