"""How restic is run: which way its secrets take, and what its answers become."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hems.backup import BackupError, RefusedError, core, reach, restic, watched
from hems.backup.restic import Restic, Secrets

from tests.unit.backup_place import backup_at

SECRET = "never-seen/by+others"
# Tells what it got, files too, and does what the test wants of the command.
PROGRAM = """#!{python}
import json, os, pathlib, stat, sys
files = {{}}
for text in (*sys.argv, *os.environ.values()):
    path = pathlib.Path(text.rpartition("=")[2])
    if path.is_file() and "hems-restic." in text:
        files[path.name] = [path.read_text(), oct(stat.S_IMODE(path.stat().st_mode)), str(path)]
with open({log!r}, "a") as log:
    print(json.dumps([sys.argv[1:], dict(os.environ), files]), file=log)
for words, code, out, said in json.loads(pathlib.Path({answers!r}).read_text()):
    if words in " ".join(sys.argv):
        print(out)
        print(said, file=sys.stderr)
        sys.exit(code)
print("[]")
"""

Answer = tuple[str, int, str, str]


class Runs:
    """A restic of the test's own, and what it was given."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "passphrase").write_text("words")
        self.answers()

    def answers(self, *answers: Answer) -> None:
        """Have it answer so: part of the command line, exit code, stdout, stderr."""
        (self.top / "answers").write_text(json.dumps(answers))

    def at(self, repository: str, account: str = "") -> Restic:
        """Return what runs it."""
        secrets = Secrets(self.top / "passphrase", SECRET, "/k e y", "/known")
        return Restic(backup_at(repository, account), secrets)

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str], dict[str, list[str]]]]:
        """Return arguments, environment and files of each call, files as [text, mode, path]."""
        log = self.top / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def commands(self) -> list[str]:
        """Return what it was told to do each time, without where."""
        return [" ".join(words[words.index("--json") + 1 :]) for words, _, _ in self.calls]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Put a program in restic's place."""
    program = tmp_path / "bin/restic"
    program.parent.mkdir()
    python = os.environ.get("PYTHON", "/usr/bin/env python3")
    text = PROGRAM.format(python=python, log=f"{tmp_path}/log", answers=f"{tmp_path}/answers")
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of somebody else")
    monkeypatch.setattr(reach, "look", lambda *_: None)
    return Runs(tmp_path)


def test_s3s_secret_key_is_in_a_file_that_only_root_reads_and_that_goes_away(runs: Runs) -> None:
    runs.at("s3:https://s3.example.org/bucket/hems", "key-id").snapshots("hems-a")
    [(words, environment, files)] = runs.calls
    assert SECRET not in " ".join(words) and SECRET not in " ".join(environment.values())
    assert "of somebody else" not in environment.values()
    text, mode, path = files["s3"]
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == path and mode == "0o600"
    assert text.splitlines() == [
        "[default]",
        "aws_access_key_id = key-id",
        f"aws_secret_access_key = {SECRET}",
    ]
    assert not Path(path).exists() and not Path(path).parent.exists()


def test_a_rest_servers_password_is_in_a_file_that_only_root_reads(runs: Runs) -> None:
    runs.at("rest:https://nas.local:8000/hems/", "box").snapshots("hems-a")
    [(words, environment, files)] = runs.calls
    seen = " ".join([*words, *environment.values()])
    assert "never-seen" not in seen and "box:" not in seen
    text, mode, path = files["repository"]
    assert text == "rest:https://box:never-seen%2Fby%2Bothers@nas.local:8000/hems/"
    assert mode == "0o600" and f"--repository-file={path}" in words and not Path(path).exists()


def test_sftp_takes_the_boxs_key_and_no_unknown_server(runs: Runs) -> None:
    runs.at("sftp:box@nas.local:/hems").snapshots("hems-a")
    [(words, _, files)] = runs.calls
    [given] = [word for word in words if word.startswith("sftp.args=")]
    assert given.startswith("sftp.args=-i '/k e y' -oUserKnownHostsFile=/known -oBatchMode=yes ")
    assert "s3" not in files and SECRET not in files["repository"][0]


