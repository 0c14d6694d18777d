"""``hems restore``: bring the box, or parts of it, back from a backup."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import datetime
from pathlib import Path

from hems import HemsError, settings, whole_file
from hems.backup import restore, words
from hems.backup.box import Box, box
from hems.backup.gather import READINGS

SUMMARY = "bring the box, its readings or a part back from a backup (root only)"
ALL, WORDS = "all", "words"


def day(text: str) -> int:
    """Return a local date or time as seconds since 1970."""
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date such as 2026-11-01") from None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "part",
        nargs="+",
        help=f"{ALL}: make this box the one of the backup; {READINGS}: add its readings; "
        f"{WORDS}: give the recovery words; or a part, such as home_assistant",
    )
    parser.add_argument("--id", default="", help="the backup, as 'hems backup list' shows it")
    parser.add_argument("--since", type=day, default=0, help="readings from this day on")


def run(options: argparse.Namespace) -> int:
    """Do it; 0 when all is back."""
    wanted = list(options.part)
    if wanted == [WORDS]:
        return _words()
    this = box()
    if wanted == [ALL]:
        restore.everything(this, options.id, say)
        say("The box is back as it was: run the playbook once more, it settles the rest.")
        return 0
    known = [part.name for part in this.backup.parts if part.name not in restore.LEFT_OUT]
    if strange := [name for name in wanted if name not in (*known, READINGS)]:
        raise HemsError(
            f"'{strange[0]}' is no part of a backup: take {ALL}, {READINGS}, {', '.join(known)}."
        )
    if options.since and READINGS not in wanted:
        raise HemsError(f"--since is about readings: it goes with '{READINGS}'.")
    return _parts(this, wanted, options)


def _parts(this: Box, wanted: list[str], options: argparse.Namespace) -> int:
    if others := [name for name in wanted if name != READINGS]:
        restore.parts(this, others, options.id, say)
        say(f"Back: {', '.join(others)}.")
    if READINGS in wanted:
        count = restore.history(this, options.since, options.id, say)
        say(f"The backup's {count} values of readings are in InfluxDB.")
    return 0


def _words() -> int:
    """Take the words from who has the paper. They are read from the terminal, or from a pipe."""
    directory: Path = settings.appliance().paths.secrets
    given = getpass.getpass("The words: ") if sys.stdin.isatty() else sys.stdin.read()
    passphrase = words.tidy(given)
    if not passphrase:
        raise HemsError("No word was given.")
    try:
        whole_file.write(directory / words.SECRET, passphrase + "\n")
    except PermissionError as error:
        raise HemsError("Only root may do that: put 'sudo' before the command.") from error
    say("The words are kept: 'sudo hems backup list' says whether they open the backups.")
    return 0


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, flush=True)
