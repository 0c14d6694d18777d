"""Take meters out of Home Assistant that the site no longer has: ``… -m hems.linky.forget NAME …``.

The names are those of the meters that stay. Role linky runs it as the readers' user.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection
from pathlib import Path

from hems import HemsError, settings
from hems.linky import announce
from hems.linky.publisher import CREDENTIAL, Publisher
from hems.process import Surroundings

WAIT_SECONDS = 20.0


def gone(directory: Path, known: Collection[str]) -> list[Path]:
    """Return the files of meters that are not among the ``known`` names."""
    return sorted(path for path in directory.glob("*.json") if path.stem not in known)


def withdrawals(prefix: str, meter: str) -> list[announce.Message]:
    """Return the messages that take every entity of a meter out."""
    every = announce.discovery(prefix, meter, meter, announce.ENTITIES, 1)
    return [announce.Message(message.topic, "", retain=True) for message in every]


def run(around: Surroundings, known: Collection[str]) -> None:
    """Take them out, print their names, and forget their counters. Raises HemsError."""
    files = gone(around.state, known)
    if not files:
        return
    appliance = settings.appliance(around.settings)
    connected = threading.Event()
    publisher = Publisher("forget", around.credential(CREDENTIAL), list, print, connected.set)
    publisher.start(appliance.ports.mqtt)
    try:
        if not connected.wait(WAIT_SECONDS):
            raise HemsError("The broker does not answer: run the playbook again.")
        for path in files:
            messages = withdrawals(appliance.mqtt.discovery, path.stem)
            if not publisher.deliver(messages, WAIT_SECONDS):
                raise HemsError("The broker went away: run the playbook again.")
            path.unlink()
            print(path.stem)
    finally:
        publisher.close()


def main() -> int:
    """Run the command."""
    try:
        run(Surroundings(), sys.argv[1:])
    except HemsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
