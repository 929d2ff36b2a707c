#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A real single-node Kubernetes for tests, with no container registry and no daemon left behind:
# etcd, kube-apiserver, controller-manager, scheduler, kubelet, containerd, metrics-server, all built
# from Go modules or taken from Debian, all running inside one network namespace of their own.
#
#   cluster.sh build   compile what a cluster is made of (some minutes cold on 2 cores, seconds when cached); or the tools
#                      that are named, of which helm, helm3, kubeconform, kube-state-metrics, kwok and VPA's two are only built so
#   cluster.sh keys    make the certificates and the administrator's kubeconfig alone
#   cluster.sh up      start everything, wait until the node is Ready
#   cluster.sh down    stop everything and remove the namespace; also what an earlier run left
#   cluster.sh exec C  run command C inside the cluster's network namespace
#   cluster.sh pause PART | resume PART      stop etcd, kube-apiserver or metrics-server for a while
#   cluster.sh kubeconfig NAMESPACE ACCOUNT FILE     to act with exactly that service account's rights
#
# CLUSTER_DIR (default: sparkfit-cluster in the temporary directory) holds binaries, keys, logs and state.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
D=${CLUSTER_DIR:-${TMPDIR:-/tmp}/sparkfit-cluster}
NS=${CLUSTER_NETNS:-sparkfit}
NODE_IP=10.244.255.1
KUBE_VERSION=v1.36.3
BIN=$D/bin PKI=$D/pki LOG=$D/log RUN=$D/run
[ -d /usr/local/go/bin ] && PATH=$PATH:/usr/local/go/bin
export KUBECONFIG=$D/admin.kubeconfig PATH=$BIN:$PATH
in_ns() { nsenter --net=/run/netns/$NS "$@"; }

