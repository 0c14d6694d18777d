"""The repository's own key: made once on this machine, of no worth elsewhere."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.virtual.pi.checkout import CACHE, Failure, only_one

SECRET = CACHE / "apt-repository.key"
NAME = "HEMS test bed, not InfluxData <root@localhost>"


@dataclass(frozen=True)
class Signer:
    """A key in a GnuPG home directory of its own."""

    home: Path
    fingerprint: str

    def public(self) -> bytes:
        """Return the public key, armoured."""
        return gpg(self.home, "--armor", "--export", self.fingerprint)

    def sign(self, text: bytes) -> bytes:
        """Return the text clear-signed, as InRelease is."""
        return gpg(self.home, "--armor", "--clear-sign", data=text)


def gpg(home: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Run gpg and return its output. Raises Failure."""
    command = ["gpg", "--batch", "--quiet", "--no-options", "--homedir", str(home), *arguments]
    try:
        run = subprocess.run(command, input=data, capture_output=True, check=False)
    except FileNotFoundError as missing:
        raise Failure("gpg is missing: apt-get install gpg") from missing
    if run.returncode:
        raise Failure(f"gpg {arguments[0]} failed: {run.stderr.decode(errors='replace').strip()}")
    return run.stdout


@contextmanager
def signer() -> Iterator[Signer]:
    """Give the signer, its key made at first use."""
    # A short path: gpg's agent listens on a socket in its home directory.
    with only_one("apt-repository-key"), tempfile.TemporaryDirectory(prefix="hems-gpg-") as name:
        home = Path(name)
        try:
            if SECRET.exists():
                gpg(home, "--import", data=SECRET.read_bytes())
            else:
                making = [
                    "--passphrase",
                    "",
                    "--quick-generate-key",
                    NAME,
                    "ed25519",
                    "sign",
                    "never",
                ]
                gpg(home, *making)
                SECRET.touch(mode=0o600)
                SECRET.write_bytes(gpg(home, "--armor", "--export-secret-keys"))
            listing = gpg(home, "--with-colons", "--list-secret-keys").decode().splitlines()
            lines = [line.split(":") for line in listing]
            yield Signer(home, next(line[9] for line in lines if line[0] == "fpr"))
        finally:
            stop = ["gpgconf", "--homedir", name, "--kill", "all"]
            subprocess.run(stop, capture_output=True, check=False)
