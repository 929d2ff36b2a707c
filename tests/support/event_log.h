// SPDX-License-Identifier: Apache-2.0
//
// Lines of event logs as Spark's JsonProtocol writes them (3.5, Kubernetes), made by hand.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace sparkfit::test {

inline constexpr std::int64_t kLogStart = 1'790'000'000'000;  // ms; 2026-09-21T13:33:20Z

struct TaskLine {
  std::string executor = "1";
  std::int64_t finished = kLogStart + 60'000;
  std::int64_t busy = 10'000;
  std::int64_t collecting = 500;
  std::int64_t spilled = 0;
  std::int64_t input = 0;
  std::int64_t heap = 0;        // 0: nobody polled while it ran
  std::int64_t jvm_rss = 0;     // 0: process trees are not looked at
  std::int64_t python_rss = 0;  //
  std::string reason = R"({"Reason":"Success"})";
};

inline std::string LogStart(const std::string& version = "3.5.3") {
  return fmt::format("{{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"{}\"}}\n", version);
}
inline std::string ApplicationStart(const std::string& id = "spark-1",
                                    const std::string& name = "nightly 2026-09-21",
                                    std::int64_t t = kLogStart) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerApplicationStart\",\"App Name\":\"{}\",\"App ID\":\"{}\","
      "\"Timestamp\":{},\"User\":\"spark\"}}\n",
      name, id, t);
}
inline std::string ApplicationEnd(std::int64_t t = kLogStart + 600'000,
                                  const std::string& more = "") {
  return fmt::format("{{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":{}{}}}\n", t, more);
}
// `properties`: members of an object.
inline std::string Environment(const std::string& properties) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerEnvironmentUpdate\",\"JVM Information\":{{\"Java "
      "Version\":\"17.0.12\"}},\"Spark Properties\":{{{}}},\"Hadoop Properties\":{{}},\"System "
      "Properties\":{{}},\"Classpath Entries\":{{}}}}\n",
      properties);
}
inline std::string Profile(const std::string& requests, int id = 0) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerResourceProfileAdded\",\"Resource Profile Id\":{},\"Executor "
      "Resource Requests\":{{{}}},\"Task Resource Requests\":{{\"cpus\":{{\"Resource "
      "Name\":\"cpus\",\"Amount\":1.0}}}}}}\n",
      id, requests);
}
inline std::string Request(const std::string& name, std::int64_t amount) {
  return fmt::format(
      "\"{0}\":{{\"Resource Name\":\"{0}\",\"Amount\":{1},\"Discovery "
      "Script\":\"\",\"Vendor\":\"\"}}",
      name, amount);
}
inline std::string Added(const std::string& id, std::int64_t t = kLogStart + 10'000, int cores = 4,
                         const std::string& more = "") {
  return fmt::format(
      "{{\"Event\":\"SparkListenerExecutorAdded\",\"Timestamp\":{},\"Executor "
      "ID\":\"{}\",\"Executor "
      "Info\":{{\"Host\":\"10.0.0.1\",\"Total Cores\":{},\"Log "
      "Urls\":{{}},\"Attributes\":{{}},\"Resources\":{{}},\"Resource Profile Id\":0{}}}}}\n",
      t, id, cores, more);
}
inline std::string BlockManager(const std::string& id, std::int64_t room) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerBlockManagerAdded\",\"Block Manager ID\":{{\"Executor "
      "ID\":\"{}\",\"Host\":\"10.0.0.1\",\"Port\":7079}},\"Maximum "
      "Memory\":{},\"Timestamp\":{},\"Maximum Onheap Memory\":{},\"Maximum Offheap Memory\":0}}\n",
      id, room, kLogStart, room);
}
// `reason` as it stands in JSON.
inline std::string Removed(const std::string& id, std::int64_t t, const std::string& reason) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerExecutorRemoved\",\"Timestamp\":{},\"Executor ID\":\"{}\","
      "\"Removed Reason\":\"{}\"}}\n",
      t, id, reason);
}
// As Kubernetes' view of a container that ended comes into a reason.
inline std::string Ended(int code, const std::string& explanation, const std::string& why,
                         const std::string& container = "spark-kubernetes-executor") {
  return fmt::format(
      R"(\nThe executor with id 1 exited with exit code {0}({1}).\n\n\n\nThe API gave the following container statuses:\n\n\n\t container name: {3}\n\t container image: spark:3.5.3\n\t container state: terminated\n\t container started at: 2026-09-21T13:33:30Z\n\t container finished at: 2026-09-21T13:35:00Z\n\t exit code: {0}\n\t termination reason: {2}\n      )",
      code, explanation, why, container);
}
inline std::string Task(const TaskLine& task) {
  return fmt::format(
      "{{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":0,\"Stage Attempt ID\":0,\"Task "
      "Type\":\"ResultTask\",\"Task End Reason\":{reason},\"Task Info\":{{\"Task "
      "ID\":0,\"Index\":0,\"Attempt\":0,\"Launch Time\":{launched},\"Executor "
      "ID\":\"{executor}\",\"Host\":\"10.0.0.1\",\"Locality\":\"ANY\",\"Speculative\":false,"
      "\"Getting "
      "Result Time\":0,\"Finish "
      "Time\":{finished},\"Failed\":false,\"Killed\":false,\"Accumulables\":[{{\"ID\":1,\"Name\":"
      "\"internal.metrics.jvmGCTime\",\"Update\":20,\"Value\":20,\"Internal\":true}}]}},\"Task "
      "Executor "
      "Metrics\":{{\"JVMHeapMemory\":{heap},\"JVMOffHeapMemory\":{heap},\"OnHeapUnifiedMemory\":{"
      "unified},\"OnHeapStorageMemory\":0,\"OffHeapUnifiedMemory\":0,\"DirectPoolMemory\":0,"
      "\"ProcessTreeJVMVMemory\":99,\"ProcessTreeJVMRSSMemory\":{jvm},"
      "\"ProcessTreePythonRSSMemory\":"
      "{python},\"ProcessTreeOtherRSSMemory\":0}},\"Task Metrics\":{{\"Executor Run "
      "Time\":{busy},\"JVM GC Time\":{collecting},\"Memory Bytes Spilled\":{spilled},\"Disk Bytes "
      "Spilled\":{disk},\"Shuffle Read Metrics\":{{\"Remote Bytes Read\":30,\"Local Bytes "
      "Read\":12}},\"Input Metrics\":{{\"Bytes Read\":{input},\"Records Read\":1}},\"Updated "
      "Blocks\":[]}}}}\n",
      fmt::arg("reason", task.reason), fmt::arg("launched", task.finished - task.busy),
      fmt::arg("executor", task.executor), fmt::arg("finished", task.finished),
      fmt::arg("heap", task.heap), fmt::arg("unified", task.heap / 2),
      fmt::arg("jvm", task.jvm_rss), fmt::arg("python", task.python_rss),
      fmt::arg("busy", task.busy), fmt::arg("collecting", task.collecting),
      fmt::arg("spilled", task.spilled), fmt::arg("disk", task.spilled / 4),
      fmt::arg("input", task.input));
}

// A job with 1 GiB of heap and 384 MiB of overhead, of which nothing is its executors' own.
inline const std::string& Properties() {
  static const std::string properties =
      R"("spark.master":"k8s://https://10.0.0.1:443","spark.kubernetes.namespace":"jobs",)"
      R"("spark.executor.memory":"1g","spark.kubernetes.executor.podNamePrefix":"nightly-abc",)"
      R"("spark.kubernetes.driver.pod.name":"nightly-abc-driver",)"
      R"("spark.kubernetes.driver.annotation.sparkfit.io/signature":"nightly")";
  return properties;
}
inline std::string Head(const std::string& id = "spark-1", std::int64_t t = kLogStart) {
  return LogStart() + Profile(Request("memory", 1024) + "," + Request("cores", 4)) +
         BlockManager("driver", 1000) + Environment(Properties()) +
         ApplicationStart(id, "nightly 2026-09-21", t);
}

}  // namespace sparkfit::test
