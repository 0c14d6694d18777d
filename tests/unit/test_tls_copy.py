"""The second copy of the CA: it comes back by itself, and nothing that owners trust is lost."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.modules import ROOT

# ruff: noqa: F401, F811 - pytest knows fixtures by their names
from tests.unit.test_tls_command import Systemctl, config, systemctl
from tests.unit.test_tls_store import NOW, damage_key, keep, lose_both, lose_key, served, store

sys.path.insert(0, str(ROOT / "roles/tls/files"))

import hems_tls
import hems_tls_copy
import hems_tls_core as core
import hems_tls_store

Store = hems_tls_store.Store


@pytest.fixture
def copy(tmp_path: Path) -> hems_tls_copy.Copy:
    """Where the copy will be."""
    return hems_tls_copy.Copy(tmp_path / "var/copy")


def lose_all(store: Store) -> None:
    for path in store.directory.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    store.published.unlink()


def zero_both(store: Store) -> None:
    for name in ("ca.key", "ca.crt"):
        path = store.directory / name
        path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [damage_key, lose_key, lose_both, lose_all, zero_both])
def test_a_lost_ca_comes_back_from_its_copy(
    store: Store,
    copy: hems_tls_copy.Copy,
    damage: Callable[[Store], None],
) -> None:
    keep(store, copy=copy)
    key, certificate = ((store.directory / name).read_bytes() for name in ("ca.key", "ca.crt"))
    damage(store)
    left = (store.directory / "ca.key").read_bytes() if damage in (damage_key, zero_both) else b""
    assert keep(store, copy=copy, check=True).startswith("put the site's CA back from its copy")
    assert keep(store, copy=copy).startswith("put the site's CA back from its copy")
    assert (store.directory / "ca.key").read_bytes() == key
    assert (store.directory / "ca.crt").read_bytes() == certificate
    assert (store.directory / "ca.key").stat().st_mode & 0o777 == 0o600
    served(store)
    assert keep(store, copy=copy) == ""
    aside = [one.read_bytes() for one in store.directory.glob("ca.key.broken-*")]
    assert aside == ([left] if left else [])


def test_the_copy_is_roots_alone_and_made_again(
    store: Store, copy: hems_tls_copy.Copy, tmp_path: Path
) -> None:
    keep(store, copy=copy)
    files = sorted((tmp_path / "var/copy").iterdir())
    assert [(path.name, path.stat().st_mode & 0o777) for path in files] == [
        ("ca.crt", 0o600),
        ("ca.key", 0o600),
    ]
    assert (tmp_path / "var/copy").stat().st_mode & 0o777 == 0o700
    for path in files:
        path.write_bytes(b"\0" * 100)
        assert keep(store, copy=copy) == ""
        assert copy.load() is not None


def test_another_sites_copy_is_not_taken(store: Store, copy: hems_tls_copy.Copy) -> None:
    keep(store)
    copy.put(core.make_authority("Other", NOW))
    lose_key(store)
    with pytest.raises(core.TlsProblem, match="has lost its key"):
        keep(store, copy=copy)


def test_a_new_ca_replaces_the_copy(store: Store, copy: hems_tls_copy.Copy) -> None:
    keep(store, copy=copy)
    old = copy.load()
    keep(store, copy=copy, new_ca=True)
    new = copy.load()
    assert old is not None and new is not None and old.certificate != new.certificate
    served(store)


def test_what_is_lost_while_it_works_is_mended_too(
    config: Path, systemctl: Systemctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reload(services: list[str]) -> None:
        systemctl.reloaded += services
        if len(systemctl.reloaded) == len(services):  # during the first run's reload
            (tmp_path / "tls/ca.key").unlink()
            (tmp_path / "tls/server.key").resolve().unlink()

    monkeypatch.setattr(hems_tls, "reload_services", reload)
    hems_tls.run(argparse.Namespace(config=config, check=False, new_ca=False))
    assert (tmp_path / "tls/ca.key").exists() and (tmp_path / "tls/server.key").exists()
    assert len(systemctl.reloaded) == 4


def test_what_a_person_has_to_do_is_left_for_the_watchdog(
    config: Path,
    systemctl: Systemctl,
    tmp_path: Path,
) -> None:
    options = argparse.Namespace(config=config, check=False, new_ca=False)
    hems_tls.run(options)
    problem = tmp_path / "run/problem"
    assert not problem.exists() and systemctl.reloaded == ["nginx.service"]
    (tmp_path / "tls/ca.key").unlink()
    shutil.rmtree(tmp_path / "copy")
    with pytest.raises(core.TlsProblem):
        hems_tls.run(options)
    assert problem.read_text().startswith("The site's CA has lost its key")
    assert problem.stat().st_mode & 0o777 == 0o644
    hems_tls.run(argparse.Namespace(config=config, check=False, new_ca=True))
    assert not problem.exists()
