"""Backups that go to other machines: sftp and an append-only rest-server, and what goes wrong.

The servers are on the Pi itself; restic is Debian's, and is run by the appliance's own package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance import backup_places
from tests.appliance.backup_places import (
    ALL_BACK,
    BIG,
    EVERYTHING,
    FORGETTING,
    MUTE_PORT,
    REST,
    SFTP,
    SSHD,
    TOP,
    TREE,
    ask,
    sentence,
)
from tests.appliance.waiting import LONG

# A minute on a quiet machine, more than three on a busy one.
pytestmark = LONG


@pytest.fixture(scope="module", autouse=True)
def servers(pi: Any) -> Iterator[None]:
    """Have the machines for all tests of this file."""
    with backup_places.places(pi):
        yield


@pytest.mark.parametrize("repository", [SFTP, REST], ids=["sftp", "rest-server"])
def test_a_tree_goes_there_is_read_back_and_comes_back(pi: Any, repository: str) -> None:
    assert ask(pi, EVERYTHING.replace("REPOSITORY", repr(repository))) == ALL_BACK


def test_sftp_believes_no_other_machine_and_says_what_to_do(pi: Any) -> None:
    said = ask(
        pi,
        f"""
print(json.dumps({{
    "unknown": said(at({SFTP!r}, known="{TOP}/empty").id),
    "changed": said(at({SFTP!r}, known="{TOP}/changed").id),
    "none": said(at({SFTP!r}, known="").id),
    "key": said(at({SFTP!r}, key="{TOP}/wrong").id),
    "rights": said(at({SFTP.replace("/up/", "/")!r}).begin),
}}))""",
    )
    assert f"is not in {TOP}/empty: put there what 'ssh-keyscan'" in sentence(said["unknown"])
    assert f"has another host key than {TOP}/changed says" in sentence(said["changed"])
    assert "needs a file (backup_known_hosts)" in sentence(said["none"])
    assert f"does not take the key {TOP}/wrong: add its public half" in sentence(said["key"])
    assert "refuses the box" in sentence(said["rights"])


def test_a_wrong_password_is_one_sentence(pi: Any) -> None:
    said = ask(pi, f"print(json.dumps(said(at({REST!r}, password='x').id)))")
    assert "refuses the box: look at hems_backup_account, its password" in sentence(said)


def test_one_that_is_away_or_hangs_is_told(pi: Any) -> None:
    # How long it really waits is in the unit tests: less than a minute.
    pi.check_output(
        "systemd-run -q --collect --unit=hems-test-mute /usr/bin/python3 -c %s",
        f"import socket, time; s = socket.create_server(('127.0.0.1', {MUTE_PORT})); "
        "time.sleep(600)",
    )
    try:
        # All three at once: each waits for its destination.
        said = ask(
            pi,
            f"""
from concurrent.futures import ThreadPoolExecutor
from hems.backup import reach
reach.CONNECT_SECONDS, reach.PATIENCE_SECONDS = 2, 6
places = [{REST!r}.replace("8999", "8990"), {REST!r}.replace("8999", "{MUTE_PORT}"),
          {SFTP!r}.replace("2299", "2290")]
with ThreadPoolExecutor() as pool:
    print(json.dumps(list(pool.map(lambda one: said(at(one).id), places))))""",
        )
    finally:
        pi.run("systemctl stop hems-test-mute")
    for text, why in zip(said, ("refused", "no answer in 2 s", "refused"), strict=True):
        assert "can't be reached (" in sentence(text) and why in text


def test_a_server_that_lets_nothing_be_removed_is_told_and_keeps_all(pi: Any) -> None:
    found = ask(
        pi,
        f"""
from hems.backup import RefusedError
place = at({REST!r})
place.id() or place.begin()
for day in (2, 3):
    add(place, day)
before = len(place.snapshots("hems-a"))
indexes = len(list((TOP / "rest/hems/index").iterdir()))
try:
    place.forget("hems-a")
    refused = ""
except RefusedError as error:
    refused = str(error)
