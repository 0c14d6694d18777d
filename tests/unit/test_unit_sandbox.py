"""What a unit says of user, sandbox and limits holds for what is run in its place, too."""

from __future__ import annotations

from tests.unit.home_assistant_modules import ROOT  # noqa: F401  the role's shared code
from tests.unit.modules import load_module

sandbox = load_module("roles/home_assistant/module_utils/unit_sandbox.py")

CAT = """# /etc/systemd/system/home-assistant.service
[Unit]
Description=not a property
# Restart=no
[Service]
Type=exec
User=homeassistant
Environment=A=1 \\
  B=2
ExecStart=/opt/hass --config=x
RestartForceExitStatus=100
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
CapabilityBoundingSet=
  MemoryHigh = 75%

# /etc/systemd/system/home-assistant.service.d/site.conf
[Service]
ExecStart=
IPAddressDeny=any
TimeoutStopSec=120
[Install]
WantedBy=multi-user.target
"""


def test_user_sandbox_and_limits_are_taken_in_their_order() -> None:
    assert sandbox.properties(CAT) == [
        "--property=User=homeassistant",
        "--property=Environment=A=1    B=2",
        "--property=SystemCallFilter=@system-service",
        "--property=SystemCallFilter=~@privileged",
        "--property=CapabilityBoundingSet=",
        "--property=MemoryHigh=75%",
        "--property=IPAddressDeny=any",
    ]


def test_the_command_stands_alone_behind_the_options() -> None:
    words = sandbox.command(CAT, ["/bin/python", "-c", "--property=User=root"], seconds=7)
    assert words[0] == "systemd-run"
    assert words[words.index("--") + 1 :] == ["/bin/python", "-c", "--property=User=root"]
    assert "--property=RuntimeMaxSec=7" in words
