"""Fetches the stand-in's engine: Debian's InfluxDB 1.6, from trixie, whatever this machine runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.virtual.pi import network
from tests.virtual.pi.checkout import CACHE, Failure, only_one
from tests.virtual.pi.command import output

# trixie's; the Debian revision is the build daemons'.
VERSION = "1.6.7~rc0"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def architecture() -> str:
    """This machine's architecture in Debian's words, which is the virtual Pi's too."""
    return output(["dpkg", "--print-architecture"], doing="ask dpkg for the architecture").strip()


def binary(wanted: str) -> Path:
    """Return the engine's program for an architecture, fetched unless it is cached."""
    kept = CACHE / "influxdb2-standin" / f"influxd-{VERSION}-{wanted}"
    if not kept.exists():
        with only_one("influxdb2-standin"):
            if not kept.exists():
                _fetch(kept, wanted)
    return kept


def _fetch(kept: Path, wanted: str) -> None:
    if not KEYRING.exists():
        raise Failure(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        package = _download(directory, wanted)
        output(["dpkg-deb", "--extract", str(package), str(directory / "tree")], doing="unpack it")
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part")
        shutil.copy2(directory / "tree/usr/bin/influxd", partial)
        partial.rename(kept)


def _download(directory: Path, wanted: str) -> Path:
    """Download the package with an apt that knows trixie and nothing of this machine."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (directory / part).mkdir(parents=True)
    sources = directory / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {network.MIRROR} trixie main\n")
    options = {
        "APT::Architecture": wanted,
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State": directory / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": directory / "cache",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    output([*apt, "update"], doing=f"read {network.MIRROR}'s list of packages")
    fetched = subprocess.run(
        [*apt, "download", "influxdb"], cwd=directory, capture_output=True, text=True, check=False
    )
    found = list(directory.glob("influxdb_*.deb"))
    if fetched.returncode or not found:
        raise Failure(f"could not download Debian's influxdb: {fetched.stderr.strip()}")
    got = output(
        ["dpkg-deb", "--field", str(found[0]), "Version"], doing="read its version"
    ).strip()
    if not got.startswith(VERSION):
        raise Failure(
            f"Debian's influxdb is {got}, and the stand-in wants {VERSION}: change VERSION in "
            "tests/virtual/influxdb2_standin/engine.py and run the contract test"
        )
    return found[0]