build() { # [tool...]: what the cluster is made of, or these; each is compiled again only when what it is made of changed
  mkdir -p "$BIN"
  export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
  local v=k8s.io/component-base/version t
  # Without the stamp the API server reports v0.0.0-master and version-gated clients (helm) refuse it.
  local kube="-X $v.gitVersion=$KUBE_VERSION -X $v.gitMajor=1 -X $v.gitMinor=36 -X $v.gitTreeState=clean"
  for t in kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do
    tool "$BIN/$t" tools/kubernetes k8s.io/kubernetes/cmd/$t "$kube" "$@"
  done
  tool "$BIN/etcd" tools/etcd go.etcd.io/etcd/server/v3 "" "$@"
  tool "$BIN/metrics-server" tools/metrics-server sigs.k8s.io/metrics-server/cmd/metrics-server "" "$@"
  tool "$BIN/coredns" tools/coredns github.com/coredns/coredns "" "$@"
  tool "$D/pause/pause" pause . "" "$@"
  tool "$D/hog/hog" hog . "" "$@"
  [ $# -gt 0 ] || return 0
  tool "$BIN/helm" tools/helm helm.sh/helm/v4/cmd/helm "-X helm.sh/helm/v4/internal/version.version=v4.2.4" "$@"
  v=helm.sh/helm/v3/pkg
  tool "$BIN/helm3" tools/helm3 helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=v3.21.4 \
    -X $v/lint/rules.k8sVersionMajor=1 -X $v/lint/rules.k8sVersionMinor=36 \
    -X $v/chartutil.k8sVersionMajor=1 -X $v/chartutil.k8sVersionMinor=36" "$@"
  tool "$BIN/kubeconform" tools/kubeconform github.com/yannh/kubeconform/cmd/kubeconform "" "$@"
  tool "$BIN/kube-state-metrics" tools/kube-state-metrics k8s.io/kube-state-metrics/v2 "" "$@"
  tool "$BIN/kwok" tools/kwok sigs.k8s.io/kwok/cmd/kwok "" "$@"
  for t in recommender admission-controller; do
    tool "$BIN/vpa-$t" tools/vpa k8s.io/autoscaler/vertical-pod-autoscaler/pkg/$t "" "$@"
  done
}

tool() { # output directory package linker-flags [tool...]
  local output=$1 source=$here/$2 stamp
  local name=${output##*/}
  [ $# -gt 4 ] && [[ " ${*:5} " != *" $name "* ]] && return
  mkdir -p "${output%/*}" "$BIN/stamps"
  stamp=$({ echo "$2 $3 $4"; cat "$source"/go.* "$source"/*.go 2>/dev/null || true; } | sha256sum)
  [ -x "$output" ] && [ "$(cat "$BIN/stamps/$name" 2>/dev/null)" = "$stamp" ] && return
  (cd "$source" && go build -trimpath -ldflags "-s -w $4" -o "$output" "$3")
  echo "$stamp" > "$BIN/stamps/$name"
}

keys() {
  mkdir -p "$PKI"
  leaf() { # name subject SANs; RSA because Spark's Kubernetes client rejects EC client keys
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  }
  [ -f "$PKI/ca.crt" ] || (
    cd "$PKI"
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 365 -subj /CN=cluster-ca 2>/dev/null
    leaf admin /O=system:masters/CN=admin "IP:127.0.0.1,IP:$NODE_IP,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    leaf node /O=system:nodes/CN=system:node:node0 "IP:$NODE_IP,DNS:node0"
    openssl genrsa -out sa.key 2048 2>/dev/null
  )
  for u in admin node; do
    cat > "$D/$u.kubeconfig" <<C
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$NODE_IP", certificate-authority: $PKI/ca.crt}}]
users: [{name: $u, user: {client-certificate: $PKI/$u.crt, client-key: $PKI/$u.key}}]
contexts: [{name: test, context: {cluster: test, user: $u}}]
current-context: test
C
  done
}

start() { # name command...: run in the network namespace, keep the pid and, to resume, the command
  local n=$1; shift
  printf '%q ' "$@" > "$RUN/$n.command"
  setsid nsenter --net=/run/netns/$NS "$@" >>"$LOG/$n.log" 2>&1 < /dev/null &
  echo $! > "$RUN/$n.pid"
}

network() {
  ip netns add $NS 2>/dev/null || true
  in_ns ip link set lo up
  in_ns ip link show node0 >/dev/null 2>&1 || in_ns ip link add node0 type bridge   # only to carry the node address
  in_ns ip addr replace $NODE_IP/32 dev node0
  in_ns ip addr replace 10.0.0.1/32 dev node0        # the `kubernetes` Service: no kube-proxy here, so the API server owns its address
  in_ns ip addr replace 10.0.0.10/32 dev node0       # cluster DNS, likewise
  in_ns ip link set node0 up
  in_ns ip route replace default dev node0          # kubelet wants a default route to pick its interface
  in_ns sysctl -qw net.ipv4.ip_forward=1
  mkdir -p "$D/cni"
  cat > "$D/cni/10-bridge.conflist" <<C
{"cniVersion":"0.4.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"$D/cni-ipam","ranges":[[{"subnet":"10.244.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"loopback"}]}
C
}

up() {
  in_ns kubectl get --raw /readyz >/dev/null 2>&1 && { echo "the cluster is up"; return; }
  down >/dev/null 2>&1
  mkdir -p "$LOG" "$RUN" "$D/containerd" "$D/etcd"
  keys; network
  cat > "$D/containerd/config.toml" <<C
version = 2
root = "$D/containerd/root"
state = "$D/containerd/state"
[grpc]
  address = "$D/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$D/cni"
C
  start containerd containerd -c "$D/containerd/config.toml"
  start etcd "$BIN/etcd" --name=node0 --data-dir="$D/etcd" --unsafe-no-fsync \
    --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
    --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 --initial-cluster=node0=http://127.0.0.1:2380
  # --enable-aggregator-routing: no kube-proxy here, so webhooks and APIServices dial endpoint addresses directly.
  start kube-apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address=$NODE_IP --bind-address=0.0.0.0 --secure-port=443 \
    --allow-privileged=true --enable-aggregator-routing=true --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=Node,RBAC \
    --tls-cert-file="$PKI/admin.crt" --tls-private-key-file="$PKI/admin.key" --client-ca-file="$PKI/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file="$PKI/sa.key" --service-account-signing-key-file="$PKI/sa.key" \
    --proxy-client-cert-file="$PKI/admin.crt" --proxy-client-key-file="$PKI/admin.key" --requestheader-client-ca-file="$PKI/ca.crt" --requestheader-allowed-names=admin \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --kubelet-client-certificate="$PKI/admin.crt" --kubelet-client-key="$PKI/admin.key" --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$PKI/ca.crt"
  for _ in $(seq 120); do in_ns kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 0.5; done
  start kube-controller-manager "$BIN/kube-controller-manager" --leader-elect=false --kubeconfig="$D/admin.kubeconfig" --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/sa.key" --bind-address=127.0.0.1
  start kube-scheduler "$BIN/kube-scheduler" --leader-elect=false --kubeconfig="$D/admin.kubeconfig" --bind-address=127.0.0.1
  cat > "$D/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://$D/containerd/containerd.sock
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
makeIPTablesUtilChains: false
clusterDNS: ["10.0.0.10"]
clusterDomain: cluster.local
localStorageCapacityIsolation: false
tlsCertFile: $PKI/node.crt
tlsPrivateKeyFile: $PKI/node.key
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "100Mi", nodefs.available: "1%", imagefs.available: "1%", nodefs.inodesFree: "1%"}
C
  image "$D/pause" localhost/pause:1 '["/pause"]'
  image "$D/hog" localhost/hog:1 '["/hog"]'
  # Its cAdvisor asks a containerd of its own choice for the names of containers.
  start kubelet "$BIN/kubelet" --config="$D/kubelet.yaml" --kubeconfig="$D/node.kubeconfig" --hostname-override=node0 --node-ip=$NODE_IP \
    --root-dir="$D/kubelet" --containerd="$D/containerd/containerd.sock"
  cat > "$D/Corefile" <<C
cluster.local:53 {
  bind 10.0.0.10
  errors
  kubernetes cluster.local {
    kubeconfig $D/admin.kubeconfig
    pods insecure
  }
}
C
  start coredns "$BIN/coredns" -conf "$D/Corefile"
  start metrics-server "$BIN/metrics-server" --kubeconfig="$D/admin.kubeconfig" --authentication-kubeconfig="$D/admin.kubeconfig" --authorization-kubeconfig="$D/admin.kubeconfig" \
    --bind-address=0.0.0.0 --secure-port=4443 --tls-cert-file="$PKI/admin.crt" --tls-private-key-file="$PKI/admin.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP --metric-resolution=10s --kubelet-request-timeout=5s
  in_ns kubectl apply -f - >/dev/null <<'C'
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {clusterIP: None, ports: [{name: https, port: 4443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: metrics-server, namespace: kube-system, labels: {kubernetes.io/service-name: metrics-server}}
addressType: IPv4
ports: [{name: https, port: 4443, protocol: TCP}]
endpoints: [{addresses: ["10.244.255.1"], conditions: {ready: true}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec: {group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true,
  service: {name: metrics-server, namespace: kube-system, port: 4443}}
C
  for _ in $(seq 60); do in_ns kubectl wait --for=condition=Ready node/node0 --timeout=5s >/dev/null 2>&1 && break; sleep 1; done
  in_ns kubectl get nodes
}

image() { # directory reference entrypoint-json: make a one-layer image of the directory and load it
  python3 "$here/mkimage.py" "$1" "$2" "$3" "$D/image.tar"
  for _ in $(seq 40); do ctr -a "$D/containerd/containerd.sock" version >/dev/null 2>&1 && break; sleep 0.5; done
  ctr -a "$D/containerd/containerd.sock" -n k8s.io images import "$D/image.tar" >/dev/null
}

stop() { # name: end a process that `start` began, and wait for it
  local pid; pid=$(cat "$RUN/$1.pid" 2>/dev/null) || return 0
  # The number may be another process's by now.
  tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF -e "$D" -e /run/netns || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 20); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.25; done
  kill -9 "$pid" 2>/dev/null || true
}

down() {
  in_ns kubectl delete pods --all -A --force --grace-period=0 >/dev/null 2>&1 || true
  for n in metrics-server coredns kubelet kube-scheduler kube-controller-manager kube-apiserver etcd; do stop $n; done
  local c="ctr -a $D/containerd/containerd.sock -n k8s.io"
  for t in $($c tasks ls -q 2>/dev/null); do $c tasks kill -s 9 "$t" >/dev/null 2>&1 || true; done
  sleep 1
  for t in $($c containers ls -q 2>/dev/null); do $c tasks rm -f "$t" >/dev/null 2>&1 || true; $c containers rm "$t" >/dev/null 2>&1 || true; done
  stop containerd
  awk -v d="$D/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount -l 2>/dev/null || true
  for n in $(ip netns list 2>/dev/null | awk '/^cni-/ {print $1}'); do ip netns del "$n" 2>/dev/null || true; done
  ip netns del $NS 2>/dev/null || true
  rm -rf "$D/etcd" "$D/kubelet" "$D/containerd" "$D/cni-ipam" "$D/spark-image" "$RUN"
}

kubeconfig() { # namespace account file
  local token; token=$(in_ns kubectl -n "$1" create token "$2" --duration=8h)
  (umask 077; printf '%s' "$token" > "$3.token")
  cat > "$3" <<C
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$NODE_IP", certificate-authority: $PKI/ca.crt}}]
users: [{name: account, user: {tokenFile: $3.token}}]
contexts: [{name: test, context: {cluster: test, user: account, namespace: $1}}]
current-context: test
C
}

resume() { eval "start $1 $(cat "$RUN/$1.command")"; }

case "${1:-}" in
build) shift; build "$@" ;; keys) keys ;; up) up ;; down) down ;;
pause) stop "$2" ;;
resume) resume "$2" ;;
kubeconfig) shift; kubeconfig "$@" ;;
image) shift; image "$@" ;;
exec) shift; in_ns "$@" ;;
*) sed -n '4,19p' "$0"; exit 2 ;;
esac
