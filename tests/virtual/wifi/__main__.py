"""Makes the image of the machine with radios, where it is not made yet."""

from __future__ import annotations

import sys

from tests.virtual.pi.checkout import Failure
from tests.virtual.wifi import machine

if __name__ == "__main__":
    try:
        print(f"The machine with radios: {machine.image()}")
    except Failure as failure:
        sys.exit(f"error: {failure}")
