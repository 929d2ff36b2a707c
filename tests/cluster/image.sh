#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The image of the checkout, built of its Dockerfile with no container registry and no daemon; the base is made of
# this machine's Debian sources. Root, and about 10 minutes the first time; the compiler's cache is kept.
#
#   image.sh build         build it, if anything that it is made of has changed; checked: size, user, read-only root
#   image.sh load [NAME]   into the test cluster, for pods with `imagePullPolicy: Never`; prints its name
#
# CLUSTER_DIR as of cluster.sh; all of this is in its folder `image`.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
D=${CLUSTER_DIR:-${TMPDIR:-/tmp}/sparkfit-cluster}
I=$D/image
NAME=sparkfit.io/sparkfit:e2e
BASE=docker.io/library/debian:bookworm-slim
LIMIT=$((60 * 1000 * 1000))
# Where buildah keeps what `RUN --mount=type=cache` mounts.
export TMPDIR=$I/tmp BUILDAH_ISOLATION=chroot
# overlay works wherever the cluster does, whose containerd has it here too.
b() { buildah --storage-driver overlay --root "$I/storage" --runroot "$I/run" "$@"; }

base() {
  b inspect --type image "$BASE" >/dev/null 2>&1 && return
  local sources container
  sources=$(apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
  rm -rf "$I/base"
  # Its mounts go with it, however it ends.
  unshare --mount debootstrap --variant=minbase bookworm "$I/base" "$(awk '$3 == "bookworm" {print $2; exit}' <<<"$sources")" >"$I/debootstrap.log"
  echo "$sources" > "$I/base/etc/apt/sources.list"
  # Proxies, and what else this machine needs to be served.
  apt-config dump | grep -E '^Acquire::(Check|http|Retries)' > "$I/base/etc/apt/apt.conf.d/host" || true
  # As slim as the real one.
  printf 'path-exclude /usr/share/%s/*\n' doc man locale info > "$I/base/etc/dpkg/dpkg.cfg.d/slim"
  echo 'path-include /usr/share/doc/*/copyright' >> "$I/base/etc/dpkg/dpkg.cfg.d/slim"
  container=$(b from scratch)
  b add -q "$container" "$I/base" / >/dev/null
  b commit -q --rm "$container" "$BASE" >/dev/null
  rm -rf "$I/base"
}

bud() { b bud -q --pull-never --layers --force-rm "$@" "$checkout" >/dev/null; }

build() {
  mkdir -p "$TMPDIR"
  local stamp
  stamp=$(cd "$checkout" && sed -n 's/^!//p' .dockerignore | xargs -I{} find {} Dockerfile .dockerignore tests/cluster/image.sh -type f |
    sort -u | xargs sha256sum | sha256sum)
  [ "$(cat "$I/stamp" 2>/dev/null)" = "$stamp" ] && return
  base
  # A name keeps the layers of the build's packages; those of an earlier build go.
  bud --target packages -t localhost/packages
  bud -t "$NAME" --build-arg COMMIT="$(git -C "$checkout" describe --always --dirty)" \
    --build-arg VERSION="$(sed -n 's/^project(sparkfit VERSION \([^ ]*\).*/\1/p' "$checkout/CMakeLists.txt")"
  b rmi --prune >/dev/null
  size
  runs
  rm -f "$I/image.tar"
  b push -q "$NAME" "docker-archive:$I/image.tar:$NAME"
  echo "$stamp" > "$I/stamp"
}

size() { # as a registry has it
  rm -rf "$I/oci"
  b push -q "$NAME" "oci:$I/oci:e2e"
  local bytes; bytes=$(cat "$I"/oci/blobs/sha256/* | wc -c)
  rm -rf "$I/oci"
  echo "$NAME: $bytes bytes compressed"
  ((bytes <= LIMIT)) || { echo "image.sh: more than $LIMIT bytes" >&2; exit 1; }
}

runs() { # as its own user, where nothing can be written
  local user container root
  user=$(b inspect --type image --format '{{.OCIv1.Config.User}}' "$NAME")
  [[ "$user" =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || { echo "image.sh: its user is '$user', no plain number" >&2; exit 1; }
  container=$(b from --pull-never "$NAME")
  root=$(b mount "$container")
  python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["packages"]), "packages in its bill of materials")' \
    "$root/usr/share/sparkfit/sbom.spdx.json"
  unshare --mount bash -euc '
    echo "usageSource: kubelet" > "$1/config.yaml"
    mount --bind "$1" "$1"
    mount -o remount,bind,ro "$1"
    if touch "$1/new" 2>/dev/null; then echo "image.sh: $1 can be written" >&2; exit 1; fi
    run() { chroot --userspec="$2" "$1" /usr/bin/sparkfit "${@:3}"; }
    run "$1" "$2" --version
    run "$1" "$2" check-config /config.yaml
  ' - "$root" "$user"
  b rm "$container" >/dev/null
}

load() { # [name]: under that one, too
  build >&2
  local images=(ctr -a "$D/containerd/containerd.sock" -n k8s.io images)
  "${images[@]}" import "$I/image.tar" >/dev/null
  [ $# = 0 ] || "${images[@]}" tag --force "$NAME" "$1" >/dev/null
  echo "${1:-$NAME}"
}

case "${1:-}" in
build) build ;; load) shift; load "$@" ;;
*) sed -n '4,10p' "$0"; exit 2 ;;
esac
