"""The box's certificate: trusted by who has the site's CA, renewed, and read by the services."""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography import x509

from tests.appliance.conftest import Door

pytestmark = pytest.mark.journal("hems-tls")

# Keeps certificates in a directory of its own, on another day; run on the Pi.
ON_ANOTHER_DAY = """
import sys, grp, pathlib, datetime
sys.path.insert(0, "/usr/local/lib/hems-tls")
import hems_tls, hems_tls_core, hems_tls_store
directory = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=int(sys.argv[2]))
store = hems_tls_store.Store(directory, directory / "hems-ca.crt", grp.getgrnam("hems-tls").gr_gid)
names = hems_tls_core.wanted_names("hems-cork", [], [])
print("; ".join(hems_tls.keep(store, "Cork", names, now)))
"""


def served(door: Door, port: int, name: str) -> x509.Certificate:
    """Return the certificate that a port shows, verified against the site's CA for a name."""
    context = ssl.create_default_context(cafile=str(door.ca))
    # What Python 3.13 asks for by default.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((door.address, port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


@pytest.fixture(scope="module")
def ports(site: dict[str, Any]) -> list[int]:
    """The ports that show the certificate."""
    lan = [site["hems_port_mqtts"]] if site["hems_mqtt_lan_enabled"] else []
    return [site["hems_port_https"], *lan]


def test_it_verifies_for_every_name_of_the_box(door: Door, ports: list[int]) -> None:
    for port in ports:
        for name in (door.name, f"{door.name}.local", door.address, "localhost"):
            assert served(door, port, name)


def test_it_does_not_verify_for_another_name(door: Door, ports: list[int]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname mismatch"):
        served(door, ports[0], "hems-elsewhere.local")


def test_nobody_trusts_it_without_the_ca(door: Door, ports: list[int]) -> None:
    with (
        socket.create_connection((door.address, ports[0]), timeout=20) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=door.name)


def test_keys_are_closed(pi: Any, site: dict[str, Any]) -> None:
    directory = site["hems_path_tls"]
    modes = pi.check_output(f"stat -L -c '%a %U %G' {directory}/ca.key {directory}/server.key")
    assert modes.splitlines() == ["600 root root", "640 root hems-tls"]
    for user in ("www-data", "nobody"):
        answer = pi.run("runuser -u %s -- cat %s", user, f"{directory}/server.key")
        assert answer.rc != 0 and "Permission denied" in answer.stderr, user


def test_the_timer_looks_after_it(pi: Any) -> None:
    assert pi.service("hems-tls.timer").is_enabled
    assert pi.check_output("systemctl show hems-tls.timer -p ActiveState --value") == "active"
    assert pi.check_output("hems-tls --check") == "nothing to do"


@contextmanager
def address_on(pi: Any) -> Iterator[str]:
    """Give the box another address for a while: of RFC 3849, which nobody has."""
    address = f"2001:db8::{secrets.randbelow(0xFFFF):x}:{secrets.randbelow(0xFFFF):x}"
    pi.check_output(f"ip address add {address}/128 dev lo scope global nodad")
    try:
        yield address
    finally:
        pi.check_output(f"ip address del {address}/128 dev lo")


def served_after(door: Door, port: int, old: x509.Certificate) -> x509.Certificate:
    """Return the certificate that replaces ``old``: a reload answers before the workers changed."""
    deadline = time.monotonic() + 15
    while (new := served(door, port, door.address)) == old:
        assert time.monotonic() < deadline, f"port {port} still shows the old certificate"
        time.sleep(0.2)
    return new


def test_a_new_address_is_in_the_certificate_that_services_show(
    pi: Any, door: Door, ports: list[int]
) -> None:
    old = {port: served(door, port, door.address) for port in ports}
    with address_on(pi) as address:
        assert pi.run("hems-tls --check").rc == 2
        pi.check_output("systemctl start hems-tls.service")
    for port in ports:
        new = served_after(door, port, old[port])
        assert served(door, port, address) == new
    # The address is gone again; that alone is no haste.
    pi.check_output("systemctl start hems-tls.service")
    assert served_after(door, ports[0], old[ports[0]]) == new
    said = pi.check_output("journalctl -u hems-tls --since=-2min -o cat")
    assert f"it lacked {address}" in said


def test_it_is_renewed_before_its_end_and_the_ca_stays(pi: Any) -> None:
    directory = pi.check_output("mktemp --directory")
    try:
        done = []
        for day in (0, 1, 380, 381):
            answer = pi.run("python3 -c %s %s %s", ON_ANOTHER_DAY, directory, str(day))
            assert answer.rc == 0, answer.stderr
            done.append(answer.stdout.strip())
        assert done[0].startswith("made the site's CA; made a server certificate for hems-cork,")
        assert done[1] == done[3] == ""
        assert "because it would end on" in done[2] and "CA" not in done[2].split(";")[0]
        late = "$(date --date='381 days' +%s)"
        chain = f"-CAfile {directory}/ca.crt {directory}/server.crt"
        assert pi.check_output(f"openssl verify -x509_strict -attime {late} {chain}").endswith("OK")
    finally:
        pi.check_output(f"rm -r {directory}")


def test_a_ca_without_its_key_is_not_replaced(pi: Any, site: dict[str, Any]) -> None:
    directory = pi.check_output("mktemp --directory")
    try:
        edits = {
            "directory": f'"{directory}"',
            "copy": f'"{directory}/copy"',
            "problem": f'"{directory}/problem"',
            "published": f'"{directory}/ours.crt"',
            "services": "[]",
        }
        script = "; ".join(f"s,^{key} = .*,{key} = {value}," for key, value in edits.items())
        pi.check_output(
            "sed %s %s >%s", script, f"{site['hems_path_etc']}/tls.toml", f"{directory}/tls.toml"
        )
        command = f"hems-tls --config {directory}/tls.toml"
        pi.check_output(command)
        pi.check_output(f"rm -r {directory}/ca.key {directory}/copy")
        answer = pi.run(command)
        assert answer.rc == 1
        assert pi.file(f"{directory}/problem").content_string in answer.stderr
        assert "hems-tls: The site's CA has lost its key" in answer.stderr.splitlines()[-1]
    finally:
        pi.check_output(f"rm -r {directory}")
