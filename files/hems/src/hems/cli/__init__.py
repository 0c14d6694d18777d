"""The ``hems`` command. Each subcommand's module is imported only when it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from hems import HemsError, release

OK = 0
NOT_OK = 1
USAGE = 2

COMMANDS = {
    "status": "show how the box is; ends with 1 when something is wrong",
    "why": "say what the box restarted, when it rebooted itself, and why",
    "passwords": "show the owner's log-ins (root only)",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the line and end."""
        print(f"hems: {message}; '{self.prog} --help' shows what there is.", file=sys.stderr)
        sys.exit(USAGE)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="hems",
        description="Look after a SmartCORE HEMS appliance.",
        epilog="Ends with 0 when all is well, 1 when something is wrong, 2 when misspelt.",
    )
    parser.add_argument("--version", action="version", version=f"hems {release()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{name}: {summary}.")
        if name == "status":
            command.add_argument("--json", action="store_true", help="for programs")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = import_module(f"hems.cli.{options.command}").run(options)
        sys.stdout.flush()
        return code
    except HemsError as error:
        print(f"hems: {error}", file=sys.stderr)
        return NOT_OK
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_OK
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells count it