place.check()
print(json.dumps([refused, before, len(place.snapshots("hems-a")), indexes,
                  len(list((TOP / "rest/hems/index").iterdir()))]))""",
    )
    refused, before, after, indexes, indexes_after = found
    assert "lets the box remove no old backups" in sentence(refused)
    assert before >= 2 and after == before
    assert indexes_after == indexes, "a night must leave nothing there that nobody removes"


def test_a_disk_forgets_what_is_not_kept(pi: Any) -> None:
    assert ask(pi, FORGETTING.replace("REPOSITORY", repr(f"{TOP}/disk"))) == ["2026-01-04"]


@pytest.mark.parametrize("repository", [SFTP, REST, f"{TOP}/disk"], ids=["sftp", "rest", "disk"])
@pytest.mark.parametrize("killed", ["backup", "check"])
def test_a_night_that_was_killed_leaves_a_lock_and_the_next_backup_is_made(
    pi: Any, repository: str, killed: str
) -> None:
    # The lock of a check keeps out everybody, and readers too.
    words = {
        "backup": f'["--limit-upload=200", "backup", "--host=hems-a", "--tag=hems", "{TREE}"]',
        "check": '["--limit-download=50", "--no-cache", "check", "--read-data"]',
    }[killed]
    found = ask(
        pi,
        f"""
import signal, subprocess
place = at({repository!r})
place.id() or place.begin()
place.unlock()
def locks():
    return place._run(["list", "locks", "--no-lock"]).out.split()
(TREE / "more").write_bytes(__import__("os").urandom(1_000_000))
add(place, 5)
(TREE / "more").write_bytes(__import__("os").urandom(1_000_000))
with place._ready({words}) as (command, environment):
    running = subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not locks() and time.monotonic() < until:
        time.sleep(0.2)
    running.send_signal(signal.SIGKILL)
    running.wait()
left = len(locks())
stuck = said(place.check)
place.id() and place.snapshots("hems-a")
place.unlock()
one = add(place, 5)
place.check()
(TREE / "more").unlink()
print(json.dumps([left, stuck, len(locks()), sorted(place.copies(one, TREE))]))""",
    )
    left, stuck, after, copies = found
    assert left == 1 and "are in use" in sentence(stuck), "else nothing is shown here"
    assert after == 0 and copies == ["big", "more", "sub/small"]


def test_a_damaged_lock_does_not_end_backups_for_ever(pi: Any) -> None:
    found = ask(
        pi,
        """
place = at(str(TOP / "disk"))
place.id() or place.begin()
(TOP / "disk/locks" / ("a" * 64)).write_bytes(b"half of one")
(TOP / "disk/locks" / ("b" * 64)).write_bytes(b"")
place.unlock()
left = [path.name for path in (TOP / "disk/locks").iterdir()]
add(place, 6)
place.check()
print(json.dumps(left))""",
    )
    assert found == []


def test_an_sftp_server_that_dies_half_way_is_one_sentence_and_the_next_backup_is_made(
    pi: Any,
) -> None:
    try:
        found = ask(
            pi,
            f"""
import os, subprocess, threading
place = at({SFTP!r})
place.id() or place.begin()
place.unlock()
def there():
    return sum(path.stat().st_size for path in (TOP / "chroot/up").rglob("*") if path.is_file())
def end(enough):
    until = time.monotonic() + 120
    while there() < enough and time.monotonic() < until:
        time.sleep(0.02)
    subprocess.run(["systemctl", "kill", "--signal=KILL", "{SSHD}"], check=True)
(TREE / "large").write_bytes(os.urandom({BIG}))
ending = threading.Thread(target=end, args=(there() + 1_000_000,))
ending.start()
begun = time.monotonic()
text = said(add, place, 7)
ending.join()
print(json.dumps([text, time.monotonic() - begun]))""",
        )
    finally:
        pi.check_output(f"rm -f {TREE}/large")
        backup_places.stop(pi, SSHD)
        backup_places.start(pi, SSHD)
    text, seconds = found
    assert "went away while it was used" in sentence(text.replace("; the", ", the"))
    assert seconds < 120
    assert ask(pi, EVERYTHING.replace("REPOSITORY", repr(SFTP))) == ALL_BACK
