#!/usr/bin/env bash
# Every linter of the project, each told once; exits 1 when any of them complained.
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit 1
failed=()
check() {
  local name=$1
  shift
  "$@" || failed+=("$name")
}

mapfile -t scripts < <(git grep --untracked -lIE '^#!.*\b(ba)?sh\b' -- ':!*.j2' ':!*.md' ':!*.py')

check yamllint yamllint --strict .
check 'ruff check' ruff check --quiet .
check 'ruff format' ruff format --quiet --check .
check shellcheck shellcheck --external-sources "${scripts[@]}"
check mypy mypy
check ansible-lint ansible-lint -q

if ((${#failed[@]})); then
  echo "lint: not clean: $(IFS=,; echo "${failed[*]}")" >&2
  exit 1
fi
echo 'lint: clean'
