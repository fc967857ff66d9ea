#include "runictl/show/diff.h"

#include <gtest/gtest.h>

#include <random>

namespace runi {
namespace {

using Lines = std::vector<std::string>;

Lines laid(std::string_view bytes) {
  const auto document = json::Document::parse(bytes, json::Comments::refused);
  EXPECT_TRUE(document) << bytes;
  return laid_out(*document, bytes);
}

TEST(LaidOut, has_one_value_a_line_and_keeps_scalars_as_they_were_written) {
  EXPECT_EQ(laid(R"({"a":[1.50,"\u0041",[],{}],"b":{"c":null}})"),
            (Lines{"{", R"(  "a": [)", "    1.50,", R"(    "\u0041",)", "    [],", "    {}", "  ],",
                   R"(  "b": {)", R"(    "c": null)", "  }", "}"}));
  EXPECT_EQ(laid("7"), Lines{"7"});
  EXPECT_EQ(laid("[]"), Lines{"[]"});
  EXPECT_EQ(laid("[[1]]"), (Lines{"[", "  [", "    1", "  ]", "]"}));
}

TEST(LaidOut, does_not_grow_with_the_square_of_the_depth) {
  const std::string deep = std::string(9000, '[') + "1" + std::string(9000, ']');
  std::size_t size = 0;
  for (const std::string& line : laid(deep)) size += line.size();
  EXPECT_LT(size, 2'000'000U);
}

// The hunks put on `before`, as patch(1) would; fails where they do not fit.
Lines patched(const Lines& before, const Lines& hunks) {
  Lines after;
  std::size_t at = 0;
  for (const std::string& line : hunks) {
    if (line.starts_with("@@ -")) {
      const std::size_t first = std::stoul(line.substr(4));
      const bool empty = line.substr(4, line.find(' ', 4) - 4).ends_with(",0");
      const std::size_t begin = empty ? first : first - 1;
      while (at < begin) after.push_back(before.at(at++));
      continue;
    }
    if (line[0] != '+') {
      EXPECT_EQ(before.at(at), line.substr(1));
    }
    if (line[0] == ' ') after.push_back(before.at(at));
    if (line[0] == '+') after.push_back(line.substr(1));
    if (line[0] != '+') ++at;
  }
  while (at < before.size()) after.push_back(before[at++]);
  return after;
}

TEST(UnifiedDiff, of_what_is_alike_is_empty) {
  EXPECT_EQ(unified_diff({"a", "b"}, {"a", "b"}), Lines{});
  EXPECT_EQ(unified_diff({}, {}), Lines{});
}

TEST(UnifiedDiff, has_three_lines_of_context) {
  EXPECT_EQ(
      unified_diff({"1", "2", "3", "4", "5", "6", "7", "8"}, {"1", "2", "3", "4", "x", "5", "6", "7", "8"}),
      (Lines{"@@ -2,6 +2,7 @@", " 2", " 3", " 4", "+x", " 5", " 6", " 7"}));
}

TEST(UnifiedDiff, gives_hunks_that_lead_from_one_to_the_other) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    Lines before;
    for (std::size_t i = random() % 60; i > 0; --i) {
      before.push_back(std::string(1, static_cast<char>('a' + random() % 4)));
    }
    Lines after = before;
    for (std::size_t edits = random() % 6; edits > 0; --edits) {
      const auto at = after.begin() + static_cast<std::ptrdiff_t>(random() % (after.size() + 1));
      if (random() % 2 == 0 || at == after.end()) {
        after.insert(at, "new");
      } else {
        after.erase(at);
      }
    }
    const Lines hunks = unified_diff(before, after);
    ASSERT_EQ(patched(before, hunks), after) << round;
    ASSERT_EQ(hunks.empty(), before == after);
  }
}

}  // namespace
}  // namespace runi
