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

API = "10.244.255.1"  # as in cluster.sh
AT_ONCE = 4
mine = threading.local()


def ask(question):
    method, path, body = question
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    if not hasattr(mine, "connection"):
        mine.connection = http.client.HTTPSConnection(API, context=context, timeout=60)
    mine.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind})
    answer = mine.connection.getresponse()
    return [answer.status, json.loads(answer.read())]


if __name__ == "__main__":
    keys = sys.argv[1]
    context = ssl.create_default_context(cafile=f"{keys}/ca.crt")
    context.load_cert_chain(f"{keys}/admin.crt", f"{keys}/admin.key")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as threads:
        for answered in threads.map(ask, [json.loads(line) for line in sys.stdin]):
            print(json.dumps(answered))
