"""The server.

usage: python3 -m tests.virtual.ntp ADDRESS
"""

from __future__ import annotations

import sys

from tests.virtual.ntp.server import serve

if __name__ == "__main__":
    serve(sys.argv[1])
