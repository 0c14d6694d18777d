"""The 64-bit ARM machine, as far as it can be told without one."""

from __future__ import annotations

import base64
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PathDistribution
from pathlib import Path, PurePosixPath

import pytest

from tests.virtual.arm64 import disk, machine, prove
from tests.virtual.arm64.run import Steps


@pytest.mark.parametrize(
    ("tag", "wrong"),
    [
        ("py3-none-any", False),
        ("cp314-cp314-manylinux_2_17_aarch64", False),
        ("cp39-abi3-musllinux_1_2_aarch64", False),
        ("cp314-cp314-manylinux_2_17_x86_64", True),
        ("cp314-cp314-linux_aarch64", True),
        ("cp314-cp314-macosx_11_0_arm64", True),
    ],
)
def test_a_wheel_fits_when_it_was_published_for_the_processor(tag: str, wrong: bool) -> None:
    assert prove.misfit(tag) is wrong


def test_modules_are_found_by_their_files() -> None:
    compiled = PurePosixPath(f"numpy/core/_core{EXTENSION_SUFFIXES[0]}")
    assert prove.extension(compiled) == "numpy.core._core"
    assert prove.extension(PurePosixPath("numpy.libs/libgfortran-8a9b.so.5")) == ""
    assert prove.extension(PurePosixPath("some-thing/x.so")) == ""
    names = [
        "six.py",
        "yarl/__init__.py",
        "yarl/_url.py",
        "tests/__init__.py",
        "x-1.dist-info/RECORD",
    ]
    assert prove.packages([PurePosixPath(name) for name in names]) == ["six", "yarl"]


def distribution(site: Path, files: dict[str, str], tag: str) -> PathDistribution:
    """Lay out an installed wheel."""
    files = {**files, "x-1.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n"}
    files["x-1.dist-info/METADATA"] = "Name: x\nVersion: 1\n"
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    (site / "x-1.dist-info/RECORD").write_text("".join(f"{name},,\n" for name in files))
    return PathDistribution(site / "x-1.dist-info")


def test_what_does_not_load_is_told_and_what_is_optional_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    broken = f"arm64_broken{EXTENSION_SUFFIXES[0]}"
    files = {
        "arm64_wants.py": "import not_installed_here\n",
        "arm64_ends.py": "raise SystemExit(2)\n",
        broken: "not ELF",
    }
    compiled: list[str] = []
    one = distribution(tmp_path, files, "cp314-cp314-linux_aarch64")
    told = [words for words in prove.judge(one, tmp_path, compiled) if words]
    assert compiled == ["arm64_broken"]
    assert told[0] == "x 1 is a wheel for cp314-cp314-linux_aarch64"
    assert told[1] == "arm64_ends: SystemExit(2)"
    assert told[2].startswith("arm64_broken: ")
    assert len(told) == 3


def test_the_key_reaches_the_machine_by_its_kernels_command_line() -> None:
    words = machine.credential("ssh-ed25519 AAAA test bed")
    name, packed = words.removeprefix("systemd.set_credential_binary=").split(":")
    lines = base64.b64decode(packed).decode().splitlines()
    assert name == "tmpfiles.extra"
    assert base64.b64decode(lines[1].split()[-1]).decode() == "ssh-ed25519 AAAA test bed"
    line = machine.command(Path("/kept"), 2222, "key")
    assert any("hostfwd=tcp:127.0.0.1:2222-:22" in word for word in line)
    assert line[:3] == ["setpriv", "--pdeathsig", "TERM"]


def test_another_recipe_is_another_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = disk.name(python_from_sid=True)
    assert before != disk.name(python_from_sid=False)
    (tmp_path / "more.sh").write_text("true\n")
    known = disk.sources()
    monkeypatch.setattr(disk, "sources", lambda: [*known, tmp_path / "more.sh"])
    assert disk.name(python_from_sid=True) != before


def test_a_disk_of_another_recipe_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[list[str]] = []

    def create(command: list[str], *, doing: str) -> str:
        made.append(command)
        machine.DISK.touch()
        return doing

    for name, path in {"DIRECTORY": "", "DISK": "disk.qcow2", "BASE": "base"}.items():
        monkeypatch.setattr(machine, name, tmp_path / "arm64" / path)
    monkeypatch.setattr(machine, "SSH", tmp_path)
    monkeypatch.setattr(machine, "output", create)
    for kept in ("/kept/1", "/kept/1", "/kept/2"):
        machine.lay_disk(Path(kept))
    assert [command[-2] for command in made] == ["/kept/1/disk.qcow2", "/kept/2/disk.qcow2"]


def test_the_time_of_a_step_that_failed_is_told_too() -> None:
    steps = Steps(iter([0.0, 65.0, 65.0, 3665.0]).__next__)
    with steps.step("Boot"):
        pass
    with pytest.raises(OSError, match="off"), steps.step("Play"):
        raise OSError("off")
    assert steps.table() == "     1:05  Boot\n    60:00  Play\n"
