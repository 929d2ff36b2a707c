#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docs/reference.md is what the binary says of itself.
set -euo pipefail
exec "$(dirname "$0")/../../tools/reference" "$1" --check
