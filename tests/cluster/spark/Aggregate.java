// SPDX-License-Identifier: Apache-2.0

// A Spark application on the JVM alone, for what Spark does otherwise for Python: in cluster mode its executors get
// an overhead of a tenth. usage: Aggregate ROWS ROUNDS
import static org.apache.spark.sql.functions.*;

import org.apache.spark.sql.SparkSession;

public final class Aggregate {
  public static void main(String[] args) {
    long rows = Double.valueOf(args[0]).longValue();
    int rounds = Integer.parseInt(args[1]);
    SparkSession spark = SparkSession.builder().getOrCreate();
    for (int i = 0; i < rounds; i++) {
      spark.range(0, rows, 1, 8)
          .select(col("id").mod(rows / 20).as("k"), sha2(col("id").cast("string"), 256).as("v"))
          .groupBy("k").agg(max("v")).count();
    }
    System.out.println("OK aggregate " + rows);
    spark.stop();
  }
}
