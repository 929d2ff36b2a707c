// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/list_watch.h"

#include <catch2/catch.hpp>

#include "fake_transport.h"

namespace sparkfit::kube {
namespace {

using test::Answer;
using test::FakeApi;

// Writes down what it is given: "[" list "]", "+a ~a -a", "!" trouble, "ok" its end.
class Notes final : public CollectionHandler {
 public:
  void OnListBegin() override { text += "[ "; }
  void OnListed(std::string_view object) override { text += Name(object) + " "; }
  void OnListEnd() override { text += "] "; }
  void OnChange(Change change, std::string_view object) override {
    text += (change == Change::kAdded      ? "+"
             : change == Change::kModified ? "~"
                                           : "-") +
            Name(object) + " ";
  }
  void OnTrouble(const std::string& why) override { text += why.empty() ? "ok " : "! "; }

  std::string text;

 private:
  static std::string Name(std::string_view object) {
    const auto at = object.find("\"name\":\"") + 8;
    return std::string(object.substr(at, object.find('"', at) - at));
  }
};

std::string Object(const std::string& name, int version) {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + std::to_string(version) +
         R"("}})";
}

std::string Event(const std::string& type, const std::string& name, int version) {
  return R"({"type":")" + type + R"(","object":)" + Object(name, version) + "}\n";
}

std::string ListOf(const std::string& items, int version, const std::string& next = "") {
  return R"({"kind":"List","metadata":{"resourceVersion":")" + std::to_string(version) +
         R"(","continue":")" + next + R"("},"items":[)" + items + "]}";
}

bool Has(const Request& request, const std::string& text) {
  return request.target.find(text) != std::string::npos;
}

const Collection kThings{"things", "/things", ""};

// Follows until the answers are used up.
struct Story {
  explicit Story(std::vector<Answer> answers_)
      : answers(std::move(answers_)),
        api(
            [this](const Request&) {
              if (next == answers.size()) {
                stop.request_stop();
                return Answer{.status = 200};
              }
              return answers[next++];
            },
            {.attempts = 1}) {
    Reflector(api.client, api.time, kThings, notes).Run(stop.get_token());
  }

  std::vector<Answer> answers;
  std::size_t next = 0;
  std::stop_source stop;
  FakeApi api;
  Notes notes;
};

TEST_CASE("a collection is listed by pages, then watched from the list's version", "[kube]") {
  Story story({{.body = ListOf(Object("a", 1), 5, "next")},
               {.body = ListOf(Object("b", 2), 5)},
               {.body = Event("ADDED", "c", 6) + Event("BOOKMARK", "", 9)}});
  CHECK(story.notes.text == "[ a b ] +c ");
  const auto& requests = story.api.transport.requests;
  CHECK(Has(requests[1], "continue=next"));
  CHECK(Has(requests[2], "resourceVersion=5"));
  CHECK(Has(requests[3], "resourceVersion=9"));  // a bookmark moves the version on
}

TEST_CASE("a watch cut in the middle of an event goes on from the last whole one", "[kube]") {
  const auto half = Event("MODIFIED", "b", 7).substr(0, 30);
  Story story({{.body = ListOf("", 5)},
               {.body = Event("ADDED", "a", 6) + half, .cut = true},
               {.body = Event("MODIFIED", "b", 7)}});
  CHECK(story.notes.text == "[ ] +a ! ~b ok ");
  CHECK(Has(story.api.transport.requests[2], "resourceVersion=6"));
}

TEST_CASE("a version that the server has forgotten leads to a new list", "[kube]") {
  const std::string gone =
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})"
      "\n";
  Story in_watch({{.body = ListOf("", 5)}, {.body = gone}, {.body = ListOf(Object("a", 8), 9)}});
  CHECK(in_watch.notes.text == "[ ] [ a ] ");
  Story at_once({{.body = ListOf("", 5)}, {.status = 410}, {.body = ListOf(Object("a", 8), 9)}});
  CHECK(at_once.notes.text == "[ ] [ a ] ");
}

