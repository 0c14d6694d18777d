"""What a site's certificates must say and when they are made anew: no file, no network, no clock.

The site's certificate authority (CA) is made once and kept; owners install it in their browsers and
phones. The server certificate is ours to replace. Both are ECDSA P-256 (RFC 5480), version 3 with
the extensions that RFC 5280 section 4.2 asks of each and Python 3.13's strict verification checks.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)  # CA/Browser Forum Baseline Requirements 6.3.2
RENEW_BEFORE = timedelta(days=30)
BACKDATE = timedelta(days=1)  # a phone whose clock is behind must not refuse a fresh certificate
STALE_AFTER = timedelta(days=1)  # an address that comes and goes must not make a certificate a run

# A Pi has no clock battery: before NTP answers, it may believe in a year long gone.
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)

# So that what runs on the box can verify the certificate like anybody else.
OWN_NAMES = ("localhost", "127.0.0.1", "::1")

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123 section 2.1
DNS_NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*")


class TlsProblem(Exception):
    """Something a person has to cure; the text is one sentence with cause and cure."""


@dataclass(frozen=True)
class Names:
    """What a server certificate answers for (RFC 6125: subject alternative names only)."""

    hosts: frozenset[str]
    addresses: frozenset[IPAddress]

    def __str__(self) -> str:
        """Host names first, then addresses, each in order."""
        return ", ".join([*sorted(self.hosts), *sorted(map(str, self.addresses))])

    def __sub__(self, other: Names) -> Names:
        """Return what the other one lacks."""
        return Names(self.hosts - other.hosts, self.addresses - other.addresses)

    def __bool__(self) -> bool:
        """Tell whether there is any name."""
        return bool(self.hosts or self.addresses)


@dataclass(frozen=True)
class Pair:
    """A private key and the certificate of its public half."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def matches(self) -> bool:
        """Tell whether key and certificate belong together."""
        return self.key.public_key() == self.certificate.public_key()


def parse_addresses(ip_json: str) -> frozenset[IPAddress]:
    """Return the addresses that others reach the box by, from ``ip -json address show``.

    Left out are loopback and link-local ones, IPv6 addresses that are not settled, and the
    temporary ones of RFC 8981, which change daily by design.
    """
    unsettled = ("temporary", "deprecated", "tentative", "dadfailed")
    found = (
        ipaddress.ip_address(address["local"])
        for interface in json.loads(ip_json)
        for address in interface.get("addr_info", [])
        if "local" in address and not any(address.get(flag) for flag in unsettled)
    )
    return frozenset(one for one in found if not (one.is_loopback or one.is_link_local))


def wanted_names(hostname: str, addresses: Iterable[IPAddress], extra: Iterable[str]) -> Names:
    """Return what the certificate has to say: the host's names, its addresses and the site's own.

    Raises TlsProblem when a name is neither an address nor a host name.
    """
    host = hostname.lower().split(".")[0]
    hosts, numbers = set[str](), set(addresses)
    for name in (hostname, host, f"{host}.local", *OWN_NAMES, *extra):
        try:
            numbers.add(ipaddress.ip_address(name))
        except ValueError:
            if not DNS_NAME.fullmatch(name.lower()):
                message = (
                    f"'{name}' is neither a host name nor an address: "
                    "correct hems_hostname or tls_extra_names."
                )
                raise TlsProblem(message) from None
            hosts.add(name.lower())
    return Names(frozenset(hosts), frozenset(numbers))


def names_of(certificate: x509.Certificate) -> Names:
    """Return the names that a certificate answers for."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names(frozenset(), frozenset())
    addresses = san.get_values_for_type(x509.IPAddress)
    return Names(
        frozenset(san.get_values_for_type(x509.DNSName)),
        frozenset(one for one in addresses if isinstance(one, IPAddress)),
    )


def check_clock(now: datetime) -> None:
    """Raise TlsProblem when the clock can't be right, rather than date a certificate by it."""
    if now < EARLIEST:
        message = (
            f"The clock says {now:%Y-%m-%d}, so no certificate is made: "
            "wait until the Pi has the time (timedatectl)."
        )
        raise TlsProblem(message)


def renewal_reason(
    server: Pair | None, authority: Pair, wanted: Names, now: datetime
) -> str | None:
    """Say why the server certificate must be made anew, or None when it is good as it is."""
    if server is None:
        return "there was none"
    if not server.matches():
        return "its key was another's"
    certificate = server.certificate
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return "the site's CA had not issued it"
    if certificate.not_valid_before_utc > now:
        return "it was dated by a wrong clock"
    ends = certificate.not_valid_after_utc
    # Near the CA's own end a new certificate would end no later; then there is no point.
    if ends - now < RENEW_BEFORE and ends < _server_end(authority, now):
        return f"it ended on {ends:%Y-%m-%d}" if ends < now else f"it would end on {ends:%Y-%m-%d}"
    have = names_of(certificate)
    if missing := wanted - have:
        return f"it lacked {missing}"
    gone = have - wanted
    if gone and now - certificate.not_valid_before_utc > BACKDATE + STALE_AFTER:
        return f"the box is no longer {gone}"
    return None


def _server_end(authority: Pair, now: datetime) -> datetime:
    return min(now - BACKDATE + SERVER_LIFETIME, authority.certificate.not_valid_after_utc)


def make_authority(site: str, now: datetime, key: ec.EllipticCurvePrivateKey | None = None) -> Pair:
    """Make a site's CA, good for ten years; with ``key`` only its certificate, for a lost one."""
    check_clock(now)
    key = key or ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The key's own digits tell a site's CAs apart in a browser's list. RFC 5280's limit of 64 is
    # taken for bytes by what reads certificates, so a long name ends where a letter ends.
    short = site.encode()[:45].decode(errors="ignore")
    common_name = f"HEMS {short} CA {identifier.digest.hex()[:8]}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        _builder(name, name, key, now)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, certificate)


def make_server(authority: Pair, names: Names, now: datetime) -> Pair:
    """Make a server certificate of the site's CA with a key of its own."""
    check_clock(now)
    begins = authority.certificate.not_valid_before_utc
    ends = authority.certificate.not_valid_after_utc
    if not begins <= now < ends:
        message = (
            f"The clock says {now:%Y-%m-%d} and the site's CA is good from {begins:%Y-%m-%d} to "
            f"{ends:%Y-%m-%d}: correct the clock (timedatectl), or run 'hems-tls --new-ca' and "
            "have every owner install the new CA."
        )
        raise TlsProblem(message)
    key = ec.generate_private_key(ec.SECP256R1())
    # Clients look at the alternative names only; the common name is for people (RFC 6125 6.4.4).
    people = next((host for host in sorted(names.hosts) if host.endswith(".local")), "hems")[:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, people)])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    addresses = sorted(names.addresses, key=lambda one: (one.version, int(one)))
    alternatives: list[x509.GeneralName] = [
        *(x509.DNSName(host) for host in sorted(names.hosts)),
        *(x509.IPAddress(address) for address in addresses),
    ]
    certificate = (
        _builder(subject, authority.certificate.subject, key, now)
        .not_valid_after(_server_end(authority, now))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(key, certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
