#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Client mode: the driver is this process, so what sparkfit should know is on the executors.
#
#   MASTER=k8s://https://api.example:6443 IMAGE=apache/spark:3.5.8 DRIVER_HOST=10.0.0.7 \
#     examples/spark-submit-client.sh [option ...] APPLICATION [argument ...]
set -euo pipefail
: "${MASTER:?where the API server is}" "${IMAGE:?executors run it}" "${DRIVER_HOST:?where executors reach this machine}"

exec spark-submit \
  --master "$MASTER" --deploy-mode client --name nightly-load \
  --conf spark.kubernetes.namespace="${NAMESPACE:-jobs}" \
  --conf spark.kubernetes.container.image="$IMAGE" \
  --conf spark.driver.host="$DRIVER_HOST" \
  --conf spark.executor.instances=2 --conf spark.executor.memory=4g \
  --conf spark.kubernetes.executor.annotation.sparkfit.io/signature=nightly-load \
  --conf spark.kubernetes.executor.annotation.sparkfit.io/mode=Initial \
  --conf spark.kubernetes.executor.annotation.sparkfit.io/max-memory=16Gi \
  "$@"
