"""The unit that ends an interrupted update at boot: written for each update, of the old release.

Neither a release that can't be imported nor one whose units are wrong can take it away: it runs the
release that was healthy before, by the path of that release's own directory.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hems import whole_file

UNIT = "hems-update-resume.service"
DIRECTORY = Path("/etc/systemd/system")
WANTS = DIRECTORY / "multi-user.target.wants"

TEXT = """\
# Written by 'hems update' while an update is under way, and removed at its end.
[Unit]
Description=Finish or undo an interrupted update
# It does not wait for the services: one of a bad release may take minutes to give up.
After=network.target
StartLimitIntervalSec=0

[Service]
# The boot does not wait for its end: to see that the box is well takes minutes.
Type=exec
ExecStart={python} -I -m hems update resume --settings {settings}
RuntimeMaxSec=3600
Restart=on-failure
RestartSec=60

[Install]
WantedBy=multi-user.target
"""


def files(directory: Path = DIRECTORY) -> tuple[Path, ...]:
    """Return what stands by while an update is under way."""
    return directory / UNIT, directory / WANTS.name / UNIT


def arm(settings: Path, directory: Path = DIRECTORY, python: str = sys.executable) -> None:
    """Have an interrupted update ended at the next boot. Raises OSError.

    ``settings``: a copy of the old release's, as the new one may write some that it can't read.
    """
    unit, link = files(directory)
    link.parent.mkdir(exist_ok=True)
    whole_file.write(unit, TEXT.format(python=python, settings=settings), mode=0o644)
    whole_file.link(link, unit)
    _reload(directory)


def stands_by(directory: Path = DIRECTORY) -> bool:
    """Whether an update is under way, or was interrupted."""
    return files(directory)[0].exists()


def start() -> None:
    """Have an interrupted update ended now; nobody waits for it."""
    subprocess.run(["systemctl", "start", "--no-block", UNIT], check=False)


def disarm(directory: Path = DIRECTORY) -> None:
    """The update has come to its end. Raises OSError."""
    for path in reversed(files(directory)):
        path.unlink(missing_ok=True)
    _reload(directory)


def _reload(directory: Path) -> None:
    if directory == DIRECTORY:
        subprocess.run(["systemctl", "daemon-reload"], check=False)
