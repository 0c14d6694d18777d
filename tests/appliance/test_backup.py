"""Backups on a real box: a disk beside it, made, read back, and what goes wrong with one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.appliance import backup_places
from tests.appliance.playing import changes
from tests.virtual.pi import substitutes
from tests.virtual.pi.play import of_roles

pytestmark = [
    pytest.mark.journal("hems-backup", "hems-backup-drill"),
    pytest.mark.skipif(
        not os.environ.get("HEMS_LONG"),
        reason="it takes minutes, eight and a half on a busy machine: HEMS_LONG=1 runs it",
    ),
]

# The disk, where it is mounted for the box, and the destination on it.
DISK, MOUNT, PLACE = "/mnt/hems-disk", "/mnt/hems-backup", "/mnt/hems-backup/site"
SIZE = "512m"
STATE = "/var/lib/hems-backup"
PASSPHRASE = "/etc/hems/secrets/backup_passphrase"
PLAY = of_roles("backup")

Play = Callable[..., int]


@pytest.fixture(scope="module")
def play(pi: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays the role with a destination or none, and returns how much that changed.

    What else is given are the role's variables.
    """
    file = tmp_path_factory.mktemp("play") / "play.yml"
    file.write_text(PLAY, encoding="utf-8")
    # The night does not come while the tests run.
    far = pi.check_output("date --date='12 hours' +%H:%M")

    def run(place: str, **more: str) -> int:
        values = {"hems_backup_repository": place, "backup_spread": 0, "backup_time": far}
        return changes(file, values | more)

    pi.check_output(f"mkdir -p {DISK} {MOUNT} && mount -t tmpfs -o size={SIZE} tmpfs {DISK}")
    pi.check_output(f"mount --bind {DISK} {MOUNT}")
    try:
        run(PLACE)
        yield run
    finally:
        if pi.file("/etc/hems/backup.toml").exists:  # a test has failed
            run("")
        pi.check_output(f"umount {MOUNT} {DISK}; rmdir {MOUNT} {DISK}")
        pi.check_output(f"rm -rf {STATE} /var/cache/hems-backup {PASSPHRASE}")


def status(pi: Any) -> dict[str, Any]:
    """Return what the box says of its backups."""
    found: dict[str, Any] = json.loads(pi.file(f"{STATE}/status.json").content_string)
    return found


@pytest.fixture(scope="module")
def made(pi: Any, play: Play) -> str:  # noqa: ARG001
    """Return what making the first backup said."""
    ran = pi.run("hems backup now")
    wanted = 1 if substitutes.database() == substitutes.STANDIN else 0
    assert ran.rc == wanted, ran.stdout + ran.stderr
    return str(ran.stdout + ran.stderr)


@pytest.mark.usefixtures("made")
def test_a_second_play_changes_nothing(play: Play) -> None:
    assert play(PLACE) == 0


def test_it_is_made_and_holds_what_can_not_be_made_again(pi: Any, made: str) -> None:
    standin = substitutes.database() == substitutes.STANDIN
    assert ("lacks history" if standin else "is made and was read back") in made
    listed = pi.check_output("hems backup list").splitlines()
    assert len(listed) == 2 and ("read back" in listed[1]) != standin
    verified = pi.run("hems backup verify")
    assert "each as it was" in verified.stdout, verified.stderr
    names = pi.check_output(
        f"restic -r {PLACE} --password-file /etc/hems/secrets/backup_passphrase --no-cache "
        f"dump --archive tar latest {STATE}/staging/home_assistant.tar | tar -t"
    ).splitlines()
    assert {".storage/auth", "configuration.yaml", "home-assistant_v2.db"} <= set(names)
    assert not [name for name in names if name.startswith("backups/") or name.endswith("-wal")]
    assert not pi.file(f"{STATE}/staging").exists
    assert not pi.file("/var/lib/home-assistant/.hems-backup").exists


@pytest.mark.usefixtures("made")
def test_it_is_tried_out_in_places_that_are_thrown_away(pi: Any) -> None:
    tried = pi.run("hems backup drill")
    if substitutes.database() == substitutes.STANDIN:
        assert tried.rc == 1 and "it lacks history" in tried.stderr, tried.stderr
    else:
        assert tried.rc == 0 and status(pi)["unproven"] == "", tried.stderr
    assert status(pi)["drilled"] and not pi.file(f"{STATE}/restore").exists
    assert not pi.file("/var/lib/home-assistant/.hems-backup").exists


@pytest.mark.usefixtures("made")
def test_its_words_open_it_and_others_do_not(pi: Any) -> None:
    shown = pi.check_output("hems backup words")
    words = re.findall(r"\d+\. ([a-z]+)", shown)
    assert len(words) == 24
    assert " ".join(words) == pi.file(PASSPHRASE).content_string.strip()
    pi.check_output(
        f"cp -p {PASSPHRASE} {PASSPHRASE}.kept && echo 'not the right one at all' >{PASSPHRASE}"
    )
    try:
        told = pi.run("hems backup list")
    finally:
        pi.check_output(f"mv {PASSPHRASE}.kept {PASSPHRASE}")
    assert told.rc == 1
    (line,) = told.stderr.splitlines()
    assert "The passphrase does not open the backups" in line and line.endswith("the playbook.")


