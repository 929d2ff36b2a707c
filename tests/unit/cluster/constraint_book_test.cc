// SPDX-License-Identifier: Apache-2.0
#include "cluster/constraint_book.h"

#include <catch2/catch.hpp>

namespace sparkfit::cluster {
namespace {

using base::Bytes;
using base::MiB;
using model::EventType;

ConstraintEvent Range(const std::string& name_space, const std::string& name,
                      std::int64_t max_mib) {
  ConstraintEvent event{Kind::kLimitRanges, EventType::kAdded, name_space, name, {}};
  event.constraints.container.max = MiB(max_mib);
  return event;
}

TEST_CASE("what was not listed yet is not known", "[cluster][constraints]") {
  ConstraintBook book;
  book.Take(Range("jobs", "a", 100));
  CHECK_FALSE(book.Of("jobs").known);
  book.SetListed({Kind::kLimitRanges, {"other/x"}, "other"});
  CHECK_FALSE(book.Of("jobs").known);
  book.SetListed({Kind::kLimitRanges, {"jobs/a"}, "jobs"});
  CHECK(book.Of("jobs").known);
  CHECK(book.Of("other").known);
  CHECK_FALSE(book.Of("third").known);
  book.SetListed({Kind::kLimitRanges, {"jobs/a"}});
  CHECK(book.Of("third").known);
}

TEST_CASE("quotas that were not listed yet leave nothing", "[cluster][constraints]") {
  ConstraintBook book;
  CHECK(book.Of("jobs").requests_left == Bytes{});
  CHECK(book.Of("jobs").limits_left == Bytes{});
  book.SetListed({Kind::kResourceQuotas, {}});
  CHECK_FALSE(book.Of("jobs").requests_left);
  CHECK_FALSE(book.Of("jobs").limits_left);
}

TEST_CASE("of all that a namespace has the strictest counts, until it is gone",
          "[cluster][constraints]") {
  ConstraintBook book;
  book.SetListed({Kind::kLimitRanges, {}});
  book.SetListed({Kind::kResourceQuotas, {}});
  book.Take(Range("jobs", "a", 300));
  book.Take(Range("jobs", "b", 200));
  book.Take(Range("other", "c", 100));
  ConstraintEvent quota{Kind::kResourceQuotas, EventType::kAdded, "jobs", "a", {}};
  quota.constraints.requests_left = MiB(50);
  book.Take(quota);
  CHECK(book.Of("jobs").container.max == MiB(200));
  CHECK(book.Of("jobs").requests_left == MiB(50));
  auto gone = Range("jobs", "b", 200);
  gone.event = EventType::kDeleted;
  book.Take(gone);
  CHECK(book.Of("jobs").container.max == MiB(300));
  book.SetListed({Kind::kLimitRanges, {"other/c"}});
  CHECK_FALSE(book.Of("jobs").container.max);
  CHECK(book.Of("jobs").requests_left == MiB(50));  // of the other kind
  CHECK(book.Of("other").container.max == MiB(100));
  auto unread = Range("jobs", "d", 1);
  unread.constraints = model::UnknownRange();
  book.Take(unread);
  CHECK_FALSE(book.Of("jobs").known);
  CHECK(book.Of("other").known);
}

}  // namespace
}  // namespace sparkfit::cluster
