"""``hems label``: the box's label, to be printed for its papers."""

from __future__ import annotations

import argparse
import hashlib
import os
import ssl

from hems import HemsError, settings
from hems.cli.wifi import hotspot_passphrase
from hems.label import Label, sheet
from hems.onboarding.core import hotspot_name
from hems.onboarding.onboarding_settings import FILE as HOTSPOT
from hems.settings import Appliance

SUMMARY = "print the box's label as SVG, with the hotspot's passphrase (root only)"


def fingerprint(certificate: str) -> str:
    """Return a PEM certificate's SHA-256 fingerprint as browsers and openssl show it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def label_of(box: Appliance) -> Label:
    """Return what the label says. Raises HemsError."""
    path = box.paths.tls / "ca.crt"
    try:
        mark = fingerprint(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise HemsError(f"{path} can't be read ({error}): run the whole playbook.") from error
    opens = (settings.DIRECTORY / HOTSPOT).exists()
    return Label(
        site=box.site.name,
        host=f"{box.site.hostname}.local",
        url=f"{box.url}/",
        fingerprint=mark,
        hotspot=hotspot_name(box.site.name) if opens else "",
        passphrase=hotspot_passphrase(box) if opens else "",
    )


def run(_: argparse.Namespace) -> int:
    """Print it. Raises HemsError."""
    if os.geteuid() != 0:
        raise HemsError("Only root may read the passphrase: type 'sudo hems label'.")
    print(sheet(label_of(settings.appliance())), end="")
    return 0
