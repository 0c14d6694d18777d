"""The virtual Pi's command line: what `make` and Molecule call."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.virtual.pi import home, play, scenario, suite, up
from tests.virtual.pi.checkout import ROOT, Failure
from tests.virtual.pi.machine import Pi


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python3 -m tests.virtual.pi", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    upping = commands.add_parser("up", help="the whole appliance, until a reading is in InfluxDB")
    upping.add_argument("--d2l", action="store_true", help="a D2L dongle on a Linky meter, too")
    upping.add_argument("--tic", action="store_true", help="a USB-TIC adapter on one, too")
    upping.add_argument("--https-port", type=int, default=8443, help="the door's on 127.0.0.1")
    commands.add_parser("down", help="remove every Pi of this checkout and its traces")
    commands.add_parser("clean", help="down, and the caches, keys, logs and .venv")
    for name, what in scenario.SCENARIOS.items():
        one = commands.add_parser(name, help=what.words)
        one.add_argument("--report", type=Path, help="where the results go (JUnit's format)")
    commands.add_parser("tooling", help="make .venv from requirements.txt")
    testing = commands.add_parser(
        "test", help="lint, unit tests, repository rules, the whole appliance"
    )
    testing.add_argument("--part", help="only the test files that have it in their names")
    testing.add_argument("--pis", type=int, help="on so many Pis; else what this machine carries")

    loading = commands.add_parser("load", help="what the simulated household draws from now on")
    loading.add_argument("watts", help="a number of W, or `profile`")

    def on_a_pi(name: str, words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words)
        command.add_argument("name", help="the Pi's short name; `make up` makes `pi`")
        return command

    creating = on_a_pi("create", "make a Pi and boot it; harmless on a running one")
    creating.add_argument(
        "--from",
        dest="start_from",
        choices=up.START_FROM,
        default=up.PREPARED,
        help="a freshly prepared Raspberry Pi (the default); the converged Pi kept for what "
        "the play reads now, made first where there is none; the newest kept one of "
        "anything, which a play brings up to date",
    )
    on_a_pi("destroy", "remove a Pi with everything on it")
    on_a_pi("address", "print a Pi's IPv4 address")
    shell = on_a_pi("shell", "root's shell on a Pi, or one command line there")
    shell.add_argument("line", nargs=argparse.REMAINDER)
    playing = on_a_pi("play", "run a playbook against a Pi")
    playing.add_argument("playbook")
    playing.add_argument("arguments", nargs=argparse.REMAINDER)
    return top


def run(arguments: argparse.Namespace) -> int:
    """Carry out one command; its exit code."""
    match arguments.command:
        case "up":
            up.up(arguments.https_port, d2l=arguments.d2l, tic=arguments.tic)
        case "down":
            up.down()
        case "clean":
            up.clean()
        case "load":
            home.draw(up.PI, arguments.watts)
        case name if name in scenario.SCENARIOS:
            return scenario.run(name, arguments.report)
        case "tooling":
            up.install_tooling()
        case "test":
            return suite.run(arguments.part, arguments.pis)
        case _:
            return run_on(Pi(arguments.name), arguments)
    return 0


def run_on(pi: Pi, arguments: argparse.Namespace) -> int:
    """Carry out a command on one Pi; its exit code."""
    match arguments.command:
        case "create":
            up.create(pi, arguments.start_from)
        case "destroy":
            pi.destroy()
        case "address":
            print(pi.address())
        case "shell":
            if pi.state() != "running":
                raise Failure("this Pi does not run: `make up` starts it")
            terminal = not arguments.line and sys.stdin.isatty()
            command = pi.ssh(" ".join(arguments.line), terminal=terminal)
            return subprocess.run(command, check=False).returncode
        case "play":
            command = play.command(arguments.playbook, *arguments.arguments)
            return subprocess.run(command, env=play.environment(pi), check=False).returncode
    return 0


def main() -> int:
    """Entry point: one sentence on stderr and exit code 1 for what a person can cause."""
    try:
        return run(parser().parse_args())
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted: `make down` removes what was begun", file=sys.stderr)
        return 130


if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # not in every user's, and iptables is there
    sys.exit(main())
