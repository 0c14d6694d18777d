# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""The hems package's source as one argument, under a version that its content decides."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: hems_source
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: Pack the hems package's source for the module hems_release
description:
  - Reads C(requirements.txt) and C(src/hems/) below the given directory on the controller.
  - Equal files give an equal version and an equal archive, whatever their times and the machine.
options:
  _terms:
    type: list
    elements: str
    description: The package's directory, the one with C(pyproject.toml).
    required: true
"""

EXAMPLES = r"""
- name: Show the version that would be installed
  ansible.builtin.debug:
    msg: "{{ lookup('hems_source', 'files/hems').version }}"
"""

RETURN = r"""
_list:
  description: A mapping with C(version) (C(<version>-<hash>)) and C(archive) (a base64 zip).
  type: list
  elements: dict
"""

DIGITS = 12
EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment


def source_files(directory: Path) -> dict[str, bytes]:
    """Return what is installed, by path below ``directory``; what tools leave there stays behind.

    Raises FileNotFoundError where the package is not.
    """
    names = ["requirements.txt"]
    for path in sorted((directory / "src/hems").rglob("*")):
        name = path.relative_to(directory)
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in name.parts):
            names.append(name.as_posix())
    return {name: (directory / name).read_bytes() for name in names}


def version_of(files: dict[str, bytes]) -> str:
    """Return ``<__version__>-<hash of names and contents>``.

    Raises ValueError when the package does not say its version.
    """
    told = re.search(rb'^__version__ = "([\w.]+)"$', files["src/hems/__init__.py"], re.MULTILINE)
    if told is None:
        raise ValueError("src/hems/__init__.py has no line '__version__ = \"…\"'")
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        for part in (name.encode(), content):
            digest.update(f"{len(part)}:".encode() + part)
    return f"{told[1].decode()}-{digest.hexdigest()[:DIGITS]}"


def pack(files: dict[str, bytes]) -> str:
    """Return the files as a base64 zip that is the same each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return base64.b64encode(buffer.getvalue()).decode()


class LookupModule(LookupBase):
    """``lookup('hems_source', DIRECTORY)``."""

    def run(self, terms: list[str], *_: Any, **__: Any) -> list[dict[str, str]]:
        """Pack each directory."""
        packed = []
        for term in terms:
            try:
                files = source_files(Path(str(term)))
                packed.append({"version": version_of(files), "archive": pack(files)})
            except (OSError, KeyError, ValueError) as error:
                message = (
                    f"The hems package is not complete in {term} ({error}): check it out again."
                )
                raise AnsibleLookupError(message) from error
        return packed
