#!/usr/bin/env bash
# Runs every fuzz target of the module, two side by side, for so many inputs ("20000x")
# or so long ("10m"). Where the verdict counts, count inputs: when time runs out under a
# worker on a busy machine, Go before 1.27 calls that a failure (golang.org/issue/75804).
set -euo pipefail
export FUZZTIME=${1:-20000x}
cd "$(dirname "$0")/.."

one() { # file target
  local log; log=$(mktemp)
  if go test -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZTIME" -parallel 1 "./$(dirname "$1")" >"$log" 2>&1; then
    echo "fuzz $(dirname "$1") $2 ($FUZZTIME)"
    rm -f "$log"
  else
    echo "fuzz $(dirname "$1") $2 failed:"
    cat "$log"
    rm -f "$log"
    exit 255 # ends xargs
  fi
}
export -f one

targets=$(git grep -E '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed -E 's/^([^:]+):func (Fuzz[A-Za-z0-9_]+).*/\1 \2/')
xargs -P 2 -L 1 bash -c 'one "$0" "$1"' <<<"$targets"
echo "fuzz: $(wc -l <<<"$targets") targets, no failure"
