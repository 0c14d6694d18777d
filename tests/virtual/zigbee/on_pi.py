"""The simulated dongle inside a virtual Pi: a unit there, as a host's terminals are not its own.

    python3 -m tests.virtual.zigbee.on_pi PI install [--device NAME ...] [--tcp ADDRESS:PORT]
    python3 -m tests.virtual.zigbee.on_pi PI draw WATTS|profile
    python3 -m tests.virtual.zigbee.on_pi PI tell COMMAND [ARGUMENT ...]

PI is a virtual Pi's short name; the commands of `tell` are those of tests.virtual.zigbee.control.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import shlex
import sys
import tarfile
from collections.abc import Sequence

from tests.virtual.meter.load import PROFILE, parse
from tests.virtual.pi.checkout import ROOT, Failure
from tests.virtual.pi.machine import Pi

PACKAGES = ("tests/virtual/zigbee", "tests/virtual/meter")
FOLDER = "/opt/virtual-zigbee"
STATE = "/var/lib/virtual-zigbee"
UNIT = "virtual-zigbee.service"
MODULE = "tests.virtual.zigbee"
STAMP = f"{FOLDER}/stamp"  # what is installed

_UNIT_TEXT = """\
[Unit]
Description=Simulated Zigbee dongle, and meters in its network
Before=home-assistant.service

[Service]
Environment=PYTHONPATH={folder}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/bin/python3 -m {command}
StateDirectory=virtual-zigbee
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def unit(devices: Sequence[str] = (), tcp: str | None = None) -> str:
    """Return the unit's text."""
    words = [
        *(MODULE, "--state", STATE, "--by-id", "/dev/serial/by-id", "--group", "dialout"),
        *("--load-file", f"{STATE}/load"),
        *(word for name in devices for word in ("--device", name)),
        *(("--tcp", tcp) if tcp else ()),
    ]
    return _UNIT_TEXT.format(folder=FOLDER, command=shlex.join(words))


def sources() -> dict[str, bytes]:
    """Return the programs, by their path in the repository."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_bytes() for path in sorted(files)}


def stamp(devices: Sequence[str] = (), tcp: str | None = None) -> str:
    """Return a hash of what `install` puts on a Pi."""
    return hashlib.sha256(repr((sources(), unit(devices, tcp))).encode()).hexdigest()


def archive(files: dict[str, bytes]) -> bytes:
    """Return them as a tar."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def install(pi: Pi, devices: Sequence[str] = (), tcp: str | None = None) -> bool:
    """Put the simulator on the Pi and run it; whether that changed anything there.

    A change restarts it, which is a dongle that is pulled out and put in again. Raises Failure.
    """
    mark = stamp(devices, tcp)
    look = f"cat {STAMP} 2>/dev/null; systemctl is-active --quiet {UNIT} && echo active; true"
    if pi.run("sh", "-c", look, doing="look at the simulated dongle").split() == [mark, "active"]:
        return False
    packed = base64.b64encode(archive(sources())).decode()
    unpack = f"rm -rf {FOLDER} && mkdir -p {FOLDER} && base64 -d | tar -x -C {FOLDER}"
    pi.run("sh", "-c", unpack, doing="copy the simulated dongle", text=packed)
    start = (
        f"cat >/etc/systemd/system/{UNIT} && systemctl daemon-reload && "
        f"systemctl enable --quiet {UNIT} && systemctl restart {UNIT} && echo {mark} >{STAMP}"
    )
    pi.run("sh", "-c", start, doing="start the simulated dongle", text=unit(devices, tcp))
    return True


def draw(pi: Pi, load: str) -> None:
    """Let the house draw ``load``: a number of W, or `profile`. Raises Failure."""
    try:
        parse(load, seed=1)
    except ValueError as error:
        raise Failure(str(error)) from error
    write = f"cat >{STATE}/load"
    pi.run("sh", "-c", write, doing="change the load: is the dongle installed?", text=f"{load}\n")


def tell(pi: Pi, words: Sequence[str]) -> str:
    """Throw one of the simulator's switches and return its answer. Raises Failure."""
    command = [*("env", f"PYTHONPATH={FOLDER}", "python3", "-m", f"{MODULE}.control")]
    command += ["--socket", f"{STATE}/control.sock", *words]
    return pi.run(*command, doing=f"tell the simulated dongle '{' '.join(words)}'").strip()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pi", metavar="PI")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("install")
    new.add_argument("--device", action="append", default=[])
    new.add_argument("--tcp")
    commands.add_parser("draw").add_argument("load", metavar=f"WATTS|{PROFILE}")
    commands.add_parser("tell").add_argument("words", nargs="+", metavar="COMMAND")
    options = parser.parse_args()
    pi = Pi(options.pi)
    try:
        if options.command == "install":
            install(pi, options.device, options.tcp)
        elif options.command == "draw":
            draw(pi, options.load)
        else:
            print(tell(pi, options.words))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