def test_each_work_looks_at_the_destination_first(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise BackupError("It is away.")

    monkeypatch.setattr(reach, "look", away)
    for work in (runs.at("/x").id, lambda: runs.at("/x").snapshots("hems-a")):
        with pytest.raises(BackupError, match="It is away"):
            work()
    assert runs.calls == []


@pytest.mark.parametrize(
    ("does", "words"), [("rmdir", "plugged in and mounted"), ("ls", "took more")]
)
def test_a_disk_that_is_pulled_and_one_that_hangs_are_told_and_restic_is_ended(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, does: str, words: str
) -> None:
    place, process = runs.top / "disk", runs.top / "process"
    place.mkdir()
    program = runs.top / "bin/restic"
    program.write_text(f"#!/bin/sh\n{does} {place}\necho $$ >{process}\nexec sleep 600\n")
    monkeypatch.setattr(watched, "WATCH_SECONDS", 0.3)
    monkeypatch.setattr(restic, "SECONDS", 5.0)
    with pytest.raises(BackupError, match=words):
        runs.at(str(place)).check()
    assert not Path(f"/proc/{process.read_text().strip()}").exists()


IO = "Save(<lock/1>) returned error, retrying after 1s: sync /x: input/output error"
BUCKET = "Stat(<config/>) returned error, retrying after 1s: The specified bucket does not exist"


@pytest.mark.parametrize(
    ("repository", "said", "words"),
    [("/x", IO, "The disk of /x fails"), ("s3:http://nas/b", BUCKET, "There is no bucket")],
)
def test_what_can_not_succeed_is_told_at_its_third_try_and_restic_is_ended(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, repository: str, said: str, words: str
) -> None:
    process, program = runs.top / "process", runs.top / "bin/restic"
    monkeypatch.setattr(watched, "WATCH_SECONDS", 0.3)
    place = runs.at(repository, "box")

    def says(times: int, then: str) -> None:
        said_so = f"echo '{said}' >&2\n" * times
        program.write_text(f"#!/bin/sh\necho $$ >{process}\n{said_so}exec sleep {then}\n")

    says(2, "1")
    place.check()
    says(3, "600")
    for work in (place.check, lambda: place.copies("1", Path("/a"))):
        with pytest.raises(BackupError, match=words):
            work()
        assert not Path(f"/proc/{process.read_text().strip()}").exists()


def test_what_is_not_kept_is_forgotten_and_its_room_is_given_back(runs: Runs) -> None:
    runs.answers(("forget", 0, json.dumps([{"keep": [1], "remove": [2]}]), ""))
    runs.at("/x").forget("hems-a")
    assert runs.commands[0].startswith("forget --host=hems-a --tag=hems --group-by=host --keep")
    assert runs.commands[1:] == ["prune"]


def test_a_night_without_old_ones_does_not_go_through_everything(runs: Runs) -> None:
    runs.answers(("forget", 0, json.dumps([{"keep": [1], "remove": None}]), ""))
    runs.at("/x").forget("hems-a")
    assert len(runs.commands) == 1


def test_a_server_that_removes_nothing_is_told_from_a_failure(runs: Runs) -> None:
    said = "Remove(<snapshot/d265>) failed: unexpected HTTP response (403): 403 Forbidden"
    runs.answers(("forget", 0, json.dumps([{"keep": [1], "remove": [2]}]), said))
    with pytest.raises(RefusedError, match="lets the box remove no old backups"):
        runs.at("rest:http://nas/").forget("hems-a")
    assert len(runs.commands) == 1


def test_what_else_is_in_forgets_way_is_a_failure(runs: Runs) -> None:
    runs.answers(("forget", 1, "[]", "dial tcp: connection refused"))
    with pytest.raises(BackupError, match="went away while it was used"):
        runs.at("rest:http://nas/").forget("hems-a")


def locked(runs: Runs, *rows: tuple[int, str]) -> list[str]:
    """Have a lock at the destination for each (exit code, text); return what 'unlock' then is."""
    names = [f"{place}{'0' * 63}" for place in range(len(rows))]
    cats = [
        (f"cat lock {name}", code, "" if code else text, text if code else "")
        for name, (code, text) in zip(names, rows, strict=True)
    ]
    runs.answers(("list locks", 0, "\n".join(names), ""), *cats)
    runs.at("/x").unlock()
    return [command for command in runs.commands if command.startswith("unlock")]


def lock(host: str, process: int, time: str = "") -> tuple[int, str]:
    """Return a lock as restic shows it, with its time in ns."""
    made = time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return 0, json.dumps({"time": made, "exclusive": False, "hostname": host, "pid": process})


def test_a_lock_of_a_run_that_was_killed_is_removed(runs: Runs) -> None:
    me, gone = restic.socket.gethostname(), 2**22 + 1  # more than a process ever has
    assert locked(runs, lock(me, gone)) == ["unlock --quiet"]


def test_nothing_is_unlocked_where_nothing_is_locked(runs: Runs) -> None:
    assert locked(runs) == []


def test_no_stranger_is_signalled_and_nobodys_work_is_unlocked(runs: Runs) -> None:
    me = restic.socket.gethostname()
    assert locked(runs, lock(me, os.getpid())) == []
    assert locked(runs, lock("another", 1)) == []


def test_an_old_lock_is_removed_whoever_has_its_number_now(runs: Runs) -> None:
    old = lock(restic.socket.gethostname(), os.getpid(), "2026-01-01T02:30:00.123456789Z")
    assert locked(runs, old) == ["unlock --quiet"]


def test_a_damaged_lock_is_removed_unless_somebody_works(runs: Runs) -> None:
    damaged = (1, '{"message":"LoadRaw(<lock/aa>): invalid data returned"}')
    assert locked(runs, damaged, lock("another", 1)) == []
    assert locked(runs, damaged) == ["unlock --remove-all"]


def test_what_reads_is_not_kept_out_by_the_lock_of_a_box_that_died(runs: Runs) -> None:
    place = runs.at("/x")
    runs.answers(("cat config", 0, '{"id": "1"}', ""), ("dump --no-lock --archive", 1, "", "x"))
    place.id()
    place.snapshots("hems-a")
    place.text("1", Path("/a"))
    place.fetch("1", Path("/a"), Path("/b"))
    with pytest.raises(BackupError):
        place.copies("1", Path("/a"))
    assert len(runs.calls) == 5
    assert all("--no-lock" in words for words, _, _ in runs.calls)


def test_a_lock_that_can_not_be_read_is_no_damaged_one(runs: Runs) -> None:
    with pytest.raises(BackupError, match="went away while it was used"):
        locked(runs, (1, "dial tcp: connection refused"))


def test_a_lock_counts_for_half_an_hour() -> None:
    now = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    held = core.Lock(datetime(2026, 11, 27, 2, 31, tzinfo=UTC), "a", 1)
    assert held.is_held(now, "b", lambda _: False) and held.is_held(now, "a", lambda _: True)
    assert not held.is_held(now, "a", lambda _: False)
    left = core.Lock(datetime(2026, 11, 27, 2, 29, tzinfo=UTC), "a", 1)
    assert not left.is_held(now, "b", lambda _: True)
