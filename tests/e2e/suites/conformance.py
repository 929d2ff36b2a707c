# SPDX-License-Identifier: Apache-2.0
"""What the controller relies on, asked of the real API server with exactly the controller's rights."""
import os
import re
import subprocess

from testbed import CLUSTER, ROOT, kubectl

SMOKE = True


def test_the_api_server_is_as_we_rely_on(bed):
    kubectl("create", "namespace", "conformance", check=False)
    tests = ROOT / "build/release/tests/sparkfit_conformance_tests"
    done = subprocess.run([CLUSTER, "exec", tests], capture_output=True, text=True, timeout=240, check=False, env={
        **os.environ, "SPARKFIT_CONFORMANCE_KUBECONFIG": str(bed.directory / "kubeconfig")})
    (bed.directory / "conformance.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-2000:]
    return re.search(r"All tests passed \((.*)\)", done.stdout).group(1)
