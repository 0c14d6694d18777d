"""What the editor's page needs is fetched by its hash and put where the page asks for it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.unit.modules import ROOT, load_module

module = load_module("roles/configurator/files/fetch_assets.py")
LOCK = json.loads((ROOT / "roles/configurator/files/assets.json").read_text())


def archive(files: dict[str, bytes]) -> bytes:
    """Return a package of the npm registry."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package(content: bytes) -> dict[str, str]:
    """Return a lock's entry for the content."""
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return {
        "url": "https://registry.example/a.tgz",
        "integrity": f"sha512-{digest}",
        "from": "package/dist/",
        "to": "a/1.0/",
    }


def test_only_what_a_browser_asks_for_is_unpacked(tmp_path: Path) -> None:
    content = archive(
        {
            "package/dist/a.js": b"js",
            "package/dist/css/a.css": b"css",
            "package/dist/a.ttf": b"old",
            "package/src/b.js": b"no",
            "package/dist/../../../out.js": b"no",
        }
    )
    assert module.unpack(content, package(content), tmp_path) == 2
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"a/1.0/a.js", "a/1.0/css/a.css"}


def test_a_changed_package_is_refused() -> None:
    module.check(b"as locked", package(b"as locked"))
    with pytest.raises(SystemExit, match=r"is not what assets.json says"):
        module.check(b"changed", package(b"as locked"))


def test_a_bad_line_is_tried_again_and_then_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(url: str, **_: Any) -> None:
        tries.append(url)
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(module.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    with pytest.raises(SystemExit, match="look at the box's internet access"):
        module.fetch("https://registry.example/a.tgz")
    assert len(tries) == module.ATTEMPTS


def test_a_package_without_its_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = archive({"package/readme.md": b"x"})
    lock = tmp_path / "assets.json"
    lock.write_text(json.dumps([package(content)]))
    monkeypatch.setattr(module, "fetch", lambda _: content)
    monkeypatch.setattr(sys, "argv", ["fetch_assets.py", str(lock), str(tmp_path / "assets")])
    with pytest.raises(SystemExit, match="holds nothing below package/dist/"):
        module.main()


def test_each_address_of_the_lock_says_its_version() -> None:
    for entry in LOCK:
        version = entry["to"].split("/")[1]
        assert entry["url"].endswith(f"-{version}.tgz")
        assert entry["integrity"].startswith("sha512-")
