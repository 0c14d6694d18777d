"""A service that is switched off leaves nothing, also when a run before was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import load_module

module = load_module("playbooks/library/appliance_service.py")
UNIT = "example.service"


class Exit(Exception):
    """What the module ends with."""


class Ansible:
    """As much of AnsibleModule and systemctl as taking a service off the box needs."""

    def __init__(self, files: list[Path], loaded: bool, active: str, check_mode: bool) -> None:
        self.params = {"unit": UNIT, "files": [str(path) for path in files]}
        self.check_mode = check_mode
        self.done: list[str] = []
        self._says = {
            "show": "loaded" if loaded else "not-found",
            "is-active": active,
            "is-enabled": "enabled" if active == "active" else "disabled",
        }

    def run(self, words: tuple[str, ...]) -> tuple[int, str, str]:
        if words[1] in self._says:
            return 0, f"{self._says[words[1]]}\n", ""
        self.done.append(words[1])
        return 0, "", ""

    def exit_json(self, **result: Any) -> None:
        raise Exit(result)


def take_off(
    monkeypatch: pytest.MonkeyPatch,
    files: list[Path],
    *,
    loaded: bool = True,
    active: str = "active",
    check_mode: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Run the module; return its result and the orders that it gave systemd."""
    ansible = Ansible(files, loaded, active, check_mode)
    monkeypatch.setattr(module, "AnsibleModule", lambda **_: ansible)
    monkeypatch.setattr(module.whole_output, "run", ansible.run)
    with pytest.raises(Exit) as ended:
        module.main()
    return ended.value.args[0], ansible.done


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(module.started_with, "DIRECTORY", tmp_path / "units")
    (tmp_path / "units").mkdir()
    (tmp_path / "units" / UNIT).write_text("fingerprint")
    found = [tmp_path / name for name in ("example.toml", UNIT, "example.conf")]
    for path in found:
        path.write_text("x")
    return found


def test_unit_files_and_what_is_remembered_go(
    files: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, done = take_off(monkeypatch, files)
    assert result["changed"] and result["removed"] == [UNIT, *map(str, files)]
    assert done == ["disable", "reset-failed", "daemon-reload"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_second_run_changes_nothing(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    take_off(monkeypatch, files)
    result, done = take_off(monkeypatch, files, loaded=False, active="inactive")
    assert not result["changed"] and done == []


def test_what_an_interrupted_run_left_goes(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].unlink()
    files[2].unlink()
    files[2].symlink_to("nowhere")
    result, done = take_off(monkeypatch, files, active="inactive")
    assert result["removed"] == [str(files[1]), str(files[2])]
    assert done == ["daemon-reload"] and not files[2].is_symlink()


def test_a_check_only_tells(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    result, done = take_off(monkeypatch, files, check_mode=True)
    assert result["changed"] and done == []
    assert all(path.exists() for path in files)
