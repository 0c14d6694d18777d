"""The first release of a box that has nothing but its system: what a new site's card runs.

    python3 -I first-boot.pyz DIRECTORY FIRMWARE

``DIRECTORY`` is root's own: ``update.toml`` as on every box, the signers beside it. ``FIRMWARE``
is the card's FAT partition, which every computer reads: secrets are taken from it before anything
else, and what it had of the site is overwritten once the box is an appliance.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from hems import HemsError, whole_file
from hems.update import play
from hems.update.core import Refused, Ring
from hems.update.git import Repository
from hems.update.look import Looker
from hems.update.state import FILE, load, save
from hems.update.update_settings import Update, read

CARD = "hems-first-boot"  # directory on the FAT partition
SECRETS = "secrets.json"
UNIT = Path("/etc/systemd/system/hems-first-boot.service")
LOCK = "roles/self_update/files/requirements.txt"
NOT_INSTALLED = "not_installed"
INSTALL_SECONDS = 1800.0
PLAY_SECONDS = 4 * 3600.0
# What NoCloud reads again at each start, and must find; nothing of the site is in it any more.
LEFT = {
    "user-data": "#cloud-config\n# This card's site is set up: docs/new_site.md.\n",
    "network-config": "network: {version: 2}\n",
}


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the card brings that nobody else may read."""

    vault_password: str = ""
    deploy_key: str = ""  # for self_update_key
    known_hosts: str = ""  # for self_update_known_hosts


class First(Looker):
    """Nothing is there that could be put back: a play that failed is run again."""

    def not_now(self, ring: Ring) -> str:
        """A new site does not wait for its number, only for a ring that is not halted."""
        if ring.commit == self.state.commit:  # the power went before the card was scrubbed
            return f"This box is on {ring.release}."
        if ring.percentage == 0:
            return f"Ring {ring.ring} is halted: a new site takes nothing until it goes on."
        return ""

    def kept_back(self, repository: Repository, ring: Ring) -> str:
        """Install what the release is played with, from its own lock; then look for the site.

        A hold or a pin keeps a site on what it has, and a new one has nothing.
        """
        lock = repository.file(ring.commit, LOCK)
        install(lock, self.options.ansible.parent)
        play.variables(repository, ring.commit, self.options)
        return ""

    def take(self, ring: Ring, checkout: Path, now: float) -> int:  # noqa: ARG002
        """Play it, and remember it as this box's."""
        print(f"{ring.release}: running its playbook", flush=True)
        wrong = play.play(self.options, checkout, PLAY_SECONDS)
        if wrong:
            self.say(f"{ring.release} is not here yet: {wrong}; it is tried again.", problem=True)
            return 1
        self.remember(release=ring.release, commit=ring.commit)
        self.say(f"This box is on {ring.release} now.")
        return 0


def _run(words: list[str]) -> None:
    subprocess.run(words, timeout=INSTALL_SECONDS, check=True)


def install(lock: bytes, venv: Path) -> None:
    """Install ansible-core as a lock has it, unless it is there. Raises Refused."""
    mark = venv / "installed"
    digest = hashlib.sha256(lock).hexdigest()
    if mark.is_file() and mark.read_text(encoding="ascii") == digest:
        return
    pip = ["-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
    pip += ["--no-deps", "--only-binary", ":all:", "--requirement", str(venv / "requirements.txt")]
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(venv)])
        whole_file.write(venv / "requirements.txt", lock)
        _run([str(venv / "bin/python"), *pip])
    except subprocess.SubprocessError as error:
        sentence = "ansible-core can't be installed: check the network and the card's space."
        raise Refused(NOT_INSTALLED, sentence) from error
    whole_file.write(mark, digest)


def take_secrets(directory: Path, firmware: Path, options: Update) -> None:
    """Bring the secrets from the FAT partition to root's own files, and overwrite them there."""
    file = firmware / CARD / SECRETS
    if not file.is_file():
        return
    secrets = msgspec.json.decode(file.read_bytes(), type=Secrets)
    wanted = {
        str(directory / play.VAULT): secrets.vault_password,
        options.server.key: secrets.deploy_key,
        options.server.known_hosts: secrets.known_hosts,
    }
    for name, content in wanted.items():
        if name and content:
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_file.write(path, content.rstrip("\n") + "\n", mode=0o600)
    os.sync()
    overwrite(file)
    file.unlink()


def overwrite(path: Path) -> None:
    """Write zeros over a file's content where it stands, so that undeleting it shows none."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def scrub(firmware: Path) -> None:
    """Take everything of the site off the FAT partition; may be repeated. Raises OSError."""
    for name, text in LEFT.items():
        path = firmware / name
        if path.is_file() and path.read_text(encoding="utf-8") != text:
            overwrite(path)
            path.write_text(text, encoding="utf-8")
    shutil.rmtree(firmware / CARD, ignore_errors=True)
    os.sync()


def forget(directory: Path, unit: Path = UNIT) -> None:
    """Remove what only the first boot needs, this program too. Raises OSError.

    The unit stays until only what another try needs is left: this may be cut short.
    """
    (directory / play.VAULT).unlink(missing_ok=True)
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    subprocess.run(["systemctl", "disable", "--quiet", unit.name], check=False)
    unit.unlink(missing_ok=True)
    shutil.rmtree(directory)


def main() -> int:
    """Make the box an appliance; 0 when it is one."""
    directory, firmware = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ[play.CREDENTIALS] = str(directory)
    try:
        options = read(directory)
        options.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        take_secrets(directory, firmware, options)
        first = First(options)
        if not (options.directory / FILE).exists():
            save(options.directory, load(directory))  # when the card was written
        first.state = load(options.directory)
        if first.look(options.server.source) or not first.state.release:
            return 1
        scrub(firmware)
        forget(directory)
    except (HemsError, OSError, msgspec.MsgspecError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
