#include "core/command_search.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace runi {
namespace {

// The candidates of a process, one a line, "~" in front of those that PATH leads to from the working
// directory.
std::vector<std::string> candidates(const std::string& process) {
  const std::string json = R"({"process":{)" + process + "}}";
  const auto spec = parse_spec(json);
  EXPECT_TRUE(spec) << json;
  const auto found = command_candidates(*spec);
  if (!found) return {"too many"};
  std::vector<std::string> lines;
  for (const Candidate& candidate : *found) lines.push_back((candidate.relative ? "~" : "") + candidate.path);
  return lines;
}

using Lines = std::vector<std::string>;

TEST(CommandSearch, a_name_is_looked_for_along_path) {
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=/usr/bin:/bin"],"cwd":"/w")"),
            (Lines{"/usr/bin/app", "/bin/app"}));
}

TEST(CommandSearch, a_name_with_a_slash_is_not) {
  EXPECT_EQ(candidates(R"("args":["/x/app"],"env":["PATH=/bin"],"cwd":"/w")"), (Lines{"/x/app"}));
  EXPECT_EQ(candidates(R"("args":["./app"],"env":["PATH=/bin"],"cwd":"/w")"), (Lines{"/w/./app"}));
  EXPECT_EQ(candidates(R"("args":["x/app"],"cwd":"/w")"), (Lines{"/w/x/app"}));
}

TEST(CommandSearch, without_a_path_there_is_none) {
  EXPECT_EQ(candidates(R"("args":["app"],"env":["HOME=/","XPATH=/bin"],"cwd":"/w")"), Lines{});
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH="],"cwd":"/w")"), Lines{});
  EXPECT_EQ(candidates(R"("args":["app"])"), Lines{});
  EXPECT_EQ(candidates(R"("args":[],"env":["PATH=/bin"])"), Lines{});
}

TEST(CommandSearch, the_last_path_counts) {
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=/a","PATH=/b"])"), (Lines{"/b/app"}));
}

TEST(CommandSearch, what_is_not_absolute_is_below_the_working_directory) {
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=:/bin:x"],"cwd":"/w")"),
            (Lines{"~/w//app", "~/app", "/bin/app", "~/w/x/app"}));
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=/bin:"],"cwd":"/w")"),
            (Lines{"/bin/app", "~/w//app", "~/app"}));
}

TEST(CommandSearch, a_path_of_very_many_elements_is_not_gone_through) {
  std::string path = "/a";
  for (int i = 1; i < 64; ++i) path += ":/a";
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=)" + path + "\"]").size(), 64);
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=)" + path + ":/a\"]"), Lines{"too many"});
}

TEST(CommandSearch, what_no_system_call_takes_is_not_looked_for) {
  const std::string longer(5'000, 'x');
  EXPECT_EQ(candidates(R"("args":["/)" + longer + "\"]"), Lines{"too many"});
  EXPECT_EQ(candidates(R"("args":["app"],"cwd":"/)" + longer + R"(","env":["PATH=:"])"), Lines{"too many"});
  EXPECT_EQ(candidates(R"("args":["app"],"env":["PATH=/)" + std::string(140'000, 'x') + "\"]"),
            Lines{"too many"});
}

}  // namespace
}  // namespace runi
