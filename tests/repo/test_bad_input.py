"""A site's mistake stops the play in its first seconds, before any Pi is spoken to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.checkout import ROOT


def ansible(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs on the repository."""
    return subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"hems_ring": "beta"}, "hems_ring must be one of canary, early, stable."),
        (
            {"hems_time_zone": "Cork"},
            "hems_time_zone must be an IANA time zone such as Europe/Dublin.",
        ),
        ({"hems_port_http": 443}, "give each its own port."),
        ({"hems_secret_influxdb_password": "alllowercase"}, "(InfluxDB refuses it)."),
        (
            {"hems_secret_owner_password": ""},
            "hems_secret_owner_password must have 8 to 72 characters",
        ),
    ],
)
def test_the_play_stops_with_the_sentence(variables: dict[str, object], sentence: str) -> None:
    command = [
        "ansible-playbook",
        "--inventory=inventory/pilot",
        "playbooks/site.yml",
        "--limit=cork_01",
    ]
    run = ansible(*command, f"--extra-vars={json.dumps(variables)}")
    assert run.returncode == 2
    assert sentence in " ".join(run.stdout.split())
    assert "Gather the few facts" not in run.stdout, "a Pi was spoken to"
    assert "alllowercase" not in run.stdout.replace("alllowercase (", "")


def test_pairing_is_refused_for_more_than_one_box() -> None:
    run = ansible("ansible-playbook", "--inventory=inventory/pilot", "playbooks/pair_meter.yml")
    assert run.returncode == 2
    sentence = "Pairing is work at one box, and this play means 3: name one with -l <site>."
    assert sentence in " ".join(run.stdout.split())
    assert "TASK [Pair" not in run.stdout, "a Pi was spoken to"
