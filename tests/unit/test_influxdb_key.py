"""The repository's key: trusted by its primary fingerprint alone."""

from __future__ import annotations

from tests.unit.influxdb_modules import signing_key

PINNED = "24C975CBA61A024EE1B631787C3D57159FC2F927"
OTHER = "0" * 40

# gpg --with-colons --show-keys: a primary that certifies, a subkey that signed until 2026-01-17,
# and a new one.
LISTING = f"""\
pub:-:4096:1:7C3D57159FC2F927:1674000000:::-:::cSC::::::23::0:
fpr:::::::::{PINNED}:
uid:-::::1674000000::0::InfluxData Package Signing Key <support@influxdata.com>::::::::::0:
sub:e:4096:1:D8FF8E1F7DF8B07E:1674000000:1768608000:::::s::::::23:
fpr:::::::::9D539D90D3328DC7D6C8D3B9D8FF8E1F7DF8B07E:
sub:-:4096:1:DA61C26A0585BD3B:1764000000:1863000000:::::s::::::23:
fpr:::::::::AC10D7449F343ADCEFDDC2B6DA61C26A0585BD3B:
"""


def test_the_primary_and_its_last_signing_key_are_found() -> None:
    assert signing_key.parse_colons(LISTING) == [signing_key.Key(PINNED, 1863000000.0)]


def test_a_key_that_signs_for_ever() -> None:
    primary = "pub:-:255:22:E3F9556C96973A86:1700000000:::-:::scSC:::::ed25519:::0:"
    forever = f"{primary}\nfpr:::::::::{OTHER}:\n"
    assert signing_key.parse_colons(forever) == [signing_key.Key(OTHER, float("inf"))]


def test_nothing_is_no_key() -> None:
    assert signing_key.parse_colons("gpg: no valid OpenPGP data found.\n") == []
    assert not signing_key.is_good([], PINNED, 0.0)


def test_only_the_pinned_key_is_good_and_only_while_it_signs() -> None:
    key = signing_key.Key(PINNED, 1863000000.0)
    assert signing_key.is_good([key], PINNED, 1862000000.0)
    assert not signing_key.is_good([key], PINNED, 1864000000.0)
    assert not signing_key.is_good([key], OTHER, 0.0)
    assert not signing_key.is_good([key, signing_key.Key(OTHER, 2e9)], PINNED, 0.0)
