// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/serve/shared_text.h"

#include <catch2/catch.hpp>

#include "fake_transport.h"

namespace sparkfit::serve {
namespace {

using std::chrono::milliseconds;

struct Story {
  std::string Get() { return *text.Get().Plain(); }

  test::FakeTime time;
  int rendered = 0;
  SharedText text{time, milliseconds(1000), [this] { return std::to_string(++rendered); }};
};

TEST_CASE("all who ask within a moment are given the same text, later ones a new one", "[serve]") {
  Story story;
  const auto first = story.text.Get();
  story.time.Pass(milliseconds(1000));
  const auto second = story.text.Get();
  CHECK(first.Plain() == second.Plain());
  CHECK(first.Gzip() == second.Gzip());
  story.time.Pass(milliseconds(1));
  CHECK(story.Get() == "2");
  // A moment is of the text: who asks again and again gets none that is older.
  story.time.Pass(milliseconds(600));
  CHECK(story.Get() == "2");
  story.time.Pass(milliseconds(600));
  CHECK(story.Get() == "3");
}

TEST_CASE("however many are sent a text for long, there are few", "[serve]") {
  Story story;
  std::vector<Body> sent;
  for (int i = 0; i < 10'000; ++i) {
    sent.push_back(story.text.Get());
    story.time.Pass(milliseconds(1));
  }
  CHECK(story.rendered == 10);  // one for each 1,001 ms of ten seconds
}

TEST_CASE("a text that could not be made is not given to anybody", "[serve]") {
  test::FakeTime time;
  int asked = 0;
  SharedText text(time, milliseconds(1000), [&]() -> std::string {
    if (++asked == 2) throw std::runtime_error("no");
    return std::to_string(asked);
  });
  CHECK(*text.Get().Plain() == "1");
  time.Pass(milliseconds(2000));
  CHECK_THROWS(text.Get());
  CHECK(*text.Get().Plain() == "3");
}

}  // namespace
}  // namespace sparkfit::serve
