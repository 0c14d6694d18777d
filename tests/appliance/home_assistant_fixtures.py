"""Fixtures of the tests that talk to Home Assistant: ``pytest_plugins`` names this module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.home_assistant_client import Converge, HomeAssistant, this_pi, tunnel
from tests.virtual.pi.checkout import ROOT

ROLE = """
- hosts: hems
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.import_role:
        name: home_assistant
"""
UNDER_THE_LOCK = """
- hosts: hems
  become: true
  gather_facts: false
  tasks:
    - appliance_lock:
        path: "{{ hems_path_lock }}"
    - block:
        - ansible.builtin.import_role:
            name: home_assistant
      always:
        - appliance_lock:
            path: "{{ hems_path_lock }}"
            state: free
"""


@pytest.fixture(scope="module")
def home_assistant(site: dict[str, Any], secret: Callable[[str], str]) -> Iterator[HomeAssistant]:
    """Home Assistant on the converged Pi, ready."""
    with tunnel(this_pi(), site["hems_port_home_assistant"]) as port:
        client = HomeAssistant(port, secret("home_assistant_token"))
        client.wait_until_ready()
        yield client


@pytest.fixture(scope="session")
def converge(tmp_path_factory: pytest.TempPathFactory) -> Converge:
    """Runs the role home_assistant once more; arguments go to Ansible.

    As in site.yml it is done under the appliance's lock, unless it is said otherwise.
    """
    directory = tmp_path_factory.mktemp("play")

    def run(
        *arguments: str, check: bool = True, locked: bool = True
    ) -> subprocess.CompletedProcess[str]:
        playbook = directory / ("locked.yml" if locked else "role.yml")
        playbook.write_text(UNDER_THE_LOCK if locked else ROLE)
        command = [sys.executable, "-m", "tests.virtual.pi", "play", this_pi().name]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        result = subprocess.run(
            [*command, str(playbook), *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    return run
