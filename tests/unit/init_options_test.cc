#include "options.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace runi {
namespace {

// A command line, alive as long as what was read from it.
class Line {
 public:
  Line(std::initializer_list<const char*> words) : args_{"runi-init"} {
    args_.insert(args_.end(), words);
    args_.push_back(nullptr);
    options_ = parse_options(args_.data());
  }
  const Options* operator->() const { return &options_; }

  [[nodiscard]] std::vector<std::string> command() const {
    std::vector<std::string> words;
    for (const char* const* arg = options_.command; arg != nullptr && *arg != nullptr; ++arg) {
      words.emplace_back(*arg);
    }
    return words;
  }

 private:
  std::vector<const char*> args_;
  Options options_;
};

using Words = std::vector<std::string>;

TEST(InitOptions, CommandAloneRunsWithDefaults) {
  const Line line = {"true"};
  EXPECT_EQ(line->request, Request::run);
  EXPECT_FALSE(line->forward_to_group);
  EXPECT_FALSE(line->subreaper);
  EXPECT_EQ(line.command(), Words({"true"}));
}

TEST(InitOptions, FirstWordThatIsNoOptionBeginsTheCommand) {
  const Line line = {"-g", "ls", "-s", "--help", "--"};
  EXPECT_TRUE(line->forward_to_group);
  EXPECT_FALSE(line->subreaper);
  EXPECT_EQ(line.command(), Words({"ls", "-s", "--help", "--"}));
}

TEST(InitOptions, DoubleDashEndsOptionsOnce) {
  EXPECT_EQ(Line({"--", "-g"}).command(), Words({"-g"}));
  EXPECT_EQ(Line({"--", "--", "x"}).command(), Words({"--", "x"}));
  EXPECT_EQ(Line({"-s", "--", "tini", "--", "x"}).command(), Words({"tini", "--", "x"}));
}

TEST(InitOptions, LoneDashAndEmptyWordAreCommands) {
  EXPECT_EQ(Line({"-"}).command(), Words({"-"}));
  EXPECT_EQ(Line({"", "x"}).command(), Words({"", "x"}));
}

TEST(InitOptions, ShortOptionsCluster) {
  const Line line = {"-vgs", "-vv", "x"};
  EXPECT_EQ(line->request, Request::run);
  EXPECT_TRUE(line->forward_to_group);
  EXPECT_TRUE(line->subreaper);
  EXPECT_EQ(line.command(), Words({"x"}));
}

TEST(InitOptions, HelpAndVersionNeedNoCommand) {
  EXPECT_EQ(Line({"-h"})->request, Request::help);
  EXPECT_EQ(Line({"-gh"})->request, Request::help);
  EXPECT_EQ(Line({"--help", "-x"})->request, Request::help);
  EXPECT_EQ(Line({"-s", "--version"})->request, Request::version);
}

TEST(InitOptions, RefusesWhatItDoesNotKnowAndNamesIt) {
  for (const char* wrong : {"-x", "-gx", "-e", "--versions", "--group", "-g-"}) {
    const Line line = {wrong, "true"};
    EXPECT_EQ(line->request, Request::refuse) << wrong;
    EXPECT_STREQ(line->wrong, wrong);
    EXPECT_STREQ(line->complaint, "unknown option");
  }
}

TEST(InitOptions, RefusesToRunNothing) {
  for (const Line& line : {Line{}, Line{"-g"}, Line{"--"}}) {
    EXPECT_EQ(line->request, Request::refuse);
    EXPECT_NE(line->complaint, nullptr);
    EXPECT_EQ(line->wrong, nullptr);
  }
}

TEST(InitOptions, AnEmptyArgumentVectorIsNoCommand) {
  const char* const nothing[] = {nullptr};
  EXPECT_EQ(parse_options(nothing).request, Request::refuse);
}

}  // namespace
}  // namespace runi
