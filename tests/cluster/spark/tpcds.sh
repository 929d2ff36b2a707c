#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tpcds.sh SCALE: the tables of TPC-DS as Parquet, and its queries, once per machine, for `jobs.py tpcds-NUMBER SCALE`.
# 1 is a gigabyte as text; needs about a minute and a gigabyte of memory.
set -euo pipefail
D=${CLUSTER_DIR:-${TMPDIR:-/tmp}/sparkfit-cluster}
out=$D/data/tpcds-$1
[ -f "$out/query99.sql" ] && exit
venv=$D/duckdb
# The last release with dsdgen in it.
[ -f "$venv/ready" ] || { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install -q duckdb==1.1.3 && touch "$venv/ready"; }
rm -rf "$out.part" && mkdir -p "$out.part" && cd "$out.part"
"$venv/bin/python" - "$1" <<'P'
import sys
import duckdb

db = duckdb.connect("all.duckdb")
db.sql("load tpcds")
db.sql(f"call dsdgen(sf={float(sys.argv[1])})")
for table, in db.sql("select table_name from information_schema.tables").fetchall():
    db.sql(f"copy {table} to '{table}.parquet' (format parquet)")
for number, query in db.sql("select query_nr, query from tpcds_queries()").fetchall():
    open(f"query{number}.sql", "w", encoding="utf-8").write(query.rstrip().rstrip(";") + "\n")
P
rm all.duckdb
rm -rf "$out"
mv "$out.part" "$out"
