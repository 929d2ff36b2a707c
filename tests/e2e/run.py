#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs suites of end-to-end tests against a real cluster.

usage: run.py [--list] [--smoke] [SUITE ...]

A suite is a module in suites/ with functions test_*(bed), run in order; SMOKE = True puts it into the
short row. Results are kept in build/e2e/<suite>/. The cluster is brought up if need be and left up.
"""
import argparse
import importlib
import json
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import testbed  # noqa: E402


def suites():
    names = sorted(path.stem for path in (HERE / "suites").glob("*.py"))
    return {name: importlib.import_module(f"suites.{name}") for name in names}


def tests_of(module):
    return [(name, function) for name, function in vars(module).items() if name.startswith("test_")]


def run_suite(name, module):
    directory = testbed.ROOT / "build/e2e" / name
    directory.mkdir(parents=True, exist_ok=True)
    bed = testbed.Testbed(directory)
    results = []
    try:
        bed.prepare()
        for test, function in tests_of(module):
            testbed.log(f"--- {name}: {test}")
            begun = time.monotonic()
            result = {"suite": name, "test": test, "ok": True}
            try:
                result["measured"] = function(bed)
            except Exception as error:  # a failed test must not hide the others
                traceback.print_exc()
                result.update(ok=False, error=str(error)[:500])
            result["seconds"] = round(time.monotonic() - begun, 1)
            results.append(result)
    finally:
        bed.end()
        (directory / "result.json").write_text(json.dumps(results, indent=1) + "\n")
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    known = suites()
    if arguments.list:
        for name, module in known.items():
            print(f"{name:12} {module.__doc__.strip().splitlines()[0]}")
        return 0
    unknown = set(arguments.suites) - set(known)
    if unknown:
        parser.error(f"no suite {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = arguments.suites or [n for n, m in known.items() if not arguments.smoke or getattr(m, "SMOKE", False)]
    results = [result for name in chosen for result in run_suite(name, known[name])]
    print()
    for r in results:
        print(f"{'ok  ' if r['ok'] else 'FAIL'} {r['suite']:10} {r['test']:52} {r['seconds']:6} s  "
              f"{r.get('measured') or r.get('error', '')}")
    return 0 if results and all(r["ok"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
