# SPDX-License-Identifier: Apache-2.0
"""Small real Spark applications with different memory shapes. usage: jobs.py KIND ROWS ROUNDS"""
import sys
import time

from pyspark import StorageLevel
from pyspark.sql import SparkSession, functions as F

kind, rows, rounds = sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3])
spark = SparkSession.builder.getOrCreate()


def table(n, keys):
    return spark.range(0, n, 1, 8).select(
        (F.col("id") % keys).alias("k"), F.sha2(F.col("id").cast("string"), 256).alias("v"), F.rand(7).alias("x"))


def aggregate():
    table(rows, rows // 20).groupBy("k").agg(F.max("v"), F.sum("x"), F.count("*")).count()


def cache(state={}):
    if "d" not in state:
        state["d"] = table(rows, 1000).persist(StorageLevel.MEMORY_ONLY)
    state["d"].groupBy("k").agg(F.avg("x")).count()


def sort():
    table(rows, rows).orderBy("v").selectExpr("last(v)").collect()


def join():
    left, right = table(rows, rows // 4), table(rows // 4, rows // 4).withColumnRenamed("v", "w")
    left.join(right.hint("shuffle_hash"), "k").groupBy((F.col("k") % 100)).agg(F.max("w"), F.max("v")).count()


def collect():
    table(rows, 200).groupBy("k").agg(F.collect_list("v").alias("l")).select(F.sum(F.size("l"))).collect()


start = time.time()
for _ in range(rounds):
    {"aggregate": aggregate, "cache": cache, "sort": sort, "join": join, "collect": collect}[kind]()
print("OK", kind, rows, round(time.time() - start, 1))
spark.stop()
