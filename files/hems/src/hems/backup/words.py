"""The passphrase of the backups as 24 words that can be written on paper: BIP-39, 256 bits.

The last word holds a checksum, so that a slip of the pen is found before anything is tried.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mnemonic import Mnemonic

from hems import HemsError, whole_file

SECRET = "backup_passphrase"
BITS = 256
COUNT = 24
IN_A_ROW = 4


def make() -> str:
    """Return a new passphrase: words with a space between each two."""
    return str(Mnemonic("english").generate(strength=BITS))


def tidy(passphrase: str) -> str:
    """Return what somebody typed as restic gets it: words in lower case, one space between each.

    A passphrase that is not of words is left as it is. Raises HemsError when a word is wrong.
    """
    words = passphrase.lower().split()
    if len(words) != COUNT:
        return passphrase.strip()
    known = Mnemonic("english")
    if strange := [word for word in words if word not in known.wordlist]:
        raise HemsError(f"'{strange[0]}' is none of the list's words: compare it with the paper.")
    if not known.check(" ".join(words)):
        raise HemsError("These words don't belong together: compare them with the paper.")
    return " ".join(words)


def on_paper(passphrase: str) -> list[str]:
    """Return the passphrase as lines for paper: numbered words, or itself where it is no words."""
    words = passphrase.split()
    if len(words) != COUNT:
        return [passphrase]
    cells = [f"{place:2}. {word:<10}" for place, word in enumerate(words, 1)]
    return ["".join(cells[at : at + IN_A_ROW]).rstrip() for at in range(0, COUNT, IN_A_ROW)]


if __name__ == "__main__":
    whole_file.write(Path(sys.argv[1]), make() + "\n")
