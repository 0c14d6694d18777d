"""The repository's files: pool, Packages and the signed InRelease."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from tests.virtual.apt_repository.packages import Package
from tests.virtual.apt_repository.signing import Signer

SUITE = "stable"
COMPONENT = "main"
KEY = "influxdata-test.asc"
MADE_OF = "made-of"  # in the repository: its packages with their hashes, and its key


def digest(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stanza(package: Package, filename: str, size: int, sha256: str) -> str:
    """Return the package's paragraph of the index."""
    return f"{package.control}\nFilename: {filename}\nSize: {size}\nSHA256: {sha256}\n"


def release(files: Mapping[str, bytes], architecture: str, date: str) -> str:
    """Return the Release file for the index files by their path below dists/<suite>."""
    hashes = "".join(
        f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n"
        for name, data in sorted(files.items())
    )
    return (
        f"Origin: HEMS test bed\nLabel: HEMS test bed\nSuite: {SUITE}\nCodename: {SUITE}\n"
        f"Date: {date}\nArchitectures: {architecture}\nComponents: {COMPONENT}\nSHA256:\n{hashes}"
    )


def write(directory: Path, packages: list[Package], signer: Signer) -> None:
    """Fill the directory; it is changed only when the packages or the key are others."""
    pool = directory / "pool"
    entries = []
    for package in packages:
        filename = f"pool/{package.path.name}"
        size, sha256 = package.path.stat().st_size, digest(package.path)
        entries.append(stanza(package, filename, size, sha256))
    stamp = directory / MADE_OF
    made_of = "\n".join([*entries, signer.fingerprint])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of:
        return
    stamp.unlink(missing_ok=True)
    for old in (pool, directory / "dists"):
        shutil.rmtree(old, ignore_errors=True)
    pool.mkdir(parents=True)
    for package in packages:
        shutil.copy(package.path, pool)
    architecture = packages[0].fields["Architecture"]
    index = "\n".join(entries).encode()
    name = f"{COMPONENT}/binary-{architecture}/Packages"
    files = {name: index, f"{name}.gz": gzip.compress(index, mtime=0)}
    suite = directory / "dists" / SUITE
    for path, data in files.items():
        (suite / path).parent.mkdir(parents=True, exist_ok=True)
        (suite / path).write_bytes(data)
    text = release(files, architecture, formatdate(usegmt=True)).encode()
    (suite / "InRelease").write_bytes(signer.sign(text))
    (directory / KEY).write_bytes(signer.public())
    stamp.write_text(made_of, encoding="utf-8")
