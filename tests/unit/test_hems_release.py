"""Installing the package: same source, same release; an interrupted one is made again."""

from __future__ import annotations

import base64
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.unit.modules import load_module

source = load_module("roles/hems/lookup_plugins/hems_source.py")
module = load_module("roles/hems/library/hems_release.py")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    directory = tmp_path / "package"
    (directory / "src/hems/__pycache__").mkdir(parents=True)
    (directory / "src/hems/.cache").mkdir()
    (directory / "requirements.txt").write_text("msgspec==0.22.0\n")
    (directory / "src/hems/__init__.py").write_text('__version__ = "1.2.3"\n')
    (directory / "src/hems/py.typed").touch()
    (directory / "src/hems/__pycache__/x.pyc").touch()
    (directory / "src/hems/.cache/x").touch()
    return directory


def test_what_tools_leave_behind_is_not_part_of_it(package: Path) -> None:
    assert list(source.source_files(package)) == [
        "requirements.txt",
        "src/hems/__init__.py",
        "src/hems/py.typed",
    ]


def test_the_content_alone_decides_the_version(package: Path, tmp_path: Path) -> None:
    first = source.source_files(package)
    copy = tmp_path / "copy"
    shutil.copytree(package, copy)
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
    again = source.source_files(copy)
    assert source.version_of(again) == source.version_of(first)
    assert source.pack(again) == source.pack(first)
    assert source.version_of(first).startswith("1.2.3-")
    (copy / "src/hems/py.typed").write_text(" ")
    assert source.version_of(source.source_files(copy)) != source.version_of(first)
    (copy / "src/hems/py.typed").rename(copy / "src/hems/py.other")
    assert source.version_of(source.source_files(copy)) != source.version_of(first)


def test_a_package_that_is_not_whole_is_refused(package: Path, tmp_path: Path) -> None:
    lookup = source.LookupModule()
    with pytest.raises(Exception, match=r"is not complete in .*missing"):
        lookup.run([str(tmp_path / "missing")])
    (package / "src/hems/__init__.py").write_text("")
    with pytest.raises(Exception, match="has no line '__version__"):
        lookup.run([str(package)])


class Pi:
    """Carries out what the module asks for, as far as it can be seen."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.fail_at = ""

    def __call__(self, command: list[str]) -> None:
        self.commands.append(command)
        if self.fail_at and self.fail_at in command:
            raise module.InstallError("no network")
        if "venv" in command:
            home = Path(command[-1])
            assert not home.exists(), "a half-made release must be gone"
            (home / "bin").mkdir(parents=True)
            (home / "lib" / TAG / "site-packages").mkdir(parents=True)


TAG = module.Releases(Path("/"), lambda _: None)._tag


@pytest.fixture
def archive(package: Path) -> bytes:
    return base64.b64decode(source.pack(source.source_files(package)))


def test_a_release_is_installed_and_becomes_the_current_one(archive: bytes, tmp_path: Path) -> None:
    pi = Pi()
    releases = module.Releases(tmp_path / "hems", pi, "/usr/bin/python3")
    assert not releases.is_installed("1.2.3-a")
    assert releases.current is None
    releases.install("1.2.3-a", archive)
    releases.switch("1.2.3-a")
    home = tmp_path / "hems/1.2.3-a"
    assert releases.is_installed("1.2.3-a")
    assert releases.current == "1.2.3-a"
    assert (home / "lib" / TAG / "site-packages/hems/__init__.py").is_file()
    assert not (home / "src").exists()
    launcher = home / "bin/hems"
    assert launcher.read_text().startswith(f"#!{home}/bin/python -I\n")
    assert launcher.stat().st_mode & 0o777 == 0o755
    pip = next(command for command in pi.commands if "pip" in command)
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(pip)


def test_an_interrupted_installation_is_made_again(archive: bytes, tmp_path: Path) -> None:
    pi = Pi()
    releases = module.Releases(tmp_path / "hems", pi)
    pi.fail_at = "pip"
    with pytest.raises(module.InstallError):
        releases.install("1.2.3-a", archive)
    assert not releases.is_installed("1.2.3-a")
    assert (tmp_path / "hems/1.2.3-a").exists()
    pi.fail_at = ""
    releases.install("1.2.3-a", archive)
    assert releases.is_installed("1.2.3-a")


def test_another_python_makes_it_again(archive: bytes, tmp_path: Path) -> None:
    releases = module.Releases(tmp_path, Pi())
    releases.install("1.2.3-a", archive)
    (tmp_path / "1.2.3-a" / module.MARK).write_text("python3.1\n")
    assert not releases.is_installed("1.2.3-a")


def test_only_releases_are_removed(archive: bytes, tmp_path: Path) -> None:
    releases = module.Releases(tmp_path, Pi())
    for version in ("1.2.3-a", "1.2.3-b", "1.2.3-c"):
        releases.install(version, archive)
        releases.switch(version)
    (tmp_path / "notes").mkdir()
    assert releases.current == "1.2.3-c"
    assert [path.name for path in releases.others("1.2.3-c", "1.2.3-b")] == ["1.2.3-a"]


def test_the_archive_holds_the_files(package: Path) -> None:
    packed = source.LookupModule().run([str(package)])[0]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed["archive"]))) as files:
        assert files.read("src/hems/__init__.py") == b'__version__ = "1.2.3"\n'
