#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The chart's `config` takes exactly the controller's options, but for those that the chart sets itself,
# and every policy with all its options.
set -euo pipefail

schema=$(dirname "$0")/../../charts/sparkfit/values.schema.json
own="mode listen namespaces leaseName leaseNamespace webhookListen webhookConfiguration webhookService webhookSecret
     webhookCertificateFile webhookKeyFile metricsSecure metricsService legacyMetricNames"

"$1" print-config | python3 -c '
import json, re, sys
known = set(re.findall(r"^(\w+):", sys.stdin.read(), re.M)) - set(sys.argv[2].split())
taken = set(json.load(open(sys.argv[1]))["properties"]["config"]["properties"])
for key in sorted(known - taken):
    print(f"values.schema.json does not take config.{key}", file=sys.stderr)
for key in sorted(taken - known):
    print(f"values.schema.json takes config.{key}, which is no option", file=sys.stderr)
sys.exit(known != taken)
' "$schema" "$own"

for policy in percentile adaptive max request; do
  "$1" print-config --policy "$policy"
done | python3 -c '
import json, re, sys
patterns = [one.get("pattern", "^default$") for one in json.load(open(sys.argv[1]))["definitions"]["policy"]["anyOf"]]
policies = re.findall(r"^policy: \"(.*)\"", sys.stdin.read(), re.M)
refused = [policy for policy in policies if not any(re.search(pattern, policy) for pattern in patterns)]
for policy in refused:
    print(f"values.schema.json does not take config.policy: {policy}", file=sys.stderr)
sys.exit(len(policies) != 4 or bool(refused))
' "$schema"
