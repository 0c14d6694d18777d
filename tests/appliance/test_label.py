"""playbooks/label.yml: the box's label, written on the controller."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hems.label import Label, sheet

from tests.appliance.home_assistant_client import this_pi
from tests.virtual.pi import play
from tests.virtual.pi.checkout import ROOT

LABELS = ROOT / "labels"
FINGERPRINT = "openssl x509 -noout -fingerprint -sha256 -in %s/ca.crt"


def played() -> str:
    """Play it on this Pi; what it said."""
    run = play.run(this_pi(), "playbooks/label.yml", "-v", "--diff")
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture
def file() -> Iterator[Path]:
    """Where this Pi's label is written, for as long as the test needs it."""
    path = LABELS / "pi.svg"  # by the name in the virtual inventory
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)
    if LABELS.exists() and not os.listdir(LABELS):
        LABELS.rmdir()


def test_the_playbook_writes_the_boxs_label(pi: Any, site: dict[str, Any], file: Path) -> None:
    said = played()
    passphrase = pi.check_output("cat %s/hotspot", site["hems_path_secrets"]).strip()
    mark = pi.check_output(FINGERPRINT, site["hems_path_tls"]).partition("=")[2].strip()
    host, port = site["hems_hostname"], site["hems_port_https"]
    name = site["hems_site_name"]
    url = f"https://{host}.local{'' if port == 443 else f':{port}'}/"
    label = Label(name, f"{host}.local", url, mark, f"HEMS-{name}", passphrase)
    assert file.read_text(encoding="utf-8") == sheet(label)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = played()
    assert "changed=0" in again
    assert passphrase not in said + again
    secret = f"{site['hems_path_secrets']}/hotspot"
    assert pi.run(f"journalctl --since=-10min | grep -F -f {secret}").stdout == ""
