// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/driver_book.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

PodFacts Pod(const std::string& uid, const std::string& selector) {
  PodFacts pod;
  pod.name_space = "jobs";
  pod.uid = uid;
  pod.app_selector = selector;
  return pod;
}

PodFacts DriverWith(const std::string& uid, const std::string& selector) {
  auto pod = Pod(uid, selector);
  pod.role = PodRole::kDriver;
  pod.settings.Edit().Offer(*FindSetting("sparkfit.io/signature", true), "of-" + uid);
  return pod;
}

PodFacts OwnedBy(const std::string& owner, const std::string& selector) {
  auto pod = Pod("e1", selector);
  pod.owner_uid = owner;
  return pod;
}

// Whose driver's settings an executor has; "" where it has none.
std::string Found(const DriverBook& book, const PodFacts& executor) {
  const auto* settings = book.Of(executor);
  return settings == nullptr ? "" : std::string(settings->Get(Setting::kSignature).value());
}

TEST_CASE("an executor's driver is its owner, else who has its selector", "[model][drivers]") {
  DriverBook book;
  CHECK(book.Put(DriverWith("d1", "spark-1"), false));
  CHECK_FALSE(book.Put(DriverWith("d1", "spark-1"), false));
  book.Put(DriverWith("d2", "spark-2"), false);
  CHECK(Found(book, OwnedBy("d2", "spark-1")) == "of-d2");
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-1")) == "of-d1");
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-3")).empty());
  book.Remove("d1");
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-1")).empty());
}

TEST_CASE("no selector is nobody's", "[model][drivers]") {
  DriverBook book;
  book.Put(DriverWith("d1", ""), false);
  CHECK(Found(book, OwnedBy("", "")).empty());
  CHECK_FALSE(book.IsShared(DriverWith("d2", "")));
  book.Remove("d1");
  book.Remove("d1");
}

TEST_CASE("drivers of another namespace do not matter", "[model][drivers]") {
  DriverBook book;
  auto foreign = DriverWith("d2", "spark-1");
  foreign.name_space = "others";
  book.Put(foreign, false);
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-1")).empty());
  CHECK(Found(book, OwnedBy("d2", "spark-1")).empty());
  book.Put(DriverWith("d1", "spark-1"), false);
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-1")) == "of-d1");
  CHECK_FALSE(book.IsShared(DriverWith("d1", "spark-1")));
}

TEST_CASE("of several drivers with one selector none is taken but the owner", "[model][drivers]") {
  DriverBook book;
  const auto executor = OwnedBy("a StatefulSet", "spark-1");
  book.Put(DriverWith("d1", "spark-1"), false);
  book.Put(DriverWith("d2", "spark-1"), false);
  CHECK(Found(book, executor).empty());
  CHECK(Found(book, OwnedBy("d2", "spark-1")) == "of-d2");
  CHECK(book.IsShared(DriverWith("d1", "spark-1")));
  // One that is over gives way.
  book.Put(DriverWith("d1", "spark-1"), true);
  CHECK(Found(book, executor) == "of-d2");
  CHECK_FALSE(book.IsShared(DriverWith("d2", "spark-1")));
  book.Put(DriverWith("d2", "spark-1"), true);
  CHECK(Found(book, executor).empty());
  book.Remove("d2");
  CHECK(Found(book, executor) == "of-d1");
}

// Who walked all of them for each question would be busy for a quarter of an hour.
TEST_CASE("very many drivers with one selector are asked about as quickly as two",
          "[model][drivers]") {
  constexpr int kMany = 20000;
  DriverBook book;
  const auto uid = [](int i) { return "d" + std::to_string(i); };
  for (int i = 0; i < kMany; ++i) book.Put(DriverWith(uid(i), "spark-1"), i > 0);
  const auto executor = OwnedBy("a StatefulSet", "spark-1");
  int found = 0;
  int shared = 0;
  for (int i = 0; i < kMany; ++i) {
    found += book.Of(executor) != nullptr ? 1 : 0;
    shared += book.IsShared(DriverWith(uid(i), "spark-1")) ? 1 : 0;
  }
  CHECK(found == kMany);
  CHECK(shared == kMany - 1);
  book.Put(DriverWith(uid(0), "spark-1"), true);
  CHECK(Found(book, executor).empty());
}

TEST_CASE("a driver is found by the selector that it has now", "[model][drivers]") {
  DriverBook book;
  book.Put(DriverWith("d1", "spark-1"), false);
  book.Put(DriverWith("d1", "spark-2"), false);
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-1")).empty());
  CHECK(Found(book, OwnedBy("a StatefulSet", "spark-2")) == "of-d1");
}

}  // namespace
}  // namespace sparkfit::model
