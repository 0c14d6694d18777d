#!/bin/sh
# The virtual Pi's command, on a machine that may not even have Python.
set -eu
cd "$(dirname "$0")/../../.."
if ! command -v python3 >/dev/null; then
  echo "error: python3 is missing: install it with 'sudo apt install python3'" >&2
  exit 1
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "error: $(python3 --version) is too old: use Debian 12 or newer, Ubuntu 24.04 or newer" >&2
  exit 1
fi
exec python3 -B -m tests.virtual.pi "$@"
