"""A great many D2L dongles at one daemon: frames lost, seconds and memory are printed.

    python3 -m tests.benchmark.d2l [--dongles 1000] [--frames 10] [--bursts 3] [--minutes 1]

The daemon's server runs in a process of its own, within the limits of an appliance's, with a broker
that takes everything. Each dongle has a connection and an address of its own, as behind the door.
First each sends one frame a minute, then there are bursts: all their frames at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import tomllib
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hems.d2l.connection import PROXY_BYTES, Connections
from hems.d2l.d2l_settings import Limits
from hems.d2l.frame import SMALLEST, Frame, Key, Type, encode
from hems.d2l.intake import Intake, Source
from hems.linky.announce import Message
from hems.linky.tracker import Meter, Tracker

from tests.virtual.d2l.linky import STANDARD, values

KEY = Key(bytes(range(16)), bytes(range(16, 32)))
OPEN_AT_ONCE = 100
MORE_MEMORY = 1.05  # that the last burst may leave held, of what the first did
SETTINGS = Path(__file__).parents[2] / "roles/linky/templates/etc/hems/d2l.toml.j2"


class Broker:
    """Takes everything."""

    connected = True

    def send(self, messages: list[Message]) -> bool:
        return bool(messages)


def number(dongle: int) -> str:
    return f"{dongle:012d}"


def shipped() -> Limits:
    """Return the limits that an appliance's daemon has."""
    text = SETTINGS.read_text(encoding="utf-8").partition("[limits]\n")[2].partition("{%")[0]
    return Limits(**tomllib.loads(text))


def memory() -> int:
    """Return what this process holds now, kB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def server(dongles: int, pipe: Connection) -> None:
    """Serve until told to stop; answer each word with how all is."""
    limits = shipped()
    broker: Any = Broker()
    with tempfile.TemporaryDirectory() as directory:
        sources = {}
        for one in range(dongles):
            name = f"linky_{one}"
            tracker = Tracker(Meter(name, name, 300, "homeassistant"), Path(directory), print)
            take = partial(tracker.take, broker)
            sources[number(one)] = Source(name, number(one), KEY, take)
        intake = Intake(sources, limits, print)
        asyncio.run(_serve(intake, limits, pipe))


async def _serve(intake: Intake, limits: Limits, pipe: Connection) -> None:
    connections = Connections(intake, limits)
    serving = await asyncio.start_server(
        connections.serve, "127.0.0.1", 0, limit=PROXY_BYTES, backlog=512
    )
    pipe.send(serving.sockets[0].getsockname()[1])
    async with serving:
        while await asyncio.to_thread(pipe.recv) != "stop":
            taken = sum(source.taken for source in intake.sources.values())
            spent = time.process_time()
            pipe.send({"taken": taken, "kilobytes": memory(), "cpu": spent})
        # Let the last connections end by themselves.
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest, timeout=10)


def frames(dongle: int, first: int, count: int) -> list[bytes]:
    """Return so many of one dongle's frames from its ``first`` on, one after the other."""
    made = []
    for index in range(count):
        at = first + index
        content = json.dumps(values(STANDARD, number(dongle), 1_000_000 + at, 420, 1.7e9)).encode()
        unique = (dongle << 32 | at + 1).to_bytes(16, "big")
        made.append(encode(Frame(number(dongle), unique, Type.READING, content), KEY))
    return made


async def load(port: int, options: argparse.Namespace, pipe: Connection) -> bool:
    """Run the minutes and bursts and print each; whether no frame was lost and memory is flat."""
    opened = []
    gate = asyncio.Semaphore(OPEN_AT_ONCE)

    async def connect(dongle: int) -> None:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            address = f"10.0.{dongle // 250}.{dongle % 250 + 1}"
            writer.write(f"PROXY TCP4 {address} 10.0.0.254 4000 7845\r\n".encode())
            await writer.drain()
            opened.append((dongle, reader, writer))

    await asyncio.gather(*(connect(dongle) for dongle in range(options.dongles)))
    whole, held = True, []
    names = [f"minute {n + 1}" for n in range(options.minutes)]
    names += [f"burst {n + 1}" for n in range(options.bursts)]
    for part, name in enumerate(names):
        steady = part < options.minutes
        count = 1 if steady else options.frames
        first = part if steady else options.minutes + (part - options.minutes) * options.frames
        ready = {one: frames(one, first, count) for one in range(options.dongles)}
        before = _ask(pipe)
        begin = time.perf_counter()

        async def talk(
            dongle: int,
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            ready: dict[int, list[bytes]] = ready,
            pause: float = 60.0 * steady / options.dongles,
        ) -> None:
            await asyncio.sleep(pause * dongle)
            writer.writelines(ready[dongle])
            await reader.readexactly(SMALLEST * len(ready[dongle]))

        await asyncio.gather(*(talk(*one) for one in opened))
        seconds = time.perf_counter() - begin
        after = _ask(pipe)
        sent = options.dongles * count
        lost = sent - (after["taken"] - before["taken"])
        whole = whole and not lost
        held += [] if steady else [after["kilobytes"]]
        print(
            f"{name}: {sent} frames, {lost} lost, {seconds:.1f} s, "
            f"{(after['cpu'] - before['cpu']) / sent * 1e6:.0f} us of CPU a frame, "
            f"{after['kilobytes'] / 1024:.1f} MB held",
            flush=True,
        )
    if held and held[-1] > held[0] * MORE_MEMORY:
        print("its memory grows from burst to burst", flush=True)
        whole = False
    for _, _, writer in opened:
        writer.close()
    await asyncio.gather(*(reader.read() for _, reader, _ in opened))  # the server has closed, too
    return whole


def _ask(pipe: Connection) -> dict[str, Any]:
    pipe.send("how")
    found: dict[str, Any] = pipe.recv()
    return found


def main() -> int:
    """Run the command line."""
    top = argparse.ArgumentParser(prog="python3 -m tests.benchmark.d2l", description=__doc__)
    top.add_argument("--dongles", type=int, default=1000)
    top.add_argument("--frames", type=int, default=10, help="of each dongle in a burst")
    top.add_argument("--bursts", type=int, default=3)
    top.add_argument("--minutes", type=int, default=1, help="of one frame a minute")
    options = top.parse_args()
    files = 2 * options.dongles + 100
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.Process(target=server, args=(options.dongles, its), daemon=True)
    process.start()
    print(f"{options.dongles} dongles, {os.cpu_count()} cores", flush=True)
    try:
        whole = asyncio.run(load(ours.recv(), options, ours))
        ours.send("stop")
        process.join(10)
    finally:
        process.kill()
    return int(not whole)


if __name__ == "__main__":
    sys.exit(main())
