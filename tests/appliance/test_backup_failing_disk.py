"""Backups to a disk that fails without vanishing: nbdkit's, whose errors the kernel takes for real.

An ext4 on it is mounted by way of a loop device; each read and write fails while a file is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.appliance import backup_places
from tests.appliance.backup_places import ALL_BACK, EVERYTHING, TOP, TREE, ask, sentence
from tests.appliance.waiting import LONG, wait_until

pytestmark = LONG

SERVER = "hems-test-disk"
RAW, MOUNT, FAILS = f"{TOP}/raw", f"{TOP}/mounted", f"{TOP}/fails"
PLACE = f"{MOUNT}/hems"
MIB = 300


@pytest.fixture(autouse=True)
def disk(pi: Any) -> Iterator[None]:
    """Have a disk that works until a file says that it does not."""
    with backup_places.tree(pi, "nbdkit", "libnbd-bin", "fuse3", "e2fsprogs"):
        pi.check_output(f"mkdir -p {RAW} {MOUNT}")
        try:
            pi.check_output(
                f"systemd-run -q --collect --unit={SERVER} nbdkit --foreground --unix - "
                f"--filter=error memory {MIB}M error=EIO error-rate=100% error-file={FAILS} "
                f"--run 'exec nbdfuse {RAW}/disk $uri'"
            )
            wait_until(lambda: pi.file(f"{RAW}/disk").exists, 60, "the disk is there")
            pi.check_output(f"mkfs.ext4 -qF {RAW}/disk && mount -o loop {RAW}/disk {MOUNT}")
            yield
        finally:
            pi.run(f"rm -f {FAILS}; umount {MOUNT}; umount {RAW}")
            backup_places.stop(pi, SERVER)


def test_it_is_named_at_once_half_way_and_later_and_works_again_once_it_does(pi: Any) -> None:
    half_way, later = ask(
        pi,
        f"""
import os, threading
place = at({PLACE!r})
place.begin()
(TREE / "large").write_bytes(os.urandom(60_000_000))
def fail():
    until = time.monotonic() + 60
    while not list(Path("{PLACE}/locks").iterdir()) and time.monotonic() < until:
        time.sleep(0.01)
    Path({FAILS!r}).touch()
threading.Thread(target=fail).start()
found = []
for day in (1, 2):
    begun = time.monotonic()
    found.append([said(add, place, day), time.monotonic() - begun])
print(json.dumps(found))""",
    )
    for text, seconds in (half_way, later):
        assert f"The disk of {PLACE} fails (" in sentence(text)
        assert seconds < 60, "restic alone tries for a quarter of an hour"
    pi.check_output(f"rm -f {FAILS} {TREE}/large")
    pi.check_output(f"umount {MOUNT} && mount -o loop {RAW}/disk {MOUNT}")
    assert ask(pi, EVERYTHING.replace("REPOSITORY", repr(PLACE))) == ALL_BACK
