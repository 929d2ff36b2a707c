# SPDX-License-Identifier: Apache-2.0
"""Real Spark in its variants: cluster mode with EMR's keys on the driver only, Spark 4."""
from testbed import JOBS, wait_until

EMR = "spark.kubernetes.driver.annotation.emr-containers.amazonaws.com/dynamic.sizing"


def emr(bed, name, version):
    bed.spark("--cluster", name, "900m", "--conf", "spark.executor.instances=2", "--conf", f"{EMR}=true",
              "--conf", f"{EMR}.signature={name}", "--conf", f"{EMR}.mode=Initial", JOBS, "aggregate", "4e6", "30",
              version=version, timeout=400)


def test_emr_keys_on_the_driver_of_spark_3(bed):
    bed.controller("controller", 8080, "--leader-elect", "false")
    emr(bed, "emr-three", "3.5.8")
    wait_until("a target", lambda: bed.target("jobs", "emr-three"), 30)
    assert bed.recommendation("jobs", "emr-three")["status"]["effective"]["mode"] == "Initial"
    assert bed.observed("jobs", "emr-three", "executors") == 2
    return bed.target("jobs", "emr-three")


def test_a_second_run_is_the_same_job(bed):
    emr(bed, "emr-three", "3.5.8")
    wait_until("two applications", lambda: bed.observed("jobs", "emr-three", "applications") == 2, 30)
    assert bed.observed("jobs", "emr-three", "executors") == 4
    return bed.target("jobs", "emr-three")


def test_emr_keys_on_the_driver_of_spark_4(bed):
    emr(bed, "emr-four", "4.0.2")
    wait_until("a target", lambda: bed.target("jobs", "emr-four"), 30)
    return bed.target("jobs", "emr-four")
