"""Feed every parser with random and damaged input; each may refuse it only in its own words.

python3 -m tests.fuzz [--inputs 1000000] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tracemalloc
from collections.abc import Callable

from tests.fuzz.parsers import PARSERS, Parser

LEAK_BYTES = 2_000_000  # what is held after the inputs may have grown by this


def damaged(dice: random.Random, samples: tuple[bytes, ...]) -> bytes:
    """Return a sample with some bytes changed, cut, doubled or added, or only random ones."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(300))
    data = bytearray(dice.choice(samples))
    for _ in range(dice.choice((0, 1, 1, 2, 4))):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[at : at + 1] = dice.randbytes(1)
            case 1:
                del data[at : at + dice.randrange(1, 40)]
            case 2:
                data[at:at] = data[at : at + dice.randrange(1, 40)]
            case _:
                data[at:at] = dice.randbytes(dice.randrange(1, 20))
    return bytes(data)


def run(parser: Parser, inputs: int, seed: int, tell: Callable[[str], None]) -> bool:
    """Feed one parser; whether it took everything without an error of another kind."""
    dice = random.Random(f"{seed} {parser.name}")
    feed = parser.make()
    taken, begin = 0, time.perf_counter()
    for number in range(inputs):
        data = damaged(dice, parser.samples)
        if number == inputs // 10:
            tracemalloc.start()
        try:
            feed(data)
            taken += 1
        except parser.refusals:
            pass
        except Exception as error:
            tell(f"{parser.name}: {error!r} for {data.hex()} (seed {seed}, input {number})")
            return False
    held = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
    tracemalloc.stop()
    seconds = time.perf_counter() - begin
    tell(
        f"{parser.name}: {inputs} inputs, {taken} taken, {inputs - taken} refused, "
        f"{seconds:.1f} s, {held / 1000:.0f} kB more held"
    )
    if held > LEAK_BYTES:
        tell(f"{parser.name}: it holds on to its input")
        return False
    return True


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main() -> int:
    """Run the command line."""
    top = argparse.ArgumentParser(prog="python3 -m tests.fuzz", description=__doc__)
    top.add_argument("--inputs", type=int, default=1_000_000, help="for all parsers together")
    top.add_argument("--seed", type=int, default=int(time.time()))
    options = top.parse_args()
    tell(f"seed {options.seed}")
    each = -(-options.inputs // len(PARSERS))
    well = [
        run(parser, each, options.seed, lambda line: print(line, flush=True)) for parser in PARSERS
    ]
    print(f"{each * len(PARSERS)} inputs, {well.count(False)} parsers failed")
    return int(not all(well))


if __name__ == "__main__":
    sys.exit(main())