@pytest.mark.usefixtures("made")
def test_the_ledger_comes_back_and_what_was_there_is_kept(pi: Any) -> None:
    ledger, before = "/var/lib/hems-history/ledger.db", "/var/lib/hems-history/.hems-before-restore"
    kept = pi.check_output(f"stat --format='%U %a' {ledger}")
    pi.check_output("runuser -u hems-history -- touch /var/lib/hems-history/since-then")
    try:
        said = pi.check_output("hems restore ledger")
        assert "Back: ledger." in said
        assert pi.check_output(f"stat --format='%U %a' {ledger}") == kept
        assert not pi.file("/var/lib/hems-history/since-then").exists
        assert pi.file(f"{before}/since-then").exists
        assert pi.check_output("systemctl is-active hems-history.timer") == "active"
        pi.check_output("hems history gaps")
    finally:
        pi.check_output(f"runuser -u hems-history -- rm -rf {before}")


@pytest.mark.usefixtures("made")
def test_a_disk_that_is_full_is_one_sentence_and_costs_nothing(pi: Any) -> None:
    before = pi.check_output("hems backup list")
    used = int(pi.check_output(f"df --output=used --block-size=1 {DISK} | tail -1"))
    pi.check_output(f"mount -o remount,size={used + 1_000_000} {DISK}")
    try:
        full = pi.run("hems backup now")
    finally:
        pi.check_output(f"mount -o remount,size={SIZE} {DISK}")
    assert full.rc == 1 and full.stderr.splitlines()[-1].endswith("make room there."), full.stderr
    assert "backup_failed" in issues(pi)
    assert pi.check_output("hems backup list") == before
    assert pi.run("hems backup now").rc == (substitutes.database() == substitutes.STANDIN)


@pytest.mark.usefixtures("made")
def test_a_disk_that_is_not_there_is_one_sentence_and_nothing_is_written(pi: Any) -> None:
    before = pi.check_output("hems backup list")
    pi.check_output(f"umount {MOUNT}")
    try:
        gone = pi.run("hems backup now")
        assert pi.check_output(f"ls -A {MOUNT}") == ""
    finally:
        pi.check_output(f"mount --bind {DISK} {MOUNT}")
    assert gone.rc == 1 and "plug in the disk for backups" in gone.stderr, gone.stderr
    assert pi.check_output("hems backup list") == before


@pytest.mark.usefixtures("made")
def test_a_disk_that_is_pulled_half_way_is_one_sentence_and_the_next_night_goes_on(
    pi: Any,
) -> None:
    before = pi.check_output("hems backup list")
    pi.check_output(
        "systemd-run -q --collect --unit=hems-test-pull /bin/sh -c %s",
        f'until [ -n "$(ls -A {PLACE}/locks)" ]; do sleep 0.02; done; umount -l {MOUNT}',
    )
    try:
        pulled = pi.run("hems backup now")
        assert pi.check_output(f"ls -A {MOUNT}") == "", "nothing goes on the box's own disk"
    finally:
        pi.run("systemctl stop hems-test-pull")
        pi.check_output(f"mountpoint -q {MOUNT} || mount --bind {DISK} {MOUNT}")
    assert pulled.rc == 1 and len(pulled.stderr.splitlines()) == 1, pulled.stderr
    # While it stores, or at the look afterwards whether all is there.
    assert "went away while" in pulled.stderr or "mount the disk that has" in pulled.stderr
    assert pi.check_output("hems backup list").startswith(before)
    assert pi.run("hems backup now").rc == (substitutes.database() == substitutes.STANDIN)


@pytest.mark.usefixtures("made")
def test_the_units_reach_another_machine_from_their_sandbox(pi: Any, play: Play) -> None:
    files = {"backup_ssh_key": backup_places.KEY, "backup_known_hosts": backup_places.KNOWN}
    with backup_places.places(pi):
        try:
            play(backup_places.SFTP, **files)
            pi.check_output(f"mv {STATE}/status.json {STATE}/status.kept")
            said = pi.run("hems backup now")
            assert said.rc == (substitutes.database() == substitutes.STANDIN), said.stderr
            pi.run("hems backup drill")
            assert "can't be reached" not in status(pi)["unproven"], status(pi)
            assert status(pi)["drilled"]
            pi.check_output(f"mv {backup_places.KEY} {backup_places.KEY}.away")
            lacking = pi.run("hems backup now")
            assert f"needs {backup_places.KEY} (backup_ssh_key)" in lacking.stderr
        finally:
            pi.run(f"mv {STATE}/status.kept {STATE}/status.json")
            play(PLACE)


@pytest.mark.usefixtures("made")
def test_a_box_without_a_destination_has_nothing_of_it(pi: Any, play: Play) -> None:
    assert play("") > 0
    left = "find /etc/systemd /etc/hems -name 'hems-backup*' -o -name backup.toml"
    assert pi.check_output(left) == ""
    told = pi.run("hems backup now")
    assert told.rc == 1 and "makes no backups: give it a destination" in told.stderr
    assert play("") == 0


def issues(pi: Any) -> str:
    """Return the codes that the report of backups names at this moment."""
    look = (
        "from pathlib import Path; from hems import services; from hems.reports import backup; "
        "entry = services.read_entry(Path('/etc/hems/services.d/backup.toml')); "
        "print(*(one.kind.code for one in backup.look(0.0, entry.named)))"
    )
    return str(pi.check_output("/opt/hems/current/bin/python -I -c %s", look))
