#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Run a real Spark application on the test cluster, executors as real pods made by Spark's own Kubernetes scheduler.
#
#   SPARK_VERSION=3.5.8 submit.sh [--cluster] NAME HEAP [--conf k=v ...] script.py|Class.java [args]
#   SPARK_VERSION=3.5.8 submit.sh [--cluster] --with COMMAND...
#
# --with runs a command that calls spark-submit itself: what this cluster needs is in the spark-defaults.conf that it
# finds, and MASTER, IMAGE and DRIVER_HOST are set. What is submitted is in the pods as local:///opt/app/….
#
# SPARK_VERSION (default 3.5.8) is pyspark's, installed into a virtual environment of its own.
# Default: client mode, the driver a process in the cluster's network namespace. --cluster: the driver is a pod
# too, and the settings given with --conf spark.kubernetes.driver.{label,annotation}.* are on it.
# Needs pyspark (pip) and a JDK 17; Class.java is compiled first. What jobs read is in CLUSTER_DIR/data, in the pods
# under the same path. The image is a few empty directories: the host's /usr, /etc and Spark are
# mounted read-only, so nothing has to be pulled or copied.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
D=${CLUSTER_DIR:-${TMPDIR:-/tmp}/sparkfit-cluster}
NODE_IP=10.244.255.1
export KUBECONFIG=$D/admin.kubeconfig
in_cluster() { "$here/../cluster.sh" exec "$@"; }
mode=client; [ "$1" = --cluster ] && { mode=cluster; shift; }
venv=$D/pyspark-${SPARK_VERSION:=3.5.8}
[ -f "$venv/ready" ] || { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install -q "pyspark==$SPARK_VERSION" && touch "$venv/ready"; }
export PATH=$venv/bin:$PATH
spark=$("$venv/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
java_home=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")

jar() { # Class.java: compiled into a jar, whose path is printed
  local out=$D/data/java-$SPARK_VERSION
  mkdir -p "$out" && "$java_home/bin/javac" -cp "$spark/jars/*" -d "$out" "$1"
  (cd "$out" && "$java_home/bin/jar" cf "$(basename "$1" .java).jar" ./*.class)
  echo "$out/$(basename "$1" .java).jar"
}

template() { # container name, file: a pod template that mounts the host's programs and Spark
  cat > "$2.$$" <<C
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: $1
    imagePullPolicy: Never
    env: [{name: SPARK_HOME, value: /opt/spark}, {name: JAVA_HOME, value: $java_home}, {name: PYSPARK_PYTHON, value: /usr/bin/python3}]
    volumeMounts:
    - {name: usr, mountPath: /usr, readOnly: true}
    - {name: etc, mountPath: /etc, readOnly: true}
    - {name: bin, mountPath: /bin, readOnly: true}
    - {name: lib, mountPath: /lib, readOnly: true}
    - {name: lib64, mountPath: /lib64, readOnly: true}
    - {name: jars, mountPath: /opt/spark/jars, readOnly: true}
    - {name: submit, mountPath: /opt/spark/bin, readOnly: true}
    - {name: python, mountPath: /opt/spark/python, readOnly: true}
    - {name: app, mountPath: /opt/app, readOnly: true}
    - {name: data, mountPath: $D/data, readOnly: true}
    - {name: scratch, mountPath: $D/scratch}
  volumes:
  - {name: usr, hostPath: {path: /usr}}
  - {name: etc, hostPath: {path: /etc}}
  - {name: bin, hostPath: {path: /usr/bin}}
  - {name: lib, hostPath: {path: /usr/lib}}
  - {name: lib64, hostPath: {path: /usr/lib64}}
  - {name: jars, hostPath: {path: $spark/jars}}
  - {name: submit, hostPath: {path: $spark/bin}}
  - {name: python, hostPath: {path: $spark/python}}
  - {name: app, hostPath: {path: $here}}
  - {name: data, hostPath: {path: $D/data}}
  - {name: scratch, hostPath: {path: $D/scratch}}
C
  mv "$2.$$" "$2" # at once: another application may be starting
}

mkdir -p "$D/data" "$D/scratch"
chmod 1777 "$D/scratch"
if [ ! -f "$D/spark-image" ]; then
  r=$D/spark-rootfs; mkdir -p "$r"/{usr,etc,bin,lib,lib64,tmp,proc,sys,dev,opt/app,opt/spark/{conf,jars,bin,python}}; chmod 1777 "$r/tmp"
  cp "$here/entrypoint.sh" "$r/opt/entrypoint.sh"
  "$here/../cluster.sh" image "$r" localhost/spark:1 '["/opt/entrypoint.sh"]'
  in_cluster kubectl create namespace jobs >/dev/null
  in_cluster kubectl -n jobs create serviceaccount spark >/dev/null
  in_cluster kubectl -n jobs create rolebinding spark --clusterrole=edit --serviceaccount=jobs:spark >/dev/null
  touch "$D/spark-image"
fi
template spark-kubernetes-executor "$venv/executor.yaml"
template spark-kubernetes-driver "$venv/driver.yaml"

token=$(in_cluster kubectl -n jobs create token spark --duration=4h)
export SPARK_CONF_DIR
SPARK_CONF_DIR=$(mktemp -d "$venv/conf.XXXXXX")
{
  cat <<C
spark.master k8s://https://$NODE_IP:443
spark.submit.deployMode $mode
spark.kubernetes.namespace jobs
spark.kubernetes.container.image localhost/spark:1
spark.kubernetes.executor.podTemplateFile $venv/executor.yaml
spark.sparkfit.data $D/data
spark.sparkfit.scratch $D/scratch
spark.executor.cores 1
spark.kubernetes.executor.request.cores 100m
C
  if [ $mode = cluster ]; then
    cat <<C
spark.kubernetes.authenticate.driver.serviceAccountName spark
spark.kubernetes.driver.podTemplateFile $venv/driver.yaml
spark.driver.memory 600m
spark.kubernetes.driver.request.cores 100m
spark.kubernetes.authenticate.submission.caCertFile $D/pki/ca.crt
spark.kubernetes.authenticate.submission.oauthToken $token
C
  else
    cat <<C
spark.driver.host $NODE_IP
spark.kubernetes.authenticate.caCertFile $D/pki/ca.crt
spark.kubernetes.authenticate.oauthToken $token
C
  fi
} > "$SPARK_CONF_DIR/spark-defaults.conf"
trap 'rm -rf "$SPARK_CONF_DIR"' EXIT
export MASTER=k8s://https://$NODE_IP:443 IMAGE=localhost/spark:1 DRIVER_HOST=$NODE_IP
# Spark's client would otherwise also read KUBECONFIG and mix the two identities.
submit() { env -u KUBECONFIG KUBERNETES_AUTH_TRYKUBECONFIG=false SPARK_LOCAL_IP=$NODE_IP "$here/../cluster.sh" exec "$@"; }

if [ "$1" = --with ]; then
  shift
  submit "$@"
  exit
fi
name=$1 heap=$2; shift 2
args=() in_pod=
[ $mode = cluster ] && in_pod=local:// # what the driver pod reads is there already
for a in "$@"; do
  case "$a" in
  *.py) [ $mode = cluster ] && args+=("local:///opt/app/$(basename "$a")") || args+=("$a") ;;
  *.java) jar=$(jar "$a") && args+=(--class "$(basename "$a" .java)" "$in_pod$jar") ;;
  *) args+=("$a") ;;
  esac
done
[ $mode = client ] && args=(--conf spark.kubernetes.executor.label.sparkfit.io/signature="$name" "${args[@]}")
submit spark-submit --name "$name" --conf spark.executor.memory="$heap" "${args[@]}"
