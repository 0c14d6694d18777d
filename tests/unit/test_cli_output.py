"""Output that nobody takes ends a command without a traceback, and times are the site's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hems.cli import why
from hems.times import local
from hems.watchdog import journal

from tests.unit.modules import ROOT

# A command of the box without a box: it prints one line, or very many.
PROGRAM = """
import sys
from hems import cli
from hems.cli import why
why.run = lambda options: print("x" * 70 + "\\n" * options.count * 100) or 0
sys.exit(cli.main(sys.argv[1:]))
"""


def hems(shell: str) -> subprocess.CompletedProcess[str]:
    """Run a shell line in which ``hems`` is the command."""
    command = f'hems() {{ \'{sys.executable}\' -c "$PROGRAM" "$@"; }}; {shell}'
    return subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PROGRAM": PROGRAM, "PYTHONPATH": str(ROOT / "files/hems/src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", ["why --count 1", "why --count 10000"])
def test_a_full_device_is_one_sentence(words: str) -> None:
    run = hems(f"hems {words} >/dev/full")
    assert run.stderr == "hems: The output can't be written: No space left on device.\n"
    assert run.returncode == 1


@pytest.mark.parametrize("words", ["why --count 1", "why --count 10000", "--help"])
def test_a_reader_that_leaves_is_no_error_to_tell(words: str) -> None:
    run = hems(f"hems {words} | true; exit ${{PIPESTATUS[0]}}")
    assert run.stderr == ""
    assert run.returncode in (0, 1)  # 0: it was written before the reader left


@pytest.mark.parametrize("words", ["why", "--help", "nonsense"])
@pytest.mark.parametrize("where", [">&-", "2>&-", "2>/dev/full", ">&- 2>&-"])
def test_closed_streams_are_no_traceback(words: str, where: str) -> None:
    run = hems(f"hems {words} {where}")
    assert "Traceback" not in run.stderr and "Exception" not in run.stderr
    assert run.returncode == (2 if words == "nonsense" else 0)


@pytest.mark.usefixtures("site_clock")
def test_why_speaks_of_the_sites_time() -> None:
    entry = journal.Entry("2026-11-22T23:15:01Z", "restart", "InfluxDB", "hung", "no answer")
    assert list(why.lines([entry])) == [
        "2026-11-23 00:15:01  restarted InfluxDB",
        "                     because: hung",
        "                     observed: no answer",
    ]


@pytest.mark.usefixtures("site_clock")
def test_what_is_no_time_is_shown_as_it_is() -> None:
    assert local("2026-07-01T12:00:00Z") == "2026-07-01 14:00:00"
    assert local("some day") == "some day"


def test_make_shell_keeps_a_dollar() -> None:
    run = subprocess.run(
        ["make", "--dry-run", "shell", "CMD=x='a b'; echo $x ${x} $(id -u) $$"],
        cwd=Path(ROOT),
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip().endswith(r"""shell pi 'x='\''a b'\''; echo $x ${x} $(id -u) $$'""")
