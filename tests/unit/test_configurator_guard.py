"""What the file editor may be asked for, and which files it may touch."""

from __future__ import annotations

import os
import sys
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.modules import ROOT

sys.path.insert(0, str(ROOT / "roles/configurator/files"))

import configurator_guard as guard

FORM = {"Host": "box.local", "Content-Length": "12"}


def headers(**more: str) -> Message:
    """A form's headers, in the case-blind mapping that http.server gives."""
    message = Message()
    changes = {key.replace("_", "-"): value for key, value in more.items()}
    for key, value in (FORM | changes).items():
        message[key] = value
    return message


def refusal(method: str, target: str, **more: str) -> str | None:
    """Judge a request."""
    return guard.refusal(method, target, headers(**more))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE", "ANYTHING"])
@pytest.mark.parametrize(
    "target",
    [
        "/api/exec_command",
        "/configurator/api/exec_command",
        "//api/exec_command",
        "//host/api/exec_command",
        "http://host/api/exec_command",
        "/api/exec_command/",
        "/api/exec_command;param",
        "/api/exec_command?command=id",
        "/api/exec_command#x",
        "/API/EXEC_COMMAND",
        "/api/%65xec_command",
        "/api/%2565xec_command",
        "/api%2fexec_command",
        "/?x=exec_command",
    ],
)
def test_commands_are_refused_whatever_they_are_called(method: str, target: str) -> None:
    assert refusal(method, target) == "Running commands is switched off on this box."


@given(st.text(alphabet="/apiexec_command;?#.%25ACE6d", max_size=40))
def test_no_path_gets_a_command_past_the_guard(text: str) -> None:
    # The editor runs a command when urlparse's path ends with this (its configurator.py, do_POST).
    target = "/" + text
    if guard.urlparse(target).path.endswith("/api/exec_command"):
        assert refusal("POST", target) is not None


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?loadfile=configuration.yaml",
        "/?loadfile=automations/my%20file-1.yaml",
        "/style.css",
        "/api/file?filename=a.yaml",
        "/api/listdir?path=/var/lib/home-assistant",
        "/api/download?filename=a",
        "/api/prefs",
        "/x/api/parent?path=a",
    ],
)
def test_reading_is_let_through(target: str) -> None:
    assert refusal("GET", target) is None


@pytest.mark.parametrize(
    "name", ["save", "upload", "rename", "delete", "newfolder", "newfile", "prefs"]
)
def test_editing_is_let_through(name: str) -> None:
    assert refusal("POST", f"/api/{name}") is None


@pytest.mark.parametrize("name", ["restart", "check_config", "reload_core", "netstat", "x", "FILE"])
def test_what_would_ask_home_assistant_is_refused(name: str) -> None:
    for target in (f"/api/{name}", f"/API/{name}", f"/%61pi/{name}"):
        reason = refusal("GET", target)
        assert reason is not None and f"'{name}' is switched off" in reason


@pytest.mark.parametrize(
    "target",
    ["/api/allowed_networks", "/api/banned_ips", "/api/gitadd", "/api/init", "/", "/save", "/api/"],
)
def test_other_forms_are_refused(target: str) -> None:
    assert refusal("POST", target) is not None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
def test_other_methods_are_refused(method: str) -> None:
    assert refusal(method, "/api/file") == f"The method {method} is switched off on this box."


@pytest.mark.parametrize(
    "text", ["'", '"', "<", "\\", "%27;alert(1)//", "a%0ab", "%E2%80%A8", "$x"]
)
def test_a_link_cannot_put_a_script_into_the_page(text: str) -> None:
    reason = refusal("GET", f"/?loadfile={text}")
    assert reason is not None and "'loadfile' is not a plain file name" in reason


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({}, True),
        ({"Origin": "https://box.local"}, True),
        ({"Origin": "https://BOX.local"}, True),
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Origin": "https://box.local:8443"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://box.local"}, False),
    ],
)
def test_forms_of_other_sites_are_refused(more: dict[str, str], good: bool) -> None:
    assert (refusal("POST", "/api/save", **more) is None) is good


