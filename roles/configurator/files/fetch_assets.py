# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""Fetch what the editor's page would load from elsewhere, so that the box serves it itself.

``python3 fetch_assets.py assets.json DIRECTORY``: each package of the lock is fetched from the npm
registry, compared with its hash (Subresource Integrity form, as npm states it), and unpacked to
where the page's address of the file below cdnjs.cloudflare.com/ajax/libs/ says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import time
import urllib.request
from pathlib import Path, PurePosixPath

# What a browser of today asks for; fonts come in older forms, too.
KINDS = {".js", ".css", ".woff2"}
ATTEMPTS = 3


def fetch(url: str) -> bytes:
    """Return what the URL holds; tried again, because a house's line is not always good."""
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                content: bytes = answer.read()
                return content
        except OSError as error:
            if attempt == ATTEMPTS - 1:
                message = f"{url} can't be fetched ({error}): look at the box's internet access."
                raise SystemExit(message) from error
            time.sleep(3)
    raise AssertionError


def check(content: bytes, package: dict[str, str]) -> None:
    """Stop with one sentence when the content is not what the lock says."""
    kind, _, expected = package["integrity"].partition("-")
    found = base64.b64encode(hashlib.new(kind, content).digest()).decode()
    if found != expected:
        raise SystemExit(
            f"{package['url']} is not what assets.json says: fetch it again, "
            "or look into who changed it before the hash is changed."
        )


def unpack(content: bytes, package: dict[str, str], directory: Path) -> int:
    """Write the package's files for browsers below the directory; return how many."""
    count = 0
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            inside = member.name.startswith(package["from"]) and ".." not in name.parts
            if not (member.isfile() and inside and name.suffix in KINDS):
                continue
            source = archive.extractfile(member)
            if source is None:
                continue
            target = directory / package["to"] / name.relative_to(package["from"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
            count += 1
    return count


def main() -> None:
    """Run as a command."""
    lock, directory = Path(sys.argv[1]), Path(sys.argv[2])
    for package in json.loads(lock.read_text()):
        content = fetch(package["url"])
        check(content, package)
        if not unpack(content, package, directory):
            raise SystemExit(f"{package['url']} holds nothing below {package['from']}.")


if __name__ == "__main__":
    main()
