"""Root's work in a service's directory is done with that service's rights and no others."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.modules import ROOT, load_module

module = load_module("playbooks/module_utils/as_user.py")
ME = pwd.getpwuid(os.geteuid()).pw_name
OTHER = "nobody"

# Run by sudo where these tests are not root's: a user namespace's root has no other user to become.
ROOTS = """
import os, pathlib, shutil, sys, tempfile
sys.path.insert(0, sys.argv[1])
from as_user import as_user, read_text
top = pathlib.Path(tempfile.mkdtemp())
top.chmod(0o755)
mine = top / "mine"
mine.mkdir()
mine.chmod(0o777)
secret = top / "secret"
secret.write_text("root's")
secret.chmod(0o600)
print(as_user("nobody", lambda: [os.getuid(), os.getgid(), os.getgroups(), os.getcwd()]))
try:
    as_user("nobody", lambda: os.setuid(0))
except PermissionError as error:
    print("no way back")
(mine / "link").symlink_to(secret)
try:
    read_text("nobody", mine / "link")
except PermissionError as error:
    print("read", error.filename == str(mine / "link"))
try:
    as_user("nobody", lambda: (mine / "link").write_text("x"))
except PermissionError:
    print("written", secret.read_text())
os.mkfifo(mine / "pipe")
os.chmod(mine / "pipe", 0o666)
try:
    as_user("nobody", lambda: (mine / "pipe").read_text(), seconds=0.5)
except TimeoutError as error:
    print(error)
try:
    as_user("nobody", lambda: os._exit(3))
except OSError as error:
    print(error)
print(read_text("nobody", top / "none"))
print(as_user("nobody", lambda: "x" * 300000) == "x" * 300000)
shutil.rmtree(top)
"""


def test_it_is_that_user_for_good() -> None:
    command = [] if os.geteuid() == 0 else ["sudo", "-n", "--"]
    library = str(ROOT / "playbooks/module_utils")
    done = subprocess.run(
        [*command, sys.executable, "-c", ROOTS, library],
        capture_output=True,
        text=True,
        check=False,
    )
    nobody = pwd.getpwnam(OTHER)
    ids = [nobody.pw_uid, nobody.pw_gid, os.getgrouplist(OTHER, nobody.pw_gid), "/"]
    assert done.stdout.splitlines() == [
        str(ids),
        "no way back",
        "read True",
        "written root's",
        "work as user nobody took more than 0 s: look for a pipe or a device among its files",
        "the work as user nobody ended without an answer",
        "None",
        "True",
    ], done.stderr


def test_who_is_that_user_already_just_does_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("ä")
    assert module.as_user(ME, os.getpid) == os.getpid()
    assert module.read_text(ME, tmp_path / "file") == "ä"
    assert module.read_text(ME, tmp_path / "none") is None


def test_an_unknown_user_is_named() -> None:
    with pytest.raises(KeyError, match="hems-no-such-user"):
        module.as_user("hems-no-such-user", os.getpid)
