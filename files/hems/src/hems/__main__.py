"""``python -m hems`` is the hems command."""

from __future__ import annotations

import sys

from hems.cli import main

if __name__ == "__main__":
    sys.exit(main())
