"""The switches, from outside: a socket on which one line is asked and one is answered.

  python3 -m tests.virtual.zigbee.control --socket PATH COMMAND [ARGUMENT ...]

status                    what is so now, as JSON
corrupt N, drop N         spoil or lose the next N frames to the host
deaf N                    lose the next N deliveries from the host
slow SECONDS              obey commands so much later; 0 ends it
ash-error                 give up, as the firmware does after too many time-outs
crash                     reboot unasked
mend                      end corrupt, drop, deaf and slow
unplug, plug              pull the dongle out, put it in
replace blank|foreign     put another dongle in: a new one, or one of somebody else's network
away NAME, back NAME      carry a device out of range, and back
press NAME                reset a device to factory settings: it searches for an open network
report NAME               let a device tell now what it would tell after its longest intervals
battery NAME PERCENT      drain or change its cells
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

LONGEST_LINE = 65_536
TIMEOUT_SECONDS = 10.0
REFUSED = "error: "


async def serve(path: Path, obey: Callable[[list[str]], Awaitable[str]]) -> asyncio.Server:
    """Listen on a socket of the file system. Raises OSError."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            line = (await reader.readline()).decode("utf-8", "replace")
            try:
                told = await obey(line.split())
            except ValueError as error:
                told = f"{REFUSED}{error}"
            writer.write(f"{told}\n".encode())
            await writer.drain()
        writer.close()

    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(answer, path)


def ask(path: Path, words: list[str]) -> str:
    """Give a command to a running simulator and return its answer.

    Raises ValueError with one sentence when it refuses, OSError when it does not run.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(TIMEOUT_SECONDS)
        line.connect(str(path))
        line.sendall(f"{' '.join(words)}\n".encode())
        told = b""
        while not told.endswith(b"\n") and len(told) < LONGEST_LINE:
            part = line.recv(LONGEST_LINE)
            if not part:
                break
            told += part
    text = told.decode().strip()
    if text.startswith(REFUSED):
        raise ValueError(text.removeprefix(REFUSED))
    return text


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("words", nargs="+", metavar="COMMAND")
    options = parser.parse_args()
    try:
        print(ask(options.socket, options.words))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: No simulator listens at {options.socket}: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
