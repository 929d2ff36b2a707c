#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance tests against the API server in memory.

usage: with_fake.py TESTS [ARGUMENT ...]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fake_api"))
import fake_api  # noqa: E402

with tempfile.TemporaryDirectory() as directory:
    _, kubeconfig = fake_api.start(pathlib.Path(directory))
    environment = {**os.environ, "SPARKFIT_CONFORMANCE_KUBECONFIG": str(kubeconfig)}
    sys.exit(subprocess.run(sys.argv[1:], env=environment, timeout=240, check=False).returncode)
