#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Manual pages are ones: troff has nothing to complain about, and what is printed is what was meant.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" man "$folder"
failed=0
fail() {
  echo "$*" >&2
  failed=1
}

for page in "$folder"/*.1; do
  [[ $(head -c 3 "$page") == '.\"' ]] || fail "$page: no comment first"
  for section in NAME SYNOPSIS NOTES "SEE ALSO"; do
    grep -q "^\.SH $section\$" "$page" || fail "$page: no section $section"
  done
  if command -v groff >/dev/null; then
    said=$(groff -man -Tutf8 -K utf8 -ww -z "$page" 2>&1) || true
    [[ -z $said ]] || fail "$page: $said"
  fi
  if command -v mandoc >/dev/null; then
    # Made of a version, not of a day.
    said=$(mandoc -Tlint -W warning "$page" | grep -v "missing date") || true
    [[ -z $said ]] || fail "$said"
  fi
done
command -v groff >/dev/null || echo "SKIPPED: no groff"
command -v mandoc >/dev/null || echo "SKIPPED: no mandoc"

if command -v groff >/dev/null; then
  replay=$(groff -man -Tutf8 -K utf8 -P-c "$folder/sparkfit-replay.1" | sed 's/.\x08//g')
  for wanted in "--max-memory quantity" "-o, --output FORMAT" "sparkfit replay log.ndjson --at" "NAME[:option=value,…]"; do
    [[ $replay == *"$wanted"* ]] || fail "sparkfit-replay(1) does not print: $wanted"
  done
fi
exit "$failed"
