// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/list_watch.h"

#include <catch2/catch.hpp>

#include "fake_transport.h"

namespace sparkfit::kube {
namespace {

using test::Answer;
using test::FakeApi;

// Writes down what it is given: "[" list "]", "+a ~a -a", "?a" for one that could not be kept, "!"
// trouble, "ok" its end.
class Notes final : public CollectionHandler {
 public:
  void OnListBegin() override { text += "[ "; }
  void OnListed(const Object& object) override { text += Name(object) + " "; }
  void OnListEnd() override { text += "] "; }
  void OnChange(Change change, const Object& object) override {
    text += (change == Change::kAdded      ? "+"
             : change == Change::kModified ? "~"
                                           : "-") +
            Name(object) + " ";
  }
  void OnTrouble(const std::string& why) override { text += why.empty() ? "ok " : "! "; }

  std::string text;

 private:
  static std::string Name(const Object& object) {
    return (object.json.empty() ? "?" : "") + object.id.name;
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
  explicit Story(std::vector<Answer> answers_, const ListBounds& bounds = {})
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
    Reflector(api.client, api.time, kThings, notes, bounds).Run(stop.get_token());
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

// A fault in a list of two pages or in the watch that follows, and what is told of it: each list
// ends whole, and the watch goes on from a version that the server knows.
TEST_CASE("whatever the server says of a version, all is listed or watched in the end", "[kube]") {
  const auto error = [](int code) {
    return R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(code) + "}}\n";
  };
  const auto bookmark = [](int version) { return Event("BOOKMARK", "", version); };
  const Answer first{.body = ListOf(Object("a", 1), 5, "x")};
  const Answer second{.body = ListOf(Object("b", 2), 5)};
  const Answer all{.body = ListOf(Object("a", 1) + "," + Object("b", 2), 9)};
  const Answer c{.body = Event("ADDED", "c", 10)};
  struct Case {
    const char* what;
    std::vector<Answer> answers;
    const char* told;
  };
  const std::vector<Case> cases{
      {"the first page is refused as too old", {{.status = 410}, all, c}, "[ [ a b ] +c "},
      {"the second page is too old", {first, {.status = 410}, all, c}, "[ a [ a b ] +c "},
      {"a watch is too old at once", {all, {.status = 410}, all, c}, "[ a b ] [ a b ] +c "},
      {"a watch becomes too old", {all, {.body = error(410)}, all, c}, "[ a b ] [ a b ] +c "},
      {"a page of a version in the future",
       {first, {.status = 504}, all, c},
       "[ a ! [ a b ] ok +c "},
      {"a watch fails and the next does not", {all, {.status = 504}, c}, "[ a b ] ! +c ok "},
      {"etcd is too old to tell how far it is", {all, {.body = error(500)}, c}, "[ a b ] ! +c ok "},
      {"nothing but bookmarks",
       {all, {.body = bookmark(20) + bookmark(30)}, {.body = bookmark(40)}, c},
       "[ a b ] +c "},
      {"a page without items", {{.body = ListOf("", 5, "x")}, second, c}, "[ b ] +c "},
      {"a page that was cut off",
       {first, {.body = second.body.substr(0, 40), .cut = true}, second, c},
       "[ a b ] +c "},
  };
  for (const auto& one : cases) {
    INFO(one.what);
    CHECK(Story(one.answers).notes.text == one.told);
  }
}

TEST_CASE("an older bookmark repeats events, and a newer list ends that", "[kube]") {
  Story story({{.body = ListOf("", 5)},
               {.body = Event("ADDED", "a", 8) + Event("BOOKMARK", "", 6)},
               {.body = Event("ADDED", "a", 8)}});
  CHECK(story.notes.text == "[ ] +a +a ");
  CHECK(Has(story.api.transport.requests[2], "resourceVersion=6"));
  CHECK(Has(story.api.transport.requests[3], "resourceVersion=8"));
}

TEST_CASE("a version with which every watch fails is given up, and all is listed anew", "[kube]") {
  const Answer failure =
      GENERATE(Answer{.status = 504}, Answer{.cut = true},  // in the future; nothing came
               Answer{.body = "{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n"});
  std::vector<Answer> answers{{.body = ListOf(Object("a", 1), 5)}};
  // Pauses of at most 1, 2, 4, 8, 16 and 30 s.
  answers.insert(answers.end(), 6, failure);
  answers.push_back({.body = ListOf(Object("b", 2), 3)});
  answers.push_back({.body = Event("ADDED", "c", 4)});
  Story story(answers);
  CHECK(story.notes.text == "[ a ] ! ! ! ! ! ! [ b ] ok +c ");
  CHECK(Has(story.api.transport.requests[8], "resourceVersion=3"));
}

TEST_CASE("a token that expires while a watch runs costs no event", "[kube]") {
  std::size_t watches = 0;
  std::stop_source stop;
  Notes notes;
  FakeApi api(
      [&](const Request& request) -> Answer {
        if (!Has(request, "watch=1")) return {.body = ListOf("", 5)};
        if (++watches == 1) return {.body = Event("ADDED", "a", 6), .cut = true};
        if (request.bearer_token != "token-2") return {.status = 401};
        if (watches > 3) stop.request_stop();
        return {.body = Event("ADDED", "b", 7)};
      },
      {.attempts = 1});
  Reflector(api.client, api.time, kThings, notes).Run(stop.get_token());
  CHECK(notes.text == "[ ] +a ! +b ok +b ");  // the last answer is given twice
  CHECK(api.token.generation == 2);
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

TEST_CASE("an event that tells not even what it is costs a new list, never an event", "[kube]") {
  const std::string damaged = GENERATE(
      std::string(R"({"type":"ADD\u0045D","object":{}})"), std::string("no event"),
      std::string(R"({"object":{"metadata":{"name":"a"}}})"), std::string(R"({"type":"DELETED"})"),
      std::string(R"({"type":"DELETED","object":{"metadata":{"name":"\u0061"}}})"));
  Story story(
      {{.body = ListOf("", 5)}, {.body = damaged + "\n"}, {.body = ListOf(Object("a", 6), 7)}});
  CHECK(story.notes.text == "[ ] ! [ a ] ok ");
}

TEST_CASE("nothing is listed anew twice because of the same event", "[kube]") {
  const Answer list{.body = ListOf(Object("a", 1), 5)};
  const Answer watch{.body = Event("ADDED", "b", 6) + "no event\n" + Event("ADDED", "c", 7)};
  Story story({list, watch, list, watch, watch, watch});
  CHECK(story.notes.text == "[ a ] +b ! [ a ] ok +b +c +b +c +b +c ");
}

TEST_CASE("an event of nobody knows whom changes nothing that is known", "[kube]") {
  Story story({{.body = ListOf("", 5)},
               {.body = "{\"type\":\"ADDED\",\"object\":7}\n" + Event("ADDED", "a", 6)}});
  CHECK(story.notes.text == "[ ] +? +a ");
}

TEST_CASE("a list that is cut off or none at all does not count", "[kube]") {
  const auto whole = ListOf(Object("a", 1), 5);
  // One that was cut off is asked for again in smaller pages, at once.
  Story story({{.body = whole.substr(0, whole.size() - 1)},
               {.body = "[1,2]"},
               {.body = "<html>"},
               {.body = "{}]"},
               {.body = whole + "{}"},
               {.body = whole}});
  CHECK(story.notes.text == "[ a ! [ ! [ ! [ a ! [ a ] ok ");
}

// JSON of 8.4 MB as the API server makes it of 1.4 MB of "<"; the name before it or behind it.
std::string Giant(const std::string& name, int version, bool name_first) {
  std::string escaped;
  for (int i = 0; i < 1'400'000; ++i) escaped += "\\u003c";
  const auto value = R"("env":[{"name":"no","value":")" + escaped + "\"}]";
  const auto metadata =
      R"("metadata":{"labels":{"name":"no"},"name":")" + name +
      R"(","namespace":"ns","ownerReferences":[{"name":"no","uid":"no"}],"uid":"u-)" + name +
      R"(","resourceVersion":")" + std::to_string(version) + "\"}";
  return name_first ? "{" + metadata + "," + value + "}" : "{" + value + "," + metadata + "}";
}

TEST_CASE("an object that is too large is passed over in a list, and known by its name", "[kube]") {
  const bool name_first = GENERATE(true, false);
  const auto items = Object("a", 1) + "," + Giant("big", 2, name_first) + "," + Object("b", 3);
  Story story({{.body = ListOf(items, 5, "next")}, {.body = ListOf(Object("c", 4), 5)}});
  CHECK(story.notes.text == "[ a ?big b c ] ");
}

TEST_CASE("an object that is too large is passed over in a watch, which goes on behind it",
          "[kube]") {
  const bool name_first = GENERATE(true, false);
  const auto event = [&](const char* type, int version) {
    return std::string(R"({"type":")") + type + R"(","object":)" +
           Giant("big", version, name_first) + "}\n";
  };
  Story story({{.body = ListOf("", 5)},
               {.body = event("ADDED", 6) + Event("ADDED", "a", 7) + event("MODIFIED", 8) +
                        event("DELETED", 9)},
               {.body = Event("ADDED", "b", 10)}});
  CHECK(story.notes.text == "[ ] +?big +a ~?big -?big +b ");
  CHECK(Has(story.api.transport.requests[2], "resourceVersion=9"));
}

TEST_CASE("an object of a million nested lists is an object like others", "[kube]") {
  const std::string deep = R"({"metadata":{"name":"d","resourceVersion":"6"},"spec":)" +
                           std::string(500'000, '[') + std::string(500'000, ']') + "}";
  Story story({{.body = ListOf(deep + "," + Object("a", 1), 5)},
               {.body = R"({"type":"ADDED","object":)" + deep + "}\n" + Event("ADDED", "b", 7)}});
  CHECK(story.notes.text == "[ d a ] +d +b ");
}

TEST_CASE("what never ends is passed over without being kept", "[kube]") {
  const std::string endless =
      R"({"type":"ADDED","object":{"metadata":{"name":"e","resourceVersion":"6"},"a":)" +
      std::string(5 << 20, '[');
  Story story({{.body = R"({"items":[)" + std::string(5 << 20, '{'), .cut = true},
               {.status = 503},
               {.body = ListOf("", 5)},
               {.body = endless + "\n" + Event("ADDED", "a", 7)}});
  CHECK(story.notes.text == "[ ! [ ] ok +?e +a ");
}

TEST_CASE("a list of which pages are more than an answer may be is listed in smaller ones",
          "[kube]") {
  Story story({{.body = ListOf(Object("a", 1), 5, "x")},
               {.body = ListOf(Object("b", 2), 5).substr(0, 90), .cut = true},
               {.body = ListOf("", 5).substr(0, 20), .cut = true},
               {.body = ListOf(Object("b", 2), 5, "y")},
               {.body = ListOf(Object("c", 3), 5)}});
  CHECK(story.notes.text == "[ a b c ] ");
  const auto& requests = story.api.transport.requests;
  CHECK(Has(requests[1], "limit=500&continue=x"));
  CHECK(Has(requests[2], "limit=125&continue=x"));
  CHECK(Has(requests[3], "limit=31&continue=x"));
  CHECK(Has(requests[4], "limit=62&continue=y"));
}

TEST_CASE("a list that breaks off however little is asked for is begun anew later", "[kube]") {
  const Answer cut{.body = "{", .cut = true};
  Story story({cut, cut, cut, cut, {.body = ListOf("", 5)}});
  CHECK(story.notes.text == "[ ! [ ] ok ");
}

// What is told of a list without end is that its source is in trouble; it has no end, so that
// nothing that is known is missed in it.
TEST_CASE("a list that pages without end is given up, told and tried again", "[kube]") {
  const Answer whole{.body = ListOf(Object("c", 3), 9)};
  const auto page = [](const std::string& items, int number) {
    return Answer{.body = ListOf(items, 5, "p" + std::to_string(number))};
  };
  const auto a = Object("a", 1);
  SECTION("pages of nothing") {
    Story story({page("", 1), page("", 2), page("", 3), whole}, {.pages = 3});
    CHECK(story.notes.text == "[ ! [ c ] ok ");
  }
  SECTION("pages of objects") {
    Story story({page(a + "," + a, 1), page(a + "," + a, 2), page(a, 3), whole}, {.objects = 4});
    CHECK(story.notes.text == "[ a a a a a ! [ c ] ok ");
  }
  SECTION("a page of objects") {
    const auto many = a + "," + a + "," + a;
    Story story({page(many + "," + many + "," + many, 1), whole}, {.objects = 4});
    CHECK(story.notes.text.starts_with("[ a a a a a ! [ c ] ok "));
  }
  SECTION("a page that names itself as the next") {
    Story story({page(a, 1), page(a, 1), whole});
    CHECK(story.notes.text == "[ a a ! [ c ] ok ");
  }
  // Without the next page's token the list would seem to end.
  SECTION("a token that is longer than any") {
    Story story({{.body = ListOf(a, 5, std::string(5000, 'x'))}, whole});
    CHECK(story.notes.text == "[ ! [ c ] ok ");
  }
  SECTION("a token with an escape") {
    Story story({{.body = ListOf(a, 5, "\\u0041")}, whole});
    CHECK(story.notes.text == "[ ! [ c ] ok ");
  }
}

TEST_CASE("a list that goes on for longer than a server remembers its version is given up",
          "[kube]") {
  int asked = 0;
  FakeApi* of = nullptr;
  FakeApi api([&](const Request&) {
    of->time.Pass(std::chrono::minutes(4));
    return Answer{.body = ListOf("", 5, "p" + std::to_string(++asked))};
  });
  of = &api;
  const auto listed = List(api.client, kThings, [](const auto&) {}, {});
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code == base::Code::kUnavailable);
  CHECK_THAT(listed.error().message, Catch::Contains("no end"));
  CHECK(asked == 3);  // within the third page ten minutes are over
}

TEST_CASE("any list is asked for in smaller pages where they are too large", "[kube]") {
  std::vector<Answer> answers{{.body = ListOf(Object("a", 1), 5, "x")},
                              {.body = ListOf(Object("b", 2), 5).substr(0, 90), .cut = true},
                              {.body = ListOf(Object("b", 2), 7)}};
  std::size_t next = 0;
  FakeApi api([&](const Request&) { return answers.at(next++); });
  std::string seen;
  int pages = 0;
  const auto version = List(
      api.client, kThings, [&](const auto& object) { seen += object.id.name; }, {}, {},
      [&] { ++pages; });
  REQUIRE(version);
  CHECK(*version == "7");
  CHECK(seen == "ab");
  CHECK(pages == 3);
  CHECK(Has(api.transport.requests.at(2), "limit=125&continue=x"));
}

TEST_CASE("an object is known by its metadata, whatever else is wrong with it", "[kube]") {
  const auto id = Identify(
      R"({"name":"no","spec":{"metadata":{"name":"no"}},"metadata":{"a":nuWl,"namespace":"ns","name":"n",)"
      R"("labels":{"uid":"no"},"uid":"u","resourceVersion":"7"},"status":[{"name":"no"}])");
  CHECK(id.name == "n");
  CHECK(id.name_space == "ns");
  CHECK(id.uid == "u");
  CHECK(id.version == "7");
  CHECK(Identify(R"({"metadata":["name","n"]})").name.empty());
  CHECK(Identify(R"({"metadata":{"name":7}})").name.empty());
  CHECK(Identify(R"({"metadata":{"name":")" + std::string(5000, 'x') + "\"}}").name.empty());
  CHECK(Identify("]]}{\"").name.empty());
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
  const std::string tricky =
      R"({"a":"}]{\"items\":[","metadata":{"name":"b"},"c":{"items":[{"x":1}]}})";
  Story story({{.body = R"({"items":[)" + tricky + R"(],"metadata":{"resourceVersion":"3"}})"}});
  CHECK(story.notes.text == "[ b ] ");
}

}  // namespace
}  // namespace sparkfit::kube
