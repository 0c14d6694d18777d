# Copyright (c) 2026 SmartCORE HEMS contributors
# SPDX-License-Identifier: MIT
"""What Ansible loads of playbooks/preflight for the inventory's files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

ROOT = Path(__file__).resolve().parents[2]
# Ansible imports a plugin by its file alone: what it needs must be found from the repository's top.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from playbooks.preflight import fleet, sources  # noqa: E402

DOCUMENTATION = """
name: inventory_problems
author: SmartCORE HEMS contributors
version_added: 0.1.0
short_description: One sentence for each thing that is wrong with the inventory's files
description:
  - Looks at all files of C(group_vars) and C(host_vars) before Ansible reads those of a host.
options: {}
"""

EXAMPLES = """
- name: Refuse an inventory that can't work
  ansible.builtin.assert:
    that: query('inventory_problems') | length == 0
"""

RETURN = """
_raw:
  description: The sentences; none when nothing is wrong.
  type: list
  elements: str
"""


class LookupModule(LookupBase):
    """Look at every file that a play could read."""

    def run(
        self,
        terms: list[str],  # noqa: ARG002 (Ansible's interface)
        variables: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> list[str]:
        """Return the sentences."""
        given = variables or {}
        limit = str(given.get("ansible_limit", "")).replace(":", ",").split(",")

        def decrypt_problem(path: Path, owner: str) -> str:
            with path.open(encoding="utf-8") as stream:
                if not stream.readline().startswith(sources.ENCRYPTED):
                    return ""
            if any(limit) and owner not in {*limit, *given["groups"]}:
                return ""  # another site's: this play does without it
            try:
                self._loader.load_from_file(str(path))
            except AnsibleError as error:
                name = sources.shown(path, Path.cwd())
                if "no vault secrets found" in str(error):
                    return f"{name} is encrypted: give the Vault's password (--ask-vault-pass)."
                return f"{name} can't be decrypted with this Vault password, or is no YAML inside."
            return ""

        return fleet.inventory_problems(
            given.get("ansible_inventory_sources") or (),
            given["groups"],
            Path.cwd(),
            decrypt_problem,
        )
