"""Debian's updates of packages: what is offered, its installation, and the versions before.

The archives' own keys sign them; here it is only decided whose are taken, and that what was
installed can come back without network: each package is packed again, as it is, before it changes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hems import HemsError, whole_file

SECONDS = 3600.0  # that one command may take
KEPT = "kept.json"
RESTARTING = ("linux-image-", "raspi-firmware", "rpi-eeprom")  # take effect at the next boot alone
# "Inst name [old] (new Label:version/archive, Label:archive [architecture])"; a new one has no old
INSTALLED = re.compile(
    r"Inst (?P<name>\S+) (?:\[(?P<old>\S+)\] )?\((?P<new>\S+) (?P<sources>.+?) \[\S+\]\)"
)
APT = (
    *("apt-get", "--quiet", "--assume-yes", "--no-install-recommends", "--no-remove"),
    *("-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"),
    # an engineer's own changes of a package's settings stay
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
)
PLAIN = {
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "DPKG_DEB_COMPRESSOR_TYPE": "none",  # packed to be dropped soon: time counts, not size
}
DPKG = ("dpkg", "--force-confdef", "--force-confold", "--force-downgrade", "--force-depends")


@dataclass(frozen=True)
class Package:
    """One that would be installed."""

    name: str
    old: str  # version; empty: it is not there yet
    new: str
    labels: tuple[str, ...] = ()  # of the archives that have it

    def __str__(self) -> str:
        return f"{self.name}={self.new}"


class Kept(msgspec.Struct, frozen=True):
    """What the packed packages do not say."""

    came: tuple[str, ...]  # names of those that were not there before
    automatic: tuple[str, ...]  # names of those that only others needed


def planned(told: str) -> tuple[Package, ...]:
    """Return what ``apt-get --simulate`` would install. Pure."""
    found = []
    for line in told.splitlines():
        if match := INSTALLED.match(line):
            sources = match["sources"].split(", ")
            labels = tuple(one.partition(":")[0] for one in sources)
            found.append(Package(match["name"], match["old"] or "", match["new"], labels))
    return tuple(found)


def wanted(offered: Iterable[Package], labels: Collection[str]) -> tuple[Package, ...]:
    """Return the newer versions of what is installed, from the archives with a label. Pure."""
    return tuple(one for one in offered if one.old and not set(labels).isdisjoint(one.labels))


def identity(packages: Iterable[Package]) -> str:
    """Return what a set of packages is known by. Pure."""
    return hashlib.sha256("\n".join(sorted(map(str, packages))).encode()).hexdigest()


def _run(words: Sequence[str], directory: Path | None = None, *, fine: bool = False) -> str:
    """Run a command and return what it printed. Raises HemsError."""
    try:
        process = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **PLAIN},
            cwd=directory or Path("/"),
            start_new_session=True,
        )
        try:
            told, errors = process.communicate(timeout=SECONDS)
        except BaseException:  # with what it has begun, a package's own script for example
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HemsError(f"'{words[0]}' can't be run or does not end: {error}.") from error
    if process.returncode and not fine:
        lines = (told + errors).splitlines()
        said = [line for line in lines if line.startswith(("dpkg: error", "E:"))]
        last = said or errors.strip().splitlines() or ["it does not say why"]
        raise HemsError(f"'{words[0]} {_verb(words)}' failed: {last[0]}")
    return told


def _verb(words: Sequence[str]) -> str:
    return next((one for one in words[1:] if one.isalpha()), "")


def refresh() -> None:
    """Fetch the archives' lists. Raises HemsError, also when one of them can't be reached."""
    _run([*APT, "-o", "APT::Update::Error-Mode=any", "update"])


def offered(labels: Collection[str]) -> tuple[Package, ...]:
    """Return what newer versions the archives with a label have. Raises HemsError."""
    return wanted(planned(_run([*APT, "--simulate", "--with-new-pkgs", "upgrade"])), labels)


def complete(chosen: Sequence[Package]) -> tuple[Package, ...]:
    """Return these and what they need besides. Raises HemsError when they can't be installed."""
    return planned(_run([*APT, "--simulate", "install", *map(str, chosen)]))


def download(chosen: Sequence[Package]) -> None:
    """Have all of it on the card before anything changes. Raises HemsError."""
    _run([*APT, "--download-only", "install", *map(str, chosen)])


def size(packages: Iterable[Package]) -> int:
    """Return how many bytes the installed versions take. Raises HemsError."""
    names = [one.name for one in packages if one.old]
    return sum(int(line) * 1024 for line in _installed("${Installed-Size}", names).split())


