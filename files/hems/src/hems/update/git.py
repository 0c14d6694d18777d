"""Fetch what the fleet's server has, and verify it before anything of it is used.

Nothing that the server sends is believed by itself: it lands in a bare repository that nobody runs
anything from, in a bounded size and time, and only what a known signer has signed is read further.
Tags are verified by ``git verify-tag``, ring files by ``ssh-keygen -Y verify``; see
gitformat-signature(5) and "ALLOWED SIGNERS" in ssh-keygen(1).
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hems.update.core import (
    MALFORMED,
    MOVED,
    NAMESPACE,
    OTHER_COMMIT,
    UNREACHABLE,
    UNSIGNED,
    WRONGLY_SIGNED,
    Refused,
    Ring,
    parse,
    path_of,
)

RINGS = "rings"  # the branch with the ring files, and their directory in it
PACK_BYTES = 256 * 1024 * 1024  # of one fetch; the repository itself is some megabytes
MEMORY_BYTES = 256 * 1024 * 1024  # of one program: a small pack may ask for any amount of it
FILE_BYTES = 64 * 1024  # of a ring file, a signature or a tag
FETCH_SECONDS = 900.0
SECONDS = 60.0
SSH_SIGNATURE = b"-----BEGIN SSH SIGNATURE-----"

# Nothing of the machine's or the user's own git counts, and no program but ssh-keygen is run.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.unpackLimit": "1",  # one pack, so that one limit bounds it
    "gc.auto": "0",
    "gpg.program": "/bin/false",
    "gpg.x509.program": "/bin/false",
    "gpg.minTrustLevel": "fully",  # a good signature of somebody unknown is none
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",  # bytes a second …
    "http.lowSpeedTime": "60",  # … or less for so many seconds ends it
    "protocol.allow": "never",
    "submodule.recurse": "false",
}


class GitError(Exception):
    """A git command failed; the text is what it said."""


@dataclass(frozen=True)
class Source:
    """Where releases come from: https://…, ssh://…, or the path of a bundle or repository."""

    url: str
    key: Path | None = None  # ssh: the private key, read-only on the server
    known_hosts: Path | None = None  # ssh: the server's own key
    authority: Path | None = None  # https: a CA's certificate in place of the system's
    settings: Mapping[str, str] = field(default_factory=dict)  # git's, for this source

    def options(self) -> dict[str, str]:
        """Return git's settings that let it speak to this source and to no other kind."""
        kind = self.url.partition("://")[0] if "://" in self.url else "file"
        if kind not in ("https", "ssh", "file"):
            sentence = f"Releases can't come from {self.url}: give an https:// or ssh:// address."
            raise Refused(UNREACHABLE, sentence)
        found = {f"protocol.{kind}.allow": "always", **self.settings}
        if self.authority:
            found["http.sslCAInfo"] = str(self.authority)
        if kind == "ssh":
            words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"]
            words += ["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]
            words += [f"-i {self.key}"] if self.key else []
            words += [f"-o UserKnownHostsFile={self.known_hosts}"] if self.known_hosts else []
            found["core.sshCommand"] = " ".join(words)
        return found


@dataclass(frozen=True)
class Repository:
    """A repository that is only read from: a bare one of our own, or an operator's checkout."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> Repository:
        """Return a new, empty, bare repository; ``path`` must not exist.

        Raises GitError.
        """
        made = cls(path)
        _run(["git", "init", "--quiet", "--bare", "--template=", str(path)], path.parent)
        return made

    def git(
        self,
        *words: str,
        options: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
        limit: int = PACK_BYTES,
    ) -> bytes:
        """Run git in the repository and return its output. Raises GitError."""
        settings = {**SETTINGS, **(options or {})}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return _run(["git", *flags, *words], self.path, seconds=seconds, limit=limit)

    def fetch(self, source: Source, ref: str, limit: int = PACK_BYTES) -> None:
        """Fetch one ref under its own name, without history. Raises Refused."""
        depth = [] if Path(source.url).is_file() else ["--depth=1"]  # a bundle has no choice
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *depth]
        try:
            self.git(
                *words,
                _address(source.url),
                f"+{ref}:{ref}",
                options=source.options(),
                seconds=FETCH_SECONDS,
                limit=limit,
            )
        except GitError as error:
            name = ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")
            sentence = (
                f"{name} can't be fetched from {source.url} ({error}): check the network, the "
                "address and the server."
            )
            raise Refused(UNREACHABLE, sentence) from error

    def file(self, ref: str, path: str) -> bytes:
        """Return a small file of a commit. Raises Refused when it is not there or too large."""
        name = f"{ref}:{path}"
        try:
            size = int(self.git("cat-file", "-s", name))
            if size <= FILE_BYTES:
                return self.git("cat-file", "blob", name)
        except GitError as error:
            sentence = f"There is no {path} on the server: promote a release to the ring."
            raise Refused(MALFORMED, sentence) from error
        raise Refused(MALFORMED, f"{path} has {size} bytes, which no ring file has: promote again.")

    def ring(self, ring: str, signers: Path, ref: str = f"refs/heads/{RINGS}") -> Ring:
        """Return a ring's file, its signature verified. Raises Refused."""
        path = path_of(ring)
        content = self.file(ref, path)
        try:
            signature = self.file(ref, f"{path}.sig")
        except Refused as error:
            sentence = f"The file of ring {ring} is not signed: promote with playbooks/promote.yml."
            raise Refused(UNSIGNED, sentence) from error
        verify(content, signature, signers, f"The file of ring {ring}")
        return parse(content, ring)

    def release(self, name: str, signers: Path) -> str:
        """Return the commit of a release, its tag's signature verified. Raises Refused."""
        ref = f"refs/tags/{name}"
        try:
            kind = self.git("cat-file", "-t", ref).strip()
            size = int(self.git("cat-file", "-s", ref))
            tag = self.git("cat-file", "tag", ref) if kind == b"tag" and size < FILE_BYTES else b""
        except GitError as error:
            raise Refused(UNREACHABLE, f"There is no release {name} ({error}).") from error
        if SSH_SIGNATURE not in tag:
            sentence = f"Release {name} is not signed: make releases with playbooks/release.yml."
            raise Refused(UNSIGNED, sentence)
        lines = tag.partition(b"\n\n")[0].decode("utf-8", "replace").splitlines()
        header = dict(line.partition(" ")[::2] for line in reversed(lines))
        # git verifies what is signed, and does not look under which name it is shown.
        if header.get("tag") != name:
            sentence = f"Release {name} is the tag of {header.get('tag')} under another name."
            raise Refused(MOVED, f"{sentence[:-1]}: somebody changed it on the server.")
        options = {"gpg.ssh.allowedSignersFile": str(signers), "gpg.format": "ssh"}
        try:
            self.git("verify-tag", ref, options=options)
        except GitError as error:
            raise Refused(WRONGLY_SIGNED, _stranger(f"Release {name}", str(error))) from error
        if header.get("type") != "commit":
            raise Refused(MALFORMED, f"Release {name} is a tag of no commit: make it again.")
        return header["object"]

    def release_of(self, ring: Ring, signers: Path) -> str:
        """Return the commit of a ring's release. Raises Refused, also when it is another's."""
        commit = self.release(ring.release, signers)
        if commit != ring.commit:
            raise Refused(
                OTHER_COMMIT,
                f"Release {ring.release} is {commit[:12]}, but the file of ring {ring.ring} says "
                f"{ring.commit[:12]}: a release never moves; make one with a name of its own.",
            )
        return commit


def verify(content: bytes, signature: bytes, signers: Path, what: str) -> str:
    """Return who of the ``signers`` has signed ``content`` for a ring. Raises Refused.

    ``what`` begins the sentence of a refusal.
    """
    with tempfile.NamedTemporaryFile(suffix=".sig") as file:
        file.write(signature)
        file.flush()
        base = ["ssh-keygen", "-Y"]
        where = ["-f", str(signers), "-s", file.name]
        try:
            found = _run([*base, "find-principals", *where], Path("/")).decode().split("\n")
            _run([*base, "verify", "-n", NAMESPACE, "-I", found[0], *where], Path("/"), content)
        except GitError as error:
            raise Refused(WRONGLY_SIGNED, _stranger(what, str(error))) from error
    return found[0]


def _stranger(what: str, said: str) -> str:
    return (
        f"{what} is not signed by one of the fleet's signers ({said}): sign it with a key of "
        "hems_fleet_signers."
    )


def _address(url: str) -> str:
    """A path is told as such, else a name with a colon in it would be a host."""
    return url if "://" in url else f"file://{Path(url).absolute()}" if Path(url).is_dir() else url


def _run(
    command: Sequence[str],
    where: Path,
    given: bytes = b"",
    seconds: float = SECONDS,
    limit: int = PACK_BYTES,
) -> bytes:
    """Run a command without the caller's settings, in bounded time and memory.

    No file grows past ``limit`` bytes.

    Raises GitError.
    """
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
    }
    # What a server may send is bounded by the kernel: the file of a longer pack is not written.
    bounds = [f"--fsize={limit}", f"--data={MEMORY_BYTES}", "--core=0"]
    process = subprocess.Popen(
        ["prlimit", *bounds, "--", *command],
        cwd=where,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # with its helpers, it is ended as a whole
        restore_signals=False,  # a file that is too large is said to be so, and kills nobody
    )
    try:
        out, err = process.communicate(given, timeout=seconds)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise GitError(f"it took more than {seconds:.0f} s") from error
        raise
    if process.returncode:
        raise GitError(_said(out + err) or f"{command[0]} ended with {process.returncode}")
    return out


def _said(output: bytes) -> str:
    """Return a program's complaint as one short line."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    told = [line.removeprefix("fatal: ").removeprefix("error: ") for line in lines if line]
    return "; ".join(told)[-300:].rstrip(".")
