"""The certificates on disk: a CA is never replaced unasked, a server certificate in one step."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.unit.modules import ROOT

sys.path.insert(0, str(ROOT / "roles/tls/files"))

import hems_tls
import hems_tls_core as core
import hems_tls_store

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMES = core.wanted_names("hems-cork", [], [])
OTHER_NAMES = core.wanted_names("hems-dublin", [], [])


@pytest.fixture
def store(tmp_path: Path) -> hems_tls_store.Store:
    """An empty directory for certificates and one for downloads."""
    for name in ("tls", "www"):
        (tmp_path / name).mkdir()
    return hems_tls_store.Store(tmp_path / "tls", tmp_path / "www/hems-ca.crt", os.getgid())


def keep(store: hems_tls_store.Store, names: core.Names = NAMES, day: float = 0, **how: Any) -> str:
    """Keep the certificates so many days later; return what was done."""
    return "; ".join(hems_tls.keep(store, "Cork 1", names, NOW + timedelta(days=day), **how))


def served(store: hems_tls_store.Store) -> tuple[bytes, bytes]:
    """Return what a service reads at the paths it knows: key and certificate with chain."""
    key, chain = ((store.directory / name).read_bytes() for name in ("server.key", "server.crt"))
    certificates = x509.load_pem_x509_certificates(chain)
    private = serialization.load_pem_private_key(key, None)
    assert private.public_key() == certificates[0].public_key()
    certificates[0].verify_directly_issued_by(certificates[1])
    authority = x509.load_pem_x509_certificate((store.directory / "ca.crt").read_bytes())
    assert certificates[1] == authority
    return key, chain


def test_everything_is_made_once(store: hems_tls_store.Store) -> None:
    assert keep(store).startswith("made the site's CA; made a server certificate for hems-cork,")
    before = served(store)
    assert keep(store) == ""
    assert served(store) == before
    assert store.published.read_bytes() == (store.directory / "ca.crt").read_bytes()


def test_keys_are_closed_and_certificates_open(store: hems_tls_store.Store) -> None:
    keep(store)
    for name, mode in {
        "ca.key": 0o600,
        "ca.crt": 0o644,
        "server.key": 0o640,
        "server.crt": 0o644,
    }.items():
        assert (store.directory / name).stat().st_mode & 0o7777 == mode, name
    (store.directory / "ca.key").chmod(0o644)
    (store.directory / "server.key").chmod(0o600)
    assert keep(store) == ""
    assert (store.directory / "ca.key").stat().st_mode & 0o7777 == 0o600
    assert (store.directory / "server.key").stat().st_mode & 0o7777 == 0o640


def test_a_second_run_touches_no_file(store: hems_tls_store.Store) -> None:
    keep(store)
    before = {path: path.lstat().st_ctime_ns for path in store.directory.rglob("*")}
    keep(store)
    assert {path: path.lstat().st_ctime_ns for path in store.directory.rglob("*")} == before


def test_renewal_keeps_the_ca_and_clears_the_old_one(store: hems_tls_store.Store) -> None:
    keep(store)
    authority, old = (store.directory / "ca.crt").read_bytes(), served(store)
    assert "it would end on" in keep(store, day=380)
    assert served(store) != old
    assert (store.directory / "ca.crt").read_bytes() == authority
    assert len(list((store.directory / "issued").iterdir())) == 1
    assert "it lacked hems-dublin" in keep(store, OTHER_NAMES, day=380)


def test_services_are_told_until_they_have_read_it(store: hems_tls_store.Store) -> None:
    keep(store)
    assert store.unread()
    keep(store)
    assert store.unread(), "a run that was interrupted before the reload is finished by the next"
    store.set_read()
    assert not store.unread()
    keep(store, OTHER_NAMES)
    assert store.unread()


def test_check_writes_nothing(store: hems_tls_store.Store) -> None:
    assert keep(store, check=True).startswith("made the site's CA; made a server certificate")
    assert list(store.directory.iterdir()) == []
    keep(store)
    before = served(store)
    assert "it would end on" in keep(store, day=380, check=True)
    assert served(store) == before


@pytest.mark.parametrize("step", range(1, 30))
def test_an_interrupted_run_leaves_a_pair_and_is_finished_by_the_next(
    store: hems_tls_store.Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    keep(store)
    old, count = served(store), iter(range(1, 1000))
    real = os.fsync

    def power_cut(handle: int) -> None:
        if next(count) == step:
            raise KeyboardInterrupt
        real(handle)

    monkeypatch.setattr(os, "fsync", power_cut)
    try:
        keep(store, OTHER_NAMES)
    except KeyboardInterrupt:
        new = served(store)  # either pair, never half of each
        monkeypatch.setattr(os, "fsync", real)
        assert ("hems-dublin" in keep(store, OTHER_NAMES)) is (new == old)
    else:
        assert step > 5, "the power cut never came"
    served(store)
    assert len(list((store.directory / "issued").iterdir())) == 1
    assert list(store.directory.glob(".*")) == []


@pytest.mark.parametrize("step", range(1, 12))
def test_an_interrupted_first_run_is_finished_by_the_next(
    store: hems_tls_store.Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    count, real = iter(range(1, 1000)), os.fsync

    def power_cut(handle: int) -> None:
        if next(count) == step:
            raise KeyboardInterrupt
        real(handle)

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        keep(store)
    monkeypatch.setattr(os, "fsync", real)
    keep(store)
    served(store)
    assert keep(store) == ""


def test_a_lost_ca_certificate_comes_back_from_a_copy(store: hems_tls_store.Store) -> None:
    keep(store)
    authority = (store.directory / "ca.crt").read_bytes()
    for damaged in ([store.directory / "ca.crt"], [store.directory / "ca.crt", store.published]):
        for path in damaged:
            path.write_text("not a certificate")
        assert keep(store) == "put back the CA's certificate"
        assert (store.directory / "ca.crt").read_bytes() == authority
    store.published.unlink()
    assert keep(store) == "put back the CA's certificate"
    assert store.published.read_bytes() == authority


def test_a_ca_key_alone_makes_its_certificate_again(store: hems_tls_store.Store) -> None:
    keep(store)
    old = served(store)
    for path in (store.directory / "ca.crt", store.published, store.directory / "current"):
        path.unlink()
    done = keep(store)
    assert done.startswith(
        "made again from its key the CA's certificate; made a server certificate"
    )
    # Who had installed the old one still trusts what the box serves: same key, same name.
    ancient = x509.load_pem_x509_certificates(old[1])[1]
    x509.load_pem_x509_certificates(served(store)[1])[0].verify_directly_issued_by(ancient)


def damage_key(store: hems_tls_store.Store) -> None:
    (store.directory / "ca.key").write_text("rubbish")


def lose_key(store: hems_tls_store.Store) -> None:
    (store.directory / "ca.key").unlink()


def lose_both(store: hems_tls_store.Store) -> None:
    lose_key(store)
    (store.directory / "ca.crt").unlink()


def swap_key(store: hems_tls_store.Store) -> None:
    key = core.make_authority("Other", NOW).key
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(encoding, form, serialization.NoEncryption())
    (store.directory / "ca.key").write_bytes(pem)


@pytest.mark.parametrize("damage", [damage_key, lose_key, lose_both, swap_key])
def test_a_ca_that_owners_trust_is_never_replaced_unasked(
    store: hems_tls_store.Store, damage: object
) -> None:
    keep(store)
    damage(store)  # type: ignore[operator]
    before = {path: path.read_bytes() for path in store.directory.rglob("*") if path.is_file()}
    with pytest.raises(core.TlsProblem, match=r"CA.*restore it from a backup.*hems-tls --new-ca"):
        keep(store)
    assert {path: path.read_bytes() for path in before} == before
    assert keep(store, new_ca=True).startswith("made the site's CA; made a server certificate")
    served(store)
    assert keep(store) == ""


@pytest.mark.parametrize("name", ["server.key", "server.crt"])
@pytest.mark.parametrize("content", [None, b"rubbish"])
def test_a_damaged_server_certificate_is_made_anew(
    store: hems_tls_store.Store, name: str, content: bytes | None
) -> None:
    keep(store)
    path = (store.directory / name).resolve()
    path.write_bytes(content) if content else path.unlink()
    assert keep(store).endswith("because there was none")
    served(store)
