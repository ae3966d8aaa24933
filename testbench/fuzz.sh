#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given, one after another.
set -euo pipefail
log=$(mktemp)
time=${1:-3s}
cd "$(dirname "$0")/.."
n=0
while IFS=: read -r file target; do
  n=$((n + 1))
  echo "fuzz ${file%/*} $target ($time)"
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./${file%/*}" >"$log" 2>&1 || { cat "$log"; rm -f "$log"; exit 1; }
done < <(git grep -E '^func (Fuzz[A-Za-z0-9_]+)' -- '*_test.go' | sed -E 's/^([^:]+):func (Fuzz[A-Za-z0-9_]+).*/\1:\2/')
rm -f "$log"
echo "fuzz: $n targets, no failure"
