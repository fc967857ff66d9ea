#include "runictl/installer/record.h"

#include <gtest/gtest.h>

#include <string>

namespace runi {
namespace {

Record some_record() {
  Record record;
  record.put({"containerd",
              "runi",
              "/opt/runi/sbin/runi",
              true,
              Progress::unproven,
              {{"/opt/runi", Role::directory, "", "", {}},
               {"/opt/runi/sbin/runi", Role::program, "ab", "", {}},
               {"/opt/runi/libexec/runi/runi-init", Role::link, "", "runi-init-1", {}},
               {"/etc/x.toml", Role::configuration, "cd", "", "a\n\"\\\tü"}}});
  record.put({"podman", "other", "/p", false, Progress::done, {}});
  return record;
}

TEST(Record, is_read_as_it_was_written) {
  const auto read = parse_record(text_of(some_record()));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->entries, some_record().entries);
}

TEST(Record, has_one_entry_for_each_handler_of_an_engine) {
  Record record = some_record();
  record.put({"podman", "other", "/new", false, Progress::begun, {}});
  ASSERT_EQ(record.entries.size(), 2U);
  EXPECT_EQ(record.find("podman", "other")->program, "/new");
  EXPECT_EQ(record.find("podman", "runi"), nullptr);
  record.remove("containerd", "runi");
  EXPECT_EQ(record.entries.size(), 1U);
}

TEST(Record, a_broken_one_is_refused_with_its_place) {
  const std::string entry =
      R"({"engine": "e", "handler": "h", "program": "/p", "default": false, "progress": "done", "files": [)";
  const struct {
    std::string text;
    std::string words;
  } cases[] = {
      {"", "line 1"},
      {"[]", "line 1: expected an object"},
      {R"({"version": 2, "entries": []})", "\"version\": expected version 1"},
      {R"({"version": 1})", "\"entries\" is missing"},
      {R"({"version": 1, "version": 1, "entries": []})", "\"version\": appears twice"},
      {"{\"version\": 1,\n \"entries\": 7}", "line 2: \"entries\": expected an array"},
      {R"({"version": 1, "entries": [], "x": 1})", "\"x\": unknown member"},
      {R"({"version": 1, "entries": [)" + entry + "{}]}]}", "\"path\" is missing"},
      {R"({"version": 1, "entries": [)" + entry + R"({"path": "/x", "kind": "y"}]}]})",
       "\"kind\": unknown word"},
      {R"({"version": 1, "entries": [)" + entry + R"({"path": "x", "kind": "link"}]}]})", "is not absolute"},
  };
  for (const auto& [text, words] : cases) {
    const auto read = parse_record(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().what.find(words), std::string::npos) << text << ": " << read.error().what;
  }
}

TEST(Record, knows_its_files_again) {
  const State file = State::file("x");
  const RecordedFile known = recorded("/x", Role::program, file);
  EXPECT_TRUE(is_as_recorded(known, file));
  EXPECT_FALSE(is_as_recorded(known, State::file("y")));
  EXPECT_FALSE(is_as_recorded(known, State::link("x")));
  EXPECT_TRUE(is_as_recorded(recorded("/l", Role::link, State::link("t")), State::link("t")));
  EXPECT_FALSE(is_as_recorded(recorded("/l", Role::link, State::link("t")), State::link("u")));
}

}  // namespace
}  // namespace runi
