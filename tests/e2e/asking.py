#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the API server much, over few connections; to be run in the cluster's network.

usage: asking.py KEYS < questions > answers

A question is a line [method, path, body or null]; its answer, in the same place, a line [status, body].
KEYS is a directory with ca.crt, admin.crt and admin.key.
"""
import concurrent.futures
import http.client
import json
import ssl
import sys
import threading
import time

API = "10.244.255.1"  # as in cluster.sh
AT_ONCE = 4
mine = threading.local()


def ask(question):
    method, path, body = question
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    if not hasattr(mine, "connection"):
        mine.connection = http.client.HTTPSConnection(API, context=context, timeout=60)
    elif time.monotonic() - mine.used > 60:  # the API server closes what is idle
        mine.connection.close()
    mine.used = time.monotonic()
    mine.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind})
    answer = mine.connection.getresponse()
    return [answer.status, json.loads(answer.read())]


def trust(keys):
    """Before anything is asked."""
    global context, mine
    mine = threading.local()
    context = ssl.create_default_context(cafile=f"{keys}/ca.crt")
    context.load_cert_chain(f"{keys}/admin.crt", f"{keys}/admin.key")


def all_of(questions, at_once=AT_ONCE):
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        yield from threads.map(ask, questions)


if __name__ == "__main__":
    trust(sys.argv[1])
    for answered in all_of([json.loads(line) for line in sys.stdin]):
        print(json.dumps(answered))