@pytest.mark.parametrize("length", ["", "-1", "1e3", "x", "²", str(guard.LARGEST_BODY + 1)])
def test_a_body_without_a_fit_length_is_refused(length: str) -> None:
    assert refusal("POST", "/api/save", Content_Length=length) is not None


@pytest.fixture
def fence(tmp_path: Path) -> guard.Fence:
    """A configuration with things that are not the editor's, and neighbours."""
    for name in (
        *("config/.storage", "config/packages/hems", "config/automations", "config/backups"),
        *("config-other", "scratch", "library"),
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "config/link").symlink_to(tmp_path / "config-other")
    (tmp_path / "config/shortcut").symlink_to(".storage")
    base = (tmp_path / "config").resolve()
    return guard.Fence(
        base=base,
        hidden=(".*", "*.db", "*.db-*", "backups"),
        read_only=("packages/hems", "configuration.yaml"),
        scratch=(tmp_path / "scratch",),
        library=(tmp_path / "library",),
    )


READ, WRITE = os.O_RDONLY | os.O_CLOEXEC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@pytest.mark.parametrize(
    ("path", "readable", "writable"),
    [
        ("config/configuration.yaml", True, False),
        ("config/secrets.yaml", True, True),
        ("config/automations/a.yaml", True, True),
        ("config/automations/../scripts.yaml", True, True),
        ("config/packages/site.yaml", True, True),
        ("config/packages/hems/hems.yaml", True, False),
        ("config/packages", True, False),
        ("config", True, False),
        ("config/.storage/auth", False, False),
        ("config/automations/../.storage/auth", False, False),
        ("config/shortcut/auth", False, False),
        ("config/automations/.git/config", False, False),
        ("config/home-assistant_v2.db", False, False),
        ("config/home-assistant_v2.db-wal", False, False),
        ("config/backups/a.tar", False, False),
        ("config/link/a", False, False),
        ("config/../config-other/a", False, False),
        ("config-other/a", False, False),
        ("scratch/preferences.json", True, True),
        ("library/encodings/x.py", True, False),
    ],
)
def test_files(fence: guard.Fence, path: str, readable: bool, writable: bool) -> None:
    full = str(fence.base.parent / path)
    for spelled in (full, full.encode()):
        assert (fence.refusal("open", (spelled, "r", READ)) is None) is readable
        assert (fence.refusal("open", (spelled, "w", WRITE)) is None) is writable
    assert (fence.refusal("os.listdir", (full,)) is None) is readable
    for event, arguments in {
        "os.remove": (full, -1),
        "os.rmdir": (full, -1),
        "os.mkdir": (full, 0o777, -1),
        "os.rename": (full, str(fence.base / "automations/b"), -1, -1),
    }.items():
        assert (fence.refusal(event, arguments) is None) is writable
    away = (str(fence.base / "automations/b"), full, -1, -1)
    assert (fence.refusal("os.rename", away) is None) is writable


def test_a_relative_name_counts_from_the_base(
    fence: guard.Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fence.base)
    assert fence.refusal("open", ("automations/a.yaml", "w", WRITE)) is None
    assert fence.refusal("os.listdir", (None,)) is None
    assert fence.refusal("open", ("../config-other/a", "r", READ)) is not None


@pytest.mark.parametrize(
    "event", ["subprocess.Popen", "os.system", "os.posix_spawn", "socket.connect", "os.symlink"]
)
def test_running_and_connecting_is_refused(fence: guard.Fence, event: str) -> None:
    reason = fence.refusal(event, ("anything",))
    assert reason == "Running and connecting is switched off on this box."


def test_other_events_go_on(fence: guard.Fence) -> None:
    for event, arguments in {"import": ("json",), "open": (3, "r", READ), "compile": ()}.items():
        assert fence.refusal(event, arguments) is None


def test_each_refusal_is_one_sentence(fence: guard.Fence) -> None:
    reasons = [
        fence.refusal("open", (str(fence.base / name), "w", WRITE))
        for name in (".storage/auth", "configuration.yaml", "../x")
    ]
    assert all(reason and reason.endswith(".") and "\n" not in reason for reason in reasons)
