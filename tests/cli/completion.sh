#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The bash completion completes: sourced and asked as bash would.
set -euo pipefail

source <("$1" completion bash)
failed=0

# expect WORDS... -- WANTED...: every wanted word is offered for the last of the words.
expect() {
  local words=() wanted
  while [[ "$1" != "--" ]]; do
    words+=("$1")
    shift
  done
  shift
  COMP_WORDS=("${words[@]}")
  COMP_CWORD=$((${#words[@]} - 1))
  COMPREPLY=()
  _sparkfit
  for wanted in "$@"; do
    if [[ " ${COMPREPLY[*]} " != *" $wanted "* ]]; then
      echo "${words[*]}: expected $wanted among: ${COMPREPLY[*]}" >&2
      failed=1
    fi
  done
}

expect sparkfit "" -- replay backtest print-config check-config completion
expect sparkfit re -- replay
expect sparkfit replay --ma -- --max-memory
expect sparkfit replay --output "" -- table json yaml
expect sparkfit backtest --policy "" -- percentile max request
expect sparkfit import "" -- prometheus
expect sparkfit import prometheus --m -- --matcher
expect sparkfit completion "" -- bash zsh fish
expect sparkfit replay "$0" -- "$0"
for shell in zsh fish; do
  "$1" completion "$shell" >/dev/null
done
"$1" completion bash | bash -n
if command -v zsh >/dev/null; then "$1" completion zsh | zsh -n; else echo "SKIPPED: no zsh"; fi
if command -v fish >/dev/null; then "$1" completion fish | fish -n; else echo "SKIPPED: no fish"; fi
exit "$failed"