def keep(packages: Sequence[Package], directory: Path) -> None:
    """Pack what is installed of them into a new directory. Raises HemsError and OSError."""
    directory.mkdir(mode=0o700)
    names = [one.name for one in packages if one.old]
    own = changed_settings(_run(["dpkg-query", "--show", "--showformat=${Conffiles}\n", *names]))
    _run(["dpkg-repack", "--generate", *names], directory)
    for root in directory.glob("dpkg-repack.*"):
        _leave_out(root, own)
        _run(["dpkg-deb", "--build", str(root), str(directory)])
        shutil.rmtree(root)
    automatic = set(_run(["apt-mark", "showauto"]).split())
    kept = Kept(
        tuple(one.name for one in packages if not one.old),
        tuple(name for name in names if name.partition(":")[0] in automatic),
    )
    whole_file.write(directory / KEPT, msgspec.json.encode(kept))


def changed_settings(conffiles: str, top: Path = Path("/")) -> set[str]:
    """Return the packages' settings that are not as the packages brought them, or removed.

    ``conffiles``: dpkg's lines of path and MD5 sum.
    """
    found = set()
    for line in filter(None, conffiles.splitlines()):
        path, digest = line.split()[:2]
        file = top / path.lstrip("/")
        content = file.read_bytes() if file.is_file() else None
        if content is None or hashlib.md5(content, usedforsecurity=False).hexdigest() != digest:
            found.add(path)
    return found


def _leave_out(root: Path, paths: Collection[str]) -> None:
    """Take settings that were changed on the box out of a package that is about to be packed.

    They stay on the card in any case. In the package they would pass for its author's own, and its
    next version would overwrite them.
    """
    conffiles = root / "DEBIAN/conffiles"
    if not conffiles.is_file():
        return
    lines = conffiles.read_text(encoding="utf-8").splitlines()
    for path in filter(lambda line: line in paths, lines):
        (root / path.lstrip("/")).unlink(missing_ok=True)
    left = [f"{line}\n" for line in lines if line not in paths]
    conffiles.write_text("".join(left), encoding="utf-8")


def install(chosen: Sequence[Package], directory: Path) -> str:
    """Install them as one step; return why that failed, or an empty text."""
    try:
        _run([*APT, "--no-download", "install", *map(str, chosen)])
        _mark_automatic(directory)
    except (HemsError, OSError) as error:
        return str(error)
    return ""


def put_back(directory: Path) -> None:
    """Install the versions that were kept, as far as they differ; may be repeated.

    Also after a power cut in the middle of dpkg's work. Raises HemsError and OSError.
    """
    if not (directory / KEPT).is_file():
        return
    kept = msgspec.json.decode((directory / KEPT).read_bytes(), type=Kept)
    other = [path for path in sorted(directory.glob("*.deb")) if _differs(path)]
    if other:
        # Not by apt, which would first let the new versions finish what they were stopped at.
        _run([*DPKG, "--install", *map(str, other)], fine=True)
        _run(["dpkg", "--configure", "--pending"], fine=True)
    if kept.came:
        _run([*DPKG, "--purge", *kept.came], fine=True)
    _mark_automatic(directory)
    if names := [path.name for path in other if _differs(path)]:
        raise HemsError(f"these packages could not be put back: {', '.join(names)}")


def _mark_automatic(directory: Path) -> None:
    """Have those that only others needed be called so again: to name one calls it wanted."""
    kept = msgspec.json.decode((directory / KEPT).read_bytes(), type=Kept)
    if kept.automatic:
        _run(["apt-mark", "auto", *kept.automatic])


def _differs(archive: Path) -> bool:
    shown = "${Package}:${Architecture} ${Version}"
    name, version = _run(["dpkg-deb", "--show", f"--showformat={shown}", str(archive)]).split()
    return _installed("${Version}", [name.removesuffix(":all")]) != version


def _installed(field: str, names: Sequence[str]) -> str:
    """Return a field of each that is wholly installed, a line for each."""
    shown = f"${{db:Status-Abbrev}} {field}\\n"
    told = _run(["dpkg-query", "--show", f"--showformat={shown}", "--", *names], fine=True)
    lines = [line.split(maxsplit=1) for line in told.splitlines()]
    return "\n".join(one[1] for one in lines if one[0] in ("ii", "hi") and len(one) > 1)


def wants_restart(packages: Iterable[str], processes: Path = Path("/proc")) -> bool:
    """Whether they take effect only when the box is restarted.

    ``packages``: names, or names with versions. A kernel does, and whatever a program still has
    in memory as it was before.
    """
    if any(name.startswith(RESTARTING) for name in packages):
        return True
    for maps in processes.glob("[0-9]*/maps"):
        if maps.parent.name == str(os.getpid()):
            continue
        try:
            text = maps.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        if any(is_replaced(line) for line in text.splitlines()):
            return True
    return False


def is_replaced(line: str) -> bool:
    """Whether a line of ``/proc/PID/maps`` is a package's file that is another by now. Pure."""
    path = line.split(maxsplit=5)[-1]
    is_packaged = path.startswith(("/usr/", "/lib/")) and not path.startswith("/usr/local/")
    return is_packaged and path.endswith(" (deleted)")
