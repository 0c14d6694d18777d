"""Which packages the repository offers: the user's real ones, else the stand-in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.influxdb2_standin import build, engine
from tests.virtual.pi.checkout import CACHE, Failure
from tests.virtual.pi.command import output

DEBS = CACHE / "debs"
SWITCH = "HEMS_INFLUXDB"
STANDIN = "standin"
VERSION_NAME = "hems_version_influxdb"


@dataclass(frozen=True)
class Package:
    """A package's file and the fields of its control file, as apt's index has them."""

    path: Path
    fields: Mapping[str, str]
    control: str


def wanted_version() -> str:
    """The version of InfluxDB that the inventory pins."""
    return build.variable("versions.yml", VERSION_NAME)


def parse_control(control: str) -> dict[str, str]:
    """Return the fields of a control paragraph, folded lines left out."""
    lines = [line for line in control.splitlines() if line and not line[0].isspace()]
    return {line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in lines}


def read(path: Path) -> Package:
    """Return a package. Raises Failure when the file is none."""
    control = output(["dpkg-deb", "--field", str(path)], doing=f"read {path}").strip()
    return Package(path, parse_control(control), control)


def choose(found: list[Package], version: str, architecture: str, directory: Path) -> list[Package]:
    """Return the user's packages that fit, influxdb2 first; none when there is none at all.

    Raises Failure when there is an influxdb2, but not the one that the play will ask for.
    """
    servers = [one for one in found if one.fields.get("Package") == "influxdb2"]
    fitting = [
        one
        for one in servers
        if one.fields.get("Version", "").split("-")[0] == version
        and one.fields.get("Architecture") == architecture
    ]
    if servers and not fitting:
        there = ", ".join(one.path.name for one in servers)
        raise Failure(
            f"{directory} has {there}, and the play wants influxdb2 {version} for {architecture}: "
            f"put that one there, or say {SWITCH}={STANDIN} to use the stand-in"
        )
    tools = [
        one
        for one in found
        if one.fields.get("Package") == "influxdb2-cli"
        and one.fields.get("Architecture") == architecture
    ]
    if fitting and not tools:
        raise Failure(
            f"{directory} has influxdb2 and no influxdb2-cli for {architecture}, which the play "
            f"wants too: put it there, or say {SWITCH}={STANDIN} to use the stand-in"
        )
    return [*fitting[:1], *tools] if fitting else []


def packages(architecture: str) -> tuple[list[Package], bool]:
    """Return what the repository offers, and whether it is real. Raises Failure."""
    if os.environ.get(SWITCH) != STANDIN:
        found = [read(path) for path in sorted(DEBS.glob("influxdb2*.deb"))]
        if architecture != engine.architecture():  # packages for this machine are not meant for it
            found = [one for one in found if one.fields.get("Architecture") == architecture]
        if real := choose(found, wanted_version(), architecture, DEBS):
            return real, True
    package = read(build.build(architecture))
    if package.fields["Version"].split("-")[0] != wanted_version():
        raise Failure(
            f"the stand-in is written for InfluxDB {package.fields['Version']}, and {VERSION_NAME} "
            f"is {wanted_version()}: see docs/influxdb.md, Versions and updates"
        )
    return [package, read(build.build_command(architecture))], False
