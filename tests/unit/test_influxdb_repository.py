"""The test bed's apt repository: which package it offers, and what apt reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.virtual.apt_repository.packages import Package, choose, parse_control, read
from tests.virtual.apt_repository.repository import release, stanza
from tests.virtual.influxdb2_standin.build import build_command, variable
from tests.virtual.influxdb2_standin.packaging import REVISION
from tests.virtual.pi.checkout import Failure

HERE = Path("debs")


def package(name: str, version: str, architecture: str = "amd64") -> Package:
    """Return a package as read from a file."""
    control = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}"
    path = HERE / f"{name}_{version}_{architecture}.deb"
    return Package(path, parse_control(control), control)


def test_the_users_package_of_the_pinned_version_wins_and_brings_its_tool() -> None:
    server, tool = package("influxdb2", "2.9.1-1"), package("influxdb2-cli", "2.8.0-1")
    others = [package("influxdb2", "2.7.12-1"), package("influxdb2", "2.9.1-1", "arm64")]
    assert choose([*others, tool, server], "2.9.1", "amd64", HERE) == [server, tool]


def test_nothing_there_means_the_stand_in() -> None:
    assert choose([], "2.9.1", "amd64", HERE) == []
    assert choose([package("influxdb2-cli", "2.8.0-1")], "2.9.1", "amd64", HERE) == []


@pytest.mark.parametrize(
    "wrong", [package("influxdb2", "2.7.12-1"), package("influxdb2", "2.9.1-1", "arm64")]
)
def test_a_package_that_does_not_fit_is_told(wrong: Package) -> None:
    with pytest.raises(Failure, match=r"the play wants influxdb2 2\.9\.1 for amd64"):
        choose([wrong], "2.9.1", "amd64", HERE)


def test_folded_fields_do_not_confuse_the_index() -> None:
    fields = parse_control("Package: x\nDescription: short\n long: text\nVersion: 1")
    assert fields == {"Package": "x", "Description": "short", "Version": "1"}


def test_apt_finds_every_index_and_its_hash() -> None:
    data = stanza(package("influxdb2", "2.9.1-1"), "pool/x.deb", 5, "ab").encode()
    assert b"Filename: pool/x.deb\nSize: 5\nSHA256: ab\n" in data
    text = release({"main/binary-amd64/Packages": data}, "amd64", "now")
    line = f" {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-amd64/Packages\n"
    assert text.endswith(f"SHA256:\n{line}")


def test_the_server_without_its_tool_is_told() -> None:
    with pytest.raises(Failure, match=r"no influxdb2-cli for amd64, which the play wants too"):
        choose([package("influxdb2", "2.9.1-1")], "2.9.1", "amd64", HERE)


def test_the_stand_in_brings_a_tool_of_the_version_that_the_play_asks_for() -> None:
    tool = read(build_command("arm64"))
    assert tool.fields["Package"] == "influxdb2-cli"
    assert tool.fields["Architecture"] == "arm64"
    wanted = variable("versions.yml", "hems_version_influxdb_cli")
    assert tool.fields["Version"] == f"{wanted}-{REVISION}"
