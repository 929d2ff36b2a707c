#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The shells' scripts complete: bash's is sourced and asked as bash would, kubectl's is run.
set -euo pipefail

PATH="$(cd "$(dirname "$1")" && pwd):$PATH"
unset KUBECONFIG
export HOME=/nonexistent
source <(sparkfit completion bash)
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
  offered=${#COMPREPLY[@]}
}

# nothing WORDS...: neither words nor files are offered.
nothing() {
  expect "$@" --
  if ((offered > 0)); then
    echo "$*: expected nothing: ${COMPREPLY[*]}" >&2
    failed=1
  fi
}

expect sparkfit "" -- replay backtest print-config check-config completion man
expect sparkfit re -- replay
expect sparkfit replay --ma -- --max-memory
expect sparkfit replay --output "" -- table wide csv name json yaml
expect sparkfit explain job --output "" -- table json yaml
expect sparkfit replay --output = j -- json
expect sparkfit backtest --policy "" -- percentile max request
expect sparkfit import "" -- prometheus
expect sparkfit import prometheus --m -- --matcher
expect sparkfit completion "" -- bash zsh fish kubectl
expect sparkfit replay "$0" -- "$0"
expect sparkfit record --output "$0" -- "$0"
expect sparkfit man "$(dirname "$0")" -- "$(dirname "$0")"
nothing sparkfit backtest --runs ""
nothing sparkfit explain ""
nothing sparkfit nosuch ""

# As kubectl runs it, which reads cobra's lines.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ln -s "$(command -v sparkfit)" "$folder/kubectl-sparkfit"
sparkfit completion kubectl >"$folder/kubectl_complete-sparkfit"
chmod +x "$folder/kubectl_complete-sparkfit"
asked=$(PATH="$folder:$PATH" kubectl_complete-sparkfit list --sort-by w)
if [[ $asked != $'waste\n:4' ]]; then
  echo "kubectl_complete-sparkfit said: $asked" >&2
  failed=1
fi

sparkfit completion bash | bash -n
sparkfit completion kubectl | sh -n
if command -v zsh >/dev/null; then sparkfit completion zsh | zsh -n; else echo "SKIPPED: no zsh"; fi
if command -v fish >/dev/null; then sparkfit completion fish | fish -n; else echo "SKIPPED: no fish"; fi
exit "$failed"
