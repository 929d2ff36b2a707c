# SPDX-License-Identifier: Apache-2.0
"""Small real Spark applications with different memory shapes. usage: jobs.py KIND SIZE ROUNDS

SIZE is in rows for aggregate, cache, off-heap, sort, join, broadcast, collect and sessions, and a second for stream; in ratings for
als and vectors for k-means and trees; the scale factor for tpcds-NUMBER (tpcds is query 2); and in MiB for
  fill     rows cached as Java objects, in all executors together: more than fits fills every heap completely
  heap     live on the heap of every task, in a form that cannot be spilled
  late     the same, but in the last round alone; the rounds before need next to nothing
  skew     the same, but one task of sixteen takes ROUNDS times as much
  direct   direct memory that every task takes; -XX:MaxDirectMemorySize is what an executor then keeps of it
  python   held by every Python worker
"""
import pathlib
import sys
import tempfile
import time

from pyspark import StorageLevel
from pyspark.sql import SparkSession, functions as F

kind, size, rounds = sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3])
spark = SparkSession.builder.getOrCreate()
TASKS = 4
CHUNK_MIB = 16


def table(n, keys):
    return spark.range(0, n, 1, 8).select(
        (F.col("id") % keys).alias("k"), F.sha2(F.col("id").cast("string"), 256).alias("v"), F.rand(7).alias("x"))


