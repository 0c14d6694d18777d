"""The ``hems`` command. Each subcommand's module is imported only when it is asked for.

A module of this package is a command: it has ``run(options)``, and ``arguments(parser)`` when it
takes any. A package is a group of commands: it has ``COMMANDS``, and a module for each of them.
A module with a ``SUMMARY`` is a command that a service brings. One that says ``UNPRIVILEGED =
True`` looks at what the daemons write, and does so as they do.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pkgutil
import pwd
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from hems import HemsError, release

DAEMONS_USER = "hems"
OK = 0
NOT_OK = 1
USAGE = 2

SUMMARY = r'^SUMMARY = "(.+)"$'
COMMANDS = {
    "status": "show the state of the box; exits with 1 when something is wrong",
    "why": "show what the box restarted, when it rebooted itself, and why",
    "passwords": "show the owner's log-ins (root only)",
    "rotate": "renew the secrets, as playbooks/rotate_secrets.yml does (root only)",
    "history": "show and fill gaps in the stored readings (root only)",
    "wifi": "list the WiFi networks in range, join or forget one",
    "update": "install the fleet's release, or keep the box on its own (root only)",
    "zigbee": "manage the Zigbee dongle and its devices (root only)",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the line and end."""
        _complain(f"{message}; '{self.prog} --help' shows how it is used.")
        sys.exit(USAGE)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return an argument's type: a whole number from ``least`` to ``most``."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {least} to {most}")
        return int(text)

    return number


def build_parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser for a command line; it knows the arguments of the command in ``words``."""
    parser = Parser(
        prog="hems",
        description="Manage a SmartCORE HEMS appliance.",
        epilog="Exit codes: 0 all is well, 1 something is wrong, 2 the command line is not valid.",
    )
    parser.add_argument("--version", action="version", version=f"hems {release()}")
    _add_commands(parser, __name__, COMMANDS | of_services(), words)
    return parser


def of_services() -> dict[str, str]:
    """Return the commands that services have brought: modules with a ``SUMMARY``."""
    found = {}
    for name in sorted({one.name for one in pkgutil.iter_modules(__path__)} - set(COMMANDS)):
        # Not imported: every command would have to wait for that.
        text = Path(__path__[0], f"{name}.py").read_text(encoding="utf-8")
        if said := re.search(SUMMARY, text, re.MULTILINE):
            found[name] = said[1]
    return found


def _add_commands(
    parser: argparse.ArgumentParser,
    package: str,
    summaries: Mapping[str, str],
    words: Sequence[str],
) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in summaries.items():
        command = commands.add_parser(name, help=summary, description=f"{name}: {summary}.")
        if not words or words[0] != name:
            continue
        module = import_module(f"{package}.{name}")
        if hasattr(module, "COMMANDS"):
            _add_commands(command, module.__name__, module.COMMANDS, words[1:])
            continue
        command.set_defaults(run=module.run, privileged=not getattr(module, "UNPRIVILEGED", False))
        if hasattr(module, "arguments"):
            module.arguments(command)


def give_up_root() -> None:
    """Go on as the daemons, for good: root does not read what they may have put a link in place of.

    Who is not root stays what they are.
    """
    if os.geteuid() != 0:
        return
    daemons = pwd.getpwnam(DAEMONS_USER)
    os.setgroups([daemons.pw_gid])
    os.setresgid(daemons.pw_gid, daemons.pw_gid, daemons.pw_gid)
    os.setresuid(daemons.pw_uid, daemons.pw_uid, daemons.pw_uid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Output that nobody takes is no traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        try:
            return _run(words, own_process=arguments is None)
        finally:
            if sys.stdout is not None:  # closed by >&-
                sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()  # whoever read it has seen enough
        return NOT_OK
    except OSError as error:
        if error.filename is not None:  # not the output's
            raise
        _discard_output()
        _complain(f"The output can't be written: {error.strerror}.")
        return NOT_OK


def _run(words: Sequence[str], *, own_process: bool) -> int:
    options = build_parser(words).parse_args(words)
    if own_process and not options.privileged:
        give_up_root()
    try:
        code: int = options.run(options)
        return code
    except HemsError as error:
        _complain(str(error))
        return NOT_OK
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as shells count it


def _complain(sentence: str) -> None:
    """Say what is wrong, where anybody listens."""
    with contextlib.suppress(OSError):
        print(f"hems: {sentence}", file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Keep the interpreter from complaining, at its end, about what is still to be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
