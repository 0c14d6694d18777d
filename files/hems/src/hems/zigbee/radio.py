"""Work on the dongle while Home Assistant is stopped, with Home Assistant's own zigpy.

Nobody else may have the dongle open, and nothing but the caller sees to that.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from hems import HemsError
from hems.settings import HomeAssistantPaths

PROGRAM = Path(__file__).with_name("on_zigpy.py")
PYTHON = "current/bin/python"
DATABASE = "zigbee.db"  # ZHA's, in Home Assistant's directory
COUNTER = 5000  # by which a restored frame counter is raised: devices don't hear one set back
TIMEOUT_SECONDS = 180.0  # more than the program takes at most

Backup = dict[str, Any]  # Open Coordinator Backup Format


class RadioError(HemsError):
    """The dongle, or Home Assistant's environment, does not do what was asked."""


class RefusedError(RadioError):
    """zigpy answers that it can't: the dongle does not, or a backup is none."""


class Radio:
    """Home Assistant's zigpy."""

    def __init__(self, home_assistant: HomeAssistantPaths) -> None:
        self._paths = home_assistant

    def read(self, device: Path) -> tuple[dict[str, Any], Backup | None]:
        """Return the dongle's serial settings, and the network in it or None.

        Raises RadioError.
        """
        answer = self._ask({"work": "read", "path": str(device)})
        return answer["device"], answer["backup"]

    def write(self, settings: dict[str, Any], backup: Backup) -> Backup:
        """Write a network to the dongle and return what it then holds. Raises RadioError."""
        question = {
            "work": "write",
            "device": settings,
            "database": str(self._paths.directory / DATABASE),
            "backup": backup,
            "counter": COUNTER,
        }
        answer: Backup = self._ask(question)["backup"]
        return answer

    def convert(self, backup: dict[str, Any]) -> Backup:
        """Return a backup as Home Assistant's API gives it in the open format; opens nothing.

        Raises RefusedError when it is no whole backup, and RadioError.
        """
        answer: Backup = self._ask({"work": "convert", "backup": backup})["backup"]
        return answer

    def devices(self) -> list[dict[str, Any]]:
        """Return the devices that ZHA knew when it was stopped. Raises RadioError."""
        database = str(self._paths.directory / DATABASE)
        answer: list[dict[str, Any]] = self._ask({"work": "devices", "database": database})[
            "devices"
        ]
        return answer

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        python = self._paths.root / PYTHON
        try:
            user = pwd.getpwnam(self._paths.user)
            done = subprocess.run(
                [str(python), "-I", str(PROGRAM)],
                input=json.dumps(question),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # its log can hold keys
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=True,
                cwd="/",
                start_new_session=True,  # root's terminal is not for that user
                env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
            )
            answer: dict[str, Any] = json.loads(done.stdout)
        except PermissionError as error:
            raise RadioError("Only root may do that: put 'sudo' before the command.") from error
        except (OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
            raise RadioError(
                f"Home Assistant's own Python can't be used for the dongle ({_kind(error)}): "
                "run the whole playbook."
            ) from error
        if "error" in answer:
            raise RefusedError(
                f"The Zigbee dongle failed: {answer['error']}; plug it in again, and try once more."
            )
        return answer


def _kind(error: Exception) -> str:
    # A process that failed is shown with its exit code, never with what it was told.
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    return str(error) if isinstance(error, OSError) else type(error).__name__
