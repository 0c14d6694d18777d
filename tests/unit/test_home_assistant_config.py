"""Our files are written, the owner's are made once, and an edit by hand is kept."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from tests.unit.home_assistant_modules import config, files


class FakeModule:
    """As much of AnsibleModule as run() uses."""

    def __init__(self, top: Path, ours: dict[str, str], check: bool = False) -> None:
        self.check_mode = check
        self.warnings: list[str] = []
        self.params = {
            "directory": str(top / "config"),
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "memory": str(top / "written.json"),
            "directories": ["automations"],
            "ours": ours,
            "theirs": {"scripts.yaml": "{}\n", "packages/site.yaml": "{}\n"},
        }

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(autouse=True)
def group_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrnam", lambda _: grp.getgrgid(os.getgid()))


def run(top: Path, ours: dict[str, str], check: bool = False) -> tuple[dict[str, Any], list[str]]:
    module = FakeModule(top, ours, check)
    return config.run(module), module.warnings


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    ours = {"configuration.yaml": "a: 1\n", "packages/hems/hems.yaml": "b:\n"}
    assert run(tmp_path, ours)[0]["changed"]
    assert run(tmp_path, ours)[0] == {"changed": False, "written": [], "kept": [], "diff": []}
    assert (tmp_path / "config/configuration.yaml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("left", [b"", b"\0" * 40, b"\xff\xfe\x80", b'{"configuration.', b"[]"])
def test_a_memory_that_a_power_cut_broke_loses_no_edit(tmp_path: Path, left: bytes) -> None:
    run(tmp_path, {"configuration.yaml": "a: 1\n"})
    (tmp_path / "written.json").write_bytes(left)
    (tmp_path / "config/configuration.yaml").write_text("mine: 1\n")
    result, warnings = run(tmp_path, {"configuration.yaml": "a: 1\n"})
    (kept,) = result["kept"]
    assert Path(kept).read_text() == "mine: 1\n" and len(warnings) == 1
    assert run(tmp_path, {"configuration.yaml": "a: 1\n"})[0]["changed"] is False


def test_a_file_of_ours_that_a_power_cut_broke_is_written_anew(tmp_path: Path) -> None:
    run(tmp_path, {"configuration.yaml": "a: 1\n"})
    (tmp_path / "config/configuration.yaml").write_bytes(b"\xff\0\xfe")
    assert run(tmp_path, {"configuration.yaml": "a: 1\n"})[0]["changed"]
    assert (tmp_path / "config/configuration.yaml").read_text() == "a: 1\n"


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    result, _ = run(tmp_path, {"configuration.yaml": "a: 1\n"}, check=True)
    assert result["changed"]
    assert os.listdir(tmp_path) == []


def test_the_owners_files_are_never_touched(tmp_path: Path) -> None:
    run(tmp_path, {})
    mine = tmp_path / "config/scripts.yaml"
    mine.write_text("broken: [\n")
    (tmp_path / "config/automations/night.yaml").write_text("- alias: x\n")
    assert not run(tmp_path, {})[0]["changed"]
    assert mine.read_text() == "broken: [\n"


def test_an_edit_by_hand_is_kept_beside_ours(tmp_path: Path) -> None:
    run(tmp_path, {"configuration.yaml": "old\n"})
    path = tmp_path / "config/configuration.yaml"
    path.write_text("old\nmine:\n")
    result, warnings = run(tmp_path, {"configuration.yaml": "new\n"})
    (kept,) = result["kept"]
    assert Path(kept).read_text() == "old\nmine:\n"
    assert not kept.endswith(".yaml")
    assert path.read_text() == "new\n"
    assert kept in warnings[0]


def test_our_own_change_leaves_no_copy(tmp_path: Path) -> None:
    run(tmp_path, {"configuration.yaml": "old\n"})
    assert run(tmp_path, {"configuration.yaml": "new\n"})[0]["kept"] == []


def test_a_file_that_we_no_longer_have_goes(tmp_path: Path) -> None:
    run(tmp_path, {"packages/hems/old.yaml": "a:\n"})
    run(tmp_path, {})
    assert os.listdir(tmp_path / "config/packages/hems") == []


def test_the_fingerprint_sees_files_and_the_venv(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    link = tmp_path / "current"
    link.symlink_to("venv")
    packages = tmp_path / "packages"
    packages.mkdir()
    paths = [packages, tmp_path / "missing"]
    keys = {files.fingerprint(link, paths)}
    (packages / "a.yaml").write_text("a:\n")
    keys.add(files.fingerprint(link, paths))
    (packages / "a.yaml").write_text("b:\n")
    keys.add(files.fingerprint(link, paths))
    (packages / "notes.txt").write_text("not read by Home Assistant")
    keys.add(files.fingerprint(link, paths))
    (tmp_path / "other").mkdir()
    link.unlink()
    link.symlink_to("other")
    keys.add(files.fingerprint(link, paths))
    assert len(keys) == 4
