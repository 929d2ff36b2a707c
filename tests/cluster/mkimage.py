# SPDX-License-Identifier: Apache-2.0
"""Make a one-layer container image (docker-archive tar) of a directory, with no engine and no registry.

usage: mkimage.py DIRECTORY REFERENCE ENTRYPOINT_JSON OUT.tar [USER]
"""
import hashlib, io, json, sys, tarfile

directory, reference, entrypoint, out = sys.argv[1:5]
user = sys.argv[5] if len(sys.argv) > 5 else ""
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    tar.add(directory, arcname=".")
layer = layer.getvalue()
diff_id = hashlib.sha256(layer).hexdigest()
config = json.dumps({
    "architecture": "amd64", "os": "linux",
    "config": {"Entrypoint": json.loads(entrypoint), "User": user, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff_id]},
}).encode()
name = hashlib.sha256(config).hexdigest() + ".json"
manifest = json.dumps([{"Config": name, "RepoTags": [reference], "Layers": [diff_id + "/layer.tar"]}]).encode()
with tarfile.open(out, "w") as tar:
    for path, data in ((name, config), (diff_id + "/layer.tar", layer), ("manifest.json", manifest)):
        info = tarfile.TarInfo(path)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
