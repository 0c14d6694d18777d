"""What a site's certificates say, and when they are made anew."""

from __future__ import annotations

import ipaddress
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.unit.modules import ROOT

sys.path.insert(0, str(ROOT / "roles/tls/files"))

import hems_tls_core as core

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LAN = ipaddress.ip_address("192.168.1.20")
GLOBAL = ipaddress.ip_address("2001:db8::20")


def names(*addresses: core.IPAddress, host: str = "hems-cork") -> core.Names:
    """What a box with these addresses wants its certificate to say."""
    return core.wanted_names(host, addresses, [])


@pytest.fixture(scope="module")
def authority() -> core.Pair:
    """A site's CA, made now."""
    return core.make_authority("Cork 1", NOW)


@pytest.fixture(scope="module")
def server(authority: core.Pair) -> core.Pair:
    """A server certificate of it, made now."""
    return core.make_server(authority, names(LAN), NOW)


def test_names_are_the_hosts_and_its_addresses_and_the_sites_own() -> None:
    wanted = core.wanted_names("HEMS-Cork", [LAN, GLOBAL], ["Cork.example.net", "100.64.0.7"])
    assert str(wanted) == (
        "cork.example.net, hems-cork, hems-cork.local, localhost, "
        "100.64.0.7, 127.0.0.1, 192.168.1.20, 2001:db8::20, ::1"
    )


def test_a_full_host_name_counts_with_and_without_its_domain() -> None:
    hosts = core.wanted_names("box.example.net", [], []).hosts
    assert hosts == {"box.example.net", "box", "box.local", "localhost"}


@pytest.mark.parametrize("name", ["two words", "-x", "a..b", "", "x" * 64, "*.local", "a\nb"])
def test_a_malformed_name_is_refused_in_words(name: str) -> None:
    with pytest.raises(core.TlsProblem, match="correct hems_hostname or tls_extra_names"):
        core.wanted_names("box", [], [name])


def test_addresses_others_cannot_use_are_left_out() -> None:
    shown = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}, {"local": "::1"}]},
        {
            "ifname": "eth0",
            "addr_info": [
                {"local": "192.168.1.20"},
                {"local": "2001:db8::20"},
                {"local": "2001:db8::bad", "temporary": True},
                {"local": "2001:db8::dead", "deprecated": True},
                {"local": "2001:db8::3", "tentative": True},
                {"local": "2001:db8::4", "dadfailed": True},
                {"local": "fe80::1"},
                {"local": "169.254.3.4"},
                {},
            ],
        },
        {"ifname": "wlan0"},
    ]
    assert core.parse_addresses(json.dumps(shown)) == {LAN, GLOBAL}


def test_the_ca_can_sign_servers_and_nothing_below_it(authority: core.Pair) -> None:
    certificate = authority.certificate
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert basic.critical and basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical and usage.value.key_cert_sign and not usage.value.digital_signature
    assert timedelta(days=3650) <= certificate.not_valid_after_utc - NOW <= timedelta(days=3652)
    assert authority.matches()


@pytest.mark.parametrize(
    "site", ["Haus " * 20, "Ηλιακό σπίτι στη Θεσσαλονίκη" * 2, "🏠" * 16, "x🏠" * 13]
)
def test_a_long_site_name_is_cut_between_two_letters(site: str) -> None:
    [name] = core.make_authority(site, NOW).certificate.subject
    text = str(name.value)
    assert len(text.encode()) <= 64
    kept = text.removeprefix("HEMS ").rsplit(" CA ", 1)[0]
    assert site.startswith(kept) and len(kept.encode()) > 41


def test_two_cas_of_one_site_have_different_names() -> None:
    first, second = (core.make_authority("x" * 100, NOW).certificate.subject for _ in range(2))
    assert first != second


def test_the_server_certificate_is_short_lived_and_for_servers(server: core.Pair) -> None:
    certificate = server.certificate
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime <= timedelta(days=397)
    assert core.names_of(certificate) == names(LAN)
    assert certificate.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]
    assert server.matches()


def test_a_good_certificate_is_left_alone(authority: core.Pair, server: core.Pair) -> None:
    for day in (0, 1, 200, 365):
        assert core.renewal_reason(server, authority, names(LAN), NOW + day * DAY) is None


@pytest.mark.parametrize(
    ("day", "reason"), [(366.1, "would end on 2027-12-02"), (400, "ended on 2027-12-02")]
)
def test_it_is_renewed_thirty_days_before_its_end(
    authority: core.Pair, server: core.Pair, day: float, reason: str
) -> None:
    found = core.renewal_reason(server, authority, names(LAN), NOW + day * DAY)
    assert found is not None and reason in found


def test_a_new_address_or_host_name_renews_at_once(authority: core.Pair, server: core.Pair) -> None:
    for wanted in (names(LAN, GLOBAL), names(GLOBAL), names(LAN, host="hems-dublin")):
        reason = core.renewal_reason(server, authority, wanted, NOW)
        assert reason is not None and reason.startswith("it lacked")


def test_an_address_that_is_gone_is_dropped_after_a_day(authority: core.Pair) -> None:
    server = core.make_server(authority, names(LAN, GLOBAL), NOW)
    assert core.renewal_reason(server, authority, names(LAN), NOW + DAY) is None
    later = core.renewal_reason(server, authority, names(LAN), NOW + 1.1 * DAY)
    assert later == "the box is no longer 2001:db8::20"


def test_another_cas_certificate_is_replaced(authority: core.Pair) -> None:
    other = core.make_server(core.make_authority("Cork 1", NOW), names(LAN), NOW)
    reason = core.renewal_reason(other, authority, names(LAN), NOW)
    assert reason == "the site's CA had not issued it"


def test_a_key_of_another_certificate_is_noticed(authority: core.Pair, server: core.Pair) -> None:
    other = core.make_server(authority, names(LAN), NOW)
    mixed = core.Pair(other.key, server.certificate)
    assert core.renewal_reason(mixed, authority, names(LAN), NOW) == "its key was another's"
    assert core.renewal_reason(None, authority, names(LAN), NOW) == "there was none"


def test_near_the_cas_end_it_is_not_renewed_again_and_again(authority: core.Pair) -> None:
    late = authority.certificate.not_valid_after_utc - 10 * DAY
    server = core.make_server(authority, names(LAN), late)
    assert server.certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc
    assert core.renewal_reason(server, authority, names(LAN), late + DAY) is None


def test_nothing_is_dated_by_a_clock_that_cannot_be_right(authority: core.Pair) -> None:
    with pytest.raises(core.TlsProblem, match="wait until the Pi has the time"):
        core.make_authority("Cork 1", datetime(1970, 1, 1, tzinfo=UTC))
    for now in (NOW - 100 * DAY, NOW + 4000 * DAY):
        with pytest.raises(core.TlsProblem, match="correct the clock"):
            core.make_server(authority, names(LAN), now)


def test_a_certificate_from_the_future_is_replaced_once_the_clock_is_right(
    authority: core.Pair,
) -> None:
    server = core.make_server(authority, names(LAN), NOW + 900 * DAY)
    reason = core.renewal_reason(server, authority, names(LAN), NOW)
    assert reason == "it was dated by a wrong clock"
