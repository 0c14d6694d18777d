"""Broken files that services set aside at their start: into the log once, shown for a while."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hems.state_files import notes
from hems.state_files.notes import Note
from hems.watchdog import journal
from hems.watchdog.act import Actor

VERB = "set aside"


class SetAside:
    """The notes below ``directory``; what is new goes into the actor's log."""

    def __init__(self, directory: Path, actor: Actor) -> None:
        self._directory, self._actor = directory, actor
        self._told: set[str] | None = None

    def look(self) -> tuple[Note, ...]:
        """Return the notes that are still worth showing."""
        found = notes.read_all(self._directory)
        if self._told is None:
            self._told = {_of(entry) for entry in self._actor.noted(VERB)}
        for note in found:
            entry = journal.Entry("", VERB, note.file, note.problem, f"{note.kept}: {note.now}")
            if _of(entry) not in self._told:
                self._told.add(_of(entry))
                self._actor.note(VERB, entry.subject, entry.cause, entry.observed)
        return notes.recent(found, datetime.now(UTC))


def _of(entry: journal.Entry) -> str:
    """Return what tells one from another, as it stands in the log."""
    return str(entry).partition(journal.SEPARATOR)[2]
