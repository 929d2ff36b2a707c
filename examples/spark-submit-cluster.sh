#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Cluster mode: the driver is a pod, and what is on it counts for its executors.
#
#   MASTER=k8s://https://api.example:6443 IMAGE=apache/spark:3.5.8 \
#     examples/spark-submit-cluster.sh [option ...] local:///APPLICATION [argument ...]
set -euo pipefail
: "${MASTER:?where the API server is}" "${IMAGE:?driver and executors run it}"

exec spark-submit \
  --master "$MASTER" --deploy-mode cluster --name nightly-load \
  --conf spark.kubernetes.namespace="${NAMESPACE:-jobs}" \
  --conf spark.kubernetes.authenticate.driver.serviceAccountName="${SERVICE_ACCOUNT:-spark}" \
  --conf spark.kubernetes.container.image="$IMAGE" \
  --conf spark.executor.instances=2 --conf spark.executor.memory=4g \
  --conf spark.kubernetes.driver.annotation.sparkfit.io/signature=nightly-load \
  --conf spark.kubernetes.driver.annotation.sparkfit.io/mode=Initial \
  --conf spark.kubernetes.driver.annotation.sparkfit.io/max-memory=16Gi \
  "$@"