def aggregate():
    table(size, size // 20).groupBy("k").agg(F.max("v"), F.sum("x"), F.count("*")).count()


def cached(level, state={}):
    if "d" not in state:
        state["d"] = table(size, 1000).persist(level)
    state["d"].groupBy("k").agg(F.avg("x")).count()


def cache():
    cached(StorageLevel.MEMORY_ONLY)


def off_heap():
    cached(StorageLevel.OFF_HEAP)


def sort():
    table(size, size).orderBy("v").selectExpr("last(v)").collect()


def join():
    left, right = table(size, size // 4), table(size // 4, size // 4).withColumnRenamed("v", "w")
    left.join(right.hint("shuffle_hash"), "k").groupBy((F.col("k") % 100)).agg(F.max("w"), F.max("v")).count()


def broadcast():
    """The smaller side is a table of hashes in every executor, once for all of its tasks."""
    left, right = table(4 * size, size), table(size, size).withColumnRenamed("v", "w")
    left.join(F.broadcast(right), "k").groupBy((F.col("k") % 100)).agg(F.max("w"), F.max("v")).count()


def collect():
    table(size, 200).groupBy("k").agg(F.collect_list("v").alias("l")).select(F.sum(F.size("l"))).collect()


def tpcds(number=2):
    data = pathlib.Path(f"{spark.conf.get('spark.sparkfit.data')}/tpcds-{sys.argv[2]}")
    for table in data.glob("*.parquet"):
        spark.read.parquet(str(table)).createOrReplaceTempView(table.stem)
    spark.sql((data / f"query{number}.sql").read_text()).collect()


def sessions():
    """Clicks of users, some of whom click far more often, cut into sessions: a window and collected lists."""
    clicks = spark.range(0, size, 1, 8).select(
        F.expr("cast(pow(rand(3), 4) * 50000 as int) as user"), F.expr("cast(rand(5) * 2592000 as int) as at"),
        F.sha2(F.col("id").cast("string"), 256).alias("page"))
    gap = F.expr("at - lag(at, 1, 0) over (partition by user order by at)")
    number = F.expr("sum(cast(gap > 1800 as int)) over (partition by user order by at)")
    clicks.withColumn("gap", gap).withColumn("session", number).groupBy("user", "session").agg(
        F.collect_list("page").alias("pages")).agg(F.max(F.size("pages")), F.count("*")).collect()


def fitted(estimator, table):
    """By MLlib without its Python side, which wants NumPy."""
    estimator.fit(table._jdf)


def als():
    ratings = spark.range(0, size, 1, 8).select(
        F.expr("cast(rand(1) * 20000 as int) as user"), F.expr("cast(pow(rand(2), 2) * 5000 as int) as item"),
        F.expr("cast(rand(3) * 5 as float) as rating"))
    fitted(spark._jvm.org.apache.spark.ml.recommendation.ALS().setRank(20).setMaxIter(8).setSeed(1), ratings)


def vectors(more):
    """Of twenty random numbers each, beside these columns."""
    columns = [f"x{i}" for i in range(20)]
    rows = spark.range(0, size, 1, 8).select(*(F.rand(i).alias(name) for i, name in enumerate(columns)))
    names = spark.sparkContext._gateway.new_array(spark._jvm.java.lang.String, len(columns))
    for i, name in enumerate(columns):
        names[i] = name
    assembler = spark._jvm.org.apache.spark.ml.feature.VectorAssembler().setInputCols(names).setOutputCol("features")
    return type(rows)(assembler.transform(rows._jdf), spark).select("features", *more)


def k_means():
    fitted(spark._jvm.org.apache.spark.ml.clustering.KMeans().setK(20).setMaxIter(20).setSeed(1), vectors([]).cache())


def trees():
    """Gradient-boosted."""
    label = F.expr("cast(x0 + x1 * x2 > 0.7 as double) as label")
    fitted(spark._jvm.org.apache.spark.ml.classification.GBTClassifier().setMaxIter(8).setMaxDepth(5).setSeed(1), vectors([label]))


def stream():
    """Micro-batches for forty seconds; each key and minute that was seen is state."""
    rows = spark.readStream.format("rate").option("rowsPerSecond", size).option("numPartitions", 4).load()
    counted = rows.withWatermark("timestamp", "10 minutes").groupBy(
        F.window("timestamp", "1 minute"), (F.col("value") % 400_000).alias("k")).agg(
        F.count("*"), F.max(F.sha2(F.col("value").cast("string"), 256)))
    kept = tempfile.mkdtemp(dir=spark.conf.get("spark.sparkfit.scratch"))
    running = counted.writeStream.format("noop").outputMode("update").option("checkpointLocation", kept).trigger(
        processingTime="4 seconds").start()
    running.awaitTermination(40)
    running.stop()


def fill(state={}):
    """A cached DataFrame is compressed columns; an RDD of rows is what a Scala job's .rdd.cache() keeps: objects."""
    if "d" not in state:
        rows = spark.range(0, size << 10, 1, 64).select(F.expr("repeat(cast(id % 10 as string), 1000)"))
        level = spark._jvm.org.apache.spark.storage.StorageLevel.MEMORY_ONLY()
        state["d"] = rows._jdf.toJavaRDD().persist(level)
    state["d"].count()


def live(rows, tasks, mib):
    """Of every row an array of 64 KiB strings, made in one expression: nothing can spill it."""
    array = f"transform(sequence(1, cast(({mib}) * 16 as int)), i -> repeat(cast((i + id) % 10 as string), 65536))"
    spark.range(0, rows, 1, tasks).select(F.expr(f"size({array})").alias("n")).agg(F.sum("n")).collect()


def heap():
    live(2 * TASKS, TASKS, size)


def late(state={}):
    state["round"] = state.get("round", 0) + 1
    # Long enough to be seen: usage is known every 5 to 10 s.
    live(*((16 * TASKS, 4 * TASKS, size) if state["round"] == rounds else (2 * TASKS, TASKS, 16)))


def skew():
    live(16, 16, f"if(id = 11, {size * rounds}, {size})")


def direct():
    """A buffer is garbage at once, but is given back only when the heap is collected, or the maximum is reached."""
    buffer = f"reflect('java.nio.ByteBuffer', 'allocateDirect', {CHUNK_MIB << 20})"
    rows = spark.range(0, TASKS * (size // CHUNK_MIB), 1, TASKS)
    rows.select(F.expr(f"length({buffer})").alias("n")).agg(F.sum("n")).collect()


def python():
    def hold(_, mib=size):
        held = bytearray(b"x") * (mib << 20)
        time.sleep(4)
        yield len(held)

    spark.sparkContext.parallelize(range(TASKS), TASKS).mapPartitions(hold).sum()


KINDS = {f.__name__.replace("_", "-"): f
         for f in (aggregate, cache, off_heap, sort, join, broadcast, collect, tpcds, sessions, als, k_means, trees, stream, fill,
                   heap, late, skew, direct, python)}
name, _, number = kind.partition("-") if kind.startswith("tpcds-") else (kind, "", "")
start = time.time()
for _ in range(1 if kind == "skew" else rounds):
    KINDS[name](*([number] if number else []))
print("OK", kind, sys.argv[2], round(time.time() - start, 1))
spark.stop()
