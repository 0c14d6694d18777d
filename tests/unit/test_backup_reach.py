"""A destination that does not answer is told within a minute, and why."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hems.backup import BackupError, reach

from tests.unit.backup_place import backup_at

SFTP = "sftp:box@nas.local:/backups/hems"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no test wait; return how long each pause would have been, on a clock of its own."""
    found: list[float] = []
    monkeypatch.setattr(reach, "monotonic", lambda: sum(found))
    monkeypatch.setattr(reach, "sleep", found.append)
    return found


@contextmanager
def server(status: int) -> Iterator[str]:
    """Answer every request so; yield the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def look(repository: str, key: Path | str = "", known: Path | str = "") -> str:
    """Return what a look at a destination says."""
    try:
        reach.look(backup_at(repository), str(key), str(known))
    except BackupError as error:
        return str(error)
    return ""


def test_a_directory_is_not_looked_at() -> None:
    assert look("/media/backup/hems") == ""


@pytest.mark.parametrize("kind", ["rest", "s3"])
def test_one_that_answers_is_there_whatever_it_answers(kind: str, pauses: list[float]) -> None:
    with server(401) as address:
        assert look(f"{kind}:http://{address}/hems/") == ""
    assert pauses == []


def test_one_that_is_down_is_waited_for_half_a_minute(pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mine:
        port = mine.getsockname()[1]
    said = look(f"rest:http://127.0.0.1:{port}/hems/")
    assert "can't be reached (Connection refused): see whether it is on" in said
    assert 0 < sum(pauses) <= reach.PATIENCE_SECONDS


def test_one_that_hangs_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        said = look(f"rest:http://127.0.0.1:{mute.getsockname()[1]}/hems/")
    assert "can't be reached (no answer in 0.2 s)" in said


def test_a_name_that_nobody_knows_is_told() -> None:
    assert "can't be reached (" in look("rest:https://nas.invalid/hems/")


def test_all_of_it_takes_less_than_a_minute() -> None:
    last = reach.PATIENCE_SECONDS + reach.CONNECT_SECONDS
    assert last < 60


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a key and a file of known hosts."""
    key, known = tmp_path / "key", tmp_path / "known"
    key.write_text("key")
    known.write_text("nas.local ssh-ed25519 AAAA")
    return key, known


def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *does: str) -> Path:
    """Put a program in ssh's place; return where it writes how it was called."""
    program, called = tmp_path / "bin/ssh", tmp_path / "called"
    program.parent.mkdir()
    program.write_text("\n".join(["#!/bin/sh", f'echo "$LC_ALL $*" >>{called}', *does]))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return called


def test_ssh_logs_in_as_restic_will(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = ssh(tmp_path, monkeypatch, "exit 1  # a server's own code: it has let the box in")
    assert look(SFTP, *files) == ""
    [line] = called.read_text().splitlines()
    assert line.startswith(f"C -i {files[0]} -oUserKnownHostsFile={files[1]} ")
    assert line.endswith(" -s -lbox -- nas.local sftp")


def test_what_time_does_not_heal_is_told_at_once(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pauses: list[float],
) -> None:
    ssh(tmp_path, monkeypatch, "echo 'Host key verification failed.' >&2", "exit 255")
    assert "is not in /etc/hems/backup/known_hosts: put there" in look(SFTP, *files)
    assert pauses == []


def test_a_machine_that_comes_up_meanwhile_is_used(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    ssh(tmp_path, monkeypatch, f"[ -e {tmp_path}/up ] && exit 0", f"touch {tmp_path}/up; exit 255")
    assert look(SFTP, *files) == ""
    assert pauses == [reach.PAUSE_SECONDS]


def test_a_key_that_is_missing_is_named_before_anything_is_tried(files: tuple[Path, Path]) -> None:
    files[0].write_text("\n")  # what a unit has of a file that is not there
    assert "needs /etc/hems/backup/key (backup_ssh_key) for" in look(SFTP, *files)
    assert "(backup_known_hosts) for" in look(SFTP, __file__, files[1].parent / "nowhere")
