# SPDX-License-Identifier: Apache-2.0
"""The same job from Airflow, in three ways. (Airflow 2: `from airflow import DAG`.)"""
import datetime
import json
import pathlib

from airflow.providers.amazon.aws.operators.emr import EmrContainerOperator
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from airflow.sdk import DAG

SPARKFIT = {
    "spark.kubernetes.executor.annotation.sparkfit.io/signature": "nightly-load",
    "spark.kubernetes.executor.annotation.sparkfit.io/mode": "Initial",
}

with DAG(dag_id="nightly", schedule="@daily", start_date=datetime.datetime(2026, 1, 1), catchup=False):
    # spark-submit; the connection says which cluster, and that it is Kubernetes.
    SparkSubmitOperator(
        task_id="load_by_spark_submit",
        conn_id="spark_on_kubernetes",
        application="local:///opt/app/nightly_load.py",
        deploy_mode="cluster",
        conf={"spark.executor.memory": "4g", **SPARKFIT},
    )

    # The Spark operator. Airflow labels driver and executors with DAG and task: with `derivedSignatures: airflow` the file needs
    # no signature of its own.
    SparkKubernetesOperator(
        task_id="load_by_spark_application",
        namespace="jobs",
        application_file="spark-application.yaml",
    )

    # EMR on EKS, with what emr-start-job-run.json has.
    JOB = json.loads((pathlib.Path(__file__).parent / "emr-start-job-run.json").read_text())
    EmrContainerOperator(
        task_id="load_by_emr",
        name=JOB["name"],
        virtual_cluster_id=JOB["virtualClusterId"],
        execution_role_arn=JOB["executionRoleArn"],
        release_label=JOB["releaseLabel"],
        job_driver=JOB["jobDriver"],
        configuration_overrides=JOB["configurationOverrides"],
    )