TEST_CASE("a list that expires between two pages is begun anew, and that is no trouble", "[kube]") {
  Story story({{.body = ListOf(Object("a", 1), 5, "next")},
               {.status = 410},
               {.body = ListOf(Object("b", 2), 6)}});
  CHECK(story.notes.text == "[ a [ b ] ");
}

TEST_CASE("a server that fails is asked again, ever more rarely, and its return is told",
          "[kube]") {
  Story story({{.status = 503}, {.status = 503}, {.status = 503}, {.body = ListOf("", 5)}});
  CHECK(story.notes.text == "[ ! [ ! [ ! [ ] ok ");
  const auto& waited = story.api.time.waited;
  REQUIRE(waited.size() >= 3);
  CHECK(waited[0] <= std::chrono::seconds(1));
  CHECK(waited[2] >= std::chrono::seconds(2));
}

TEST_CASE("an event that cannot be read costs a new list, never an event", "[kube]") {
  Story story({{.body = ListOf("", 5)},
               {.body = "{\"type\":\"ADDED\",\"object\":7}\n"},
               {.body = ListOf(Object("a", 6), 7)}});
  CHECK(story.notes.text == "[ ] ! [ a ] ok ");
}

TEST_CASE("a list that is cut off or none at all does not count", "[kube]") {
  const auto whole = ListOf(Object("a", 1), 5);
  Story story({{.body = whole.substr(0, whole.size() - 1)},
               {.body = "[1,2]"},
               {.body = "<html>"},
               {.body = std::string(100, '{')},
               {.body = whole}});
  CHECK(story.notes.text == "[ a ! [ ! [ ! [ ! [ a ] ok ");
}

TEST_CASE("a giant object is refused without being kept", "[kube]") {
  const std::string giant = R"({"metadata":{"name":")" + std::string(5 << 20, 'x') + "\"}}";
  Story story({{.body = ListOf(giant, 5)}, {.body = ListOf("", 6)}});
  CHECK(story.notes.text == "[ ! [ ] ok ");
}

TEST_CASE("a giant event is refused without being kept, and the list tells what it was", "[kube]") {
  const std::string endless =
      R"({"type":"ADDED","object":{"metadata":{"name":")" + std::string(5 << 20, 'x');
  Story story({{.body = ListOf("", 5)}, {.body = endless}, {.body = ListOf(Object("a", 6), 7)}});
  CHECK(story.notes.text == "[ ] ! [ a ] ok ");
}

TEST_CASE("what is nested without end is refused, in lists and in events", "[kube]") {
  const std::string deep = R"({"a":)" + std::string(1'000'000, '[');
  Story story({{.body = R"({"items":[)" + deep},
               {.body = ListOf("", 5)},
               {.body = R"({"type":"ADDED","object":)" + deep + "\n"},
               {.body = ListOf(Object("a", 6), 7)}});
  CHECK(story.notes.text == "[ ! [ ] ok ! [ a ] ok ");
}

TEST_CASE("a server that forgets every version is no busy loop", "[kube]") {
  const std::string gone = R"({"type":"ERROR","object":{"code":410}})"
                           "\n";
  const Answer list{.body = ListOf("", 5)};
  Story story({list, {.body = gone}, list, {.status = 410}, list, {.body = "no event\n"}});
  REQUIRE(story.api.time.waited.size() >= 3);
  for (const auto waited : story.api.time.waited) CHECK(waited >= std::chrono::milliseconds(500));
}

TEST_CASE("a watch that ends at once, again and again, is no busy loop", "[kube]") {
  Story story({{.body = ListOf("", 5)}, {}, {}, {}});
  REQUIRE(story.api.time.waited.size() >= 3);
  CHECK(story.api.time.waited[2] >= std::chrono::milliseconds(500));
}

TEST_CASE("strings with braces, escapes and the word items do not confuse a list", "[kube]") {
  const std::string tricky = R"({"a":"}]{\"items\":[","name":"b","c":{"items":[{"x":1}]}})";
  Story story({{.body = R"({"items":[)" + tricky + R"(],"metadata":{"resourceVersion":"3"}})"}});
  CHECK(story.notes.text == "[ b ] ");
}

}  // namespace
}  // namespace sparkfit::kube
