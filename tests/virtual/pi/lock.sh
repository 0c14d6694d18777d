#!/usr/bin/env bash
# Writes every lock file anew from the files beside them, with hashes. A version that still fits stays;
# with UPGRADE=1 in the environment the newest that fits is taken.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export UV_SYSTEM_CERTS=1   # trust what this machine trusts

compile() {
  local python=$1 from=$2 to=$3
  shift 3
  echo "$to"
  uv pip compile --quiet --universal --no-python-downloads --python-version "$python" \
    --generate-hashes --custom-compile-command 'make lock' ${UPGRADE:+--upgrade} "$@" "$from" --output-file "$to"
}

compile 3.11 pyproject.toml requirements.txt                   # the controller: Debian 12 and newer
compile 3.13 files/hems/pyproject.toml files/hems/requirements.txt                 # Debian trixie's
compile 3.11 tests/contract/hosts/requirements.in tests/contract/hosts/requirements.txt   # Zigbee hosts, for tests
for name in requirements requirements-build; do
  compile 3.13 "roles/configurator/files/$name.in" "roles/configurator/files/$name.txt" --no-deps
done
compile 3.13 roles/self_update/files/requirements.in roles/self_update/files/requirements.txt   # what a box plays with
echo "roles/home_assistant"
python roles/home_assistant/files/lock/lock.py
