# SPDX-License-Identifier: Apache-2.0
"""The commands that documents tell people to type: all lines of their fences that are marked `sh`."""
import re

FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text):
    """In order, continued lines joined, remarks behind them gone."""
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"\s+# .*$", "", line)
            line = re.sub(r"\s+", " ", line).strip()
            if line and not line.startswith("#"):
                yield line
