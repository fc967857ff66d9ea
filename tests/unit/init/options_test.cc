#include "init/options.h"

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
  for (const char* wrong : {"-x", "-gx", "--versions", "--group", "-g-", "-E"}) {
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

TEST(InitOptions, OthersAreOffUnlessGiven) {
  const Line none = {"x"};
  EXPECT_TRUE(none->sandbox);
  EXPECT_FALSE(none->warn_of_orphans);
  EXPECT_EQ(none->verbosity, 0);
  EXPECT_EQ(none->on_parents_death, 0);
  EXPECT_EQ(none->grace_s, kNoGrace);
  EXPECT_FALSE(none->shield);
  EXPECT_EQ(none->stops, 0U);
  for (int signal = 1; signal <= 64; ++signal) EXPECT_EQ(none->forwarded_as[signal], signal);
  for (int code = 0; code <= 255; ++code) EXPECT_FALSE(none->expected.contain(code));

  const Line all = {"-nwvvv", "-p", "TERM", "-t", "10", "x"};
  EXPECT_FALSE(all->sandbox);
  EXPECT_TRUE(all->warn_of_orphans);
  EXPECT_EQ(all->verbosity, 2);
  EXPECT_EQ(all->on_parents_death, 15);
  EXPECT_EQ(all->grace_s, 10);
  EXPECT_EQ(Line({"-l"})->request, Request::licence);
  EXPECT_EQ(Line({"-V"})->request, Request::version);
}

TEST(InitOptions, StopSignalsAreAList) {
  const Line some = {"-S", "TERM,SIGINT,3", "-SRTMIN+3", "x"};
  EXPECT_TRUE(some->shield);
  EXPECT_EQ(some->stops, (1ULL << 14) | (1ULL << 1) | (1ULL << 2) | (1ULL << 36));
  const Line none = {"-S", "", "x"};
  EXPECT_EQ(none->request, Request::run);
  EXPECT_TRUE(none->shield);
  EXPECT_EQ(none->stops, 0U);
  for (const char* wrong : {"TERM,", ",TERM", "TERM,,INT", "0", "65", "TERM INT", "all"}) {
    EXPECT_EQ(Line({"-S", wrong, "x"})->request, Request::refuse) << wrong;
  }
}

TEST(InitOptions, ValuesStandBehindTheLetterOrInTheNextWord) {
  const Line line = {"-ge143", "-e", "0", "-we7", "-e255", "x", "-e1"};
  EXPECT_EQ(line->request, Request::run);
  EXPECT_TRUE(line->forward_to_group);
  EXPECT_TRUE(line->warn_of_orphans);
  for (int code = 0; code <= 255; ++code) {
    EXPECT_EQ(line->expected.contain(code), code == 143 || code == 0 || code == 7 || code == 255) << code;
  }
  EXPECT_EQ(line.command(), Words({"x", "-e1"}));
}

TEST(InitOptions, SignalsHaveNamesAndNumbers) {
  const struct {
    const char* text;
    int signal;
  } cases[] = {{"1", 1},       {"64", 64},    {"HUP", 1},         {"SIGHUP", 1},    {"SIGTERM", 15},
               {"STKFLT", 16}, {"CHLD", 17},  {"SIGSYS", 31},     {"IO", 29},       {"SIGINT", 2},
               {"WINCH", 28},  {"RTMIN", 34}, {"SIGRTMIN+1", 35}, {"RTMIN+30", 64}, {"SIGKILL", 9}};
  for (const auto& it : cases) EXPECT_EQ(Line({"-p", it.text, "x"})->on_parents_death, it.signal) << it.text;
}

TEST(InitOptions, SignalsAreRewritten) {
  const Line line = {"-r", "SIGTERM:QUIT", "-r15:3", "-rHUP:0", "-r", "RTMIN+3:SIGUSR1", "-r", "1:64", "x"};
  EXPECT_EQ(line->request, Request::run);
  for (int signal = 1; signal <= 64; ++signal) {
    const int expected = signal == 15 ? 3 : signal == 1 ? 64 : signal == 37 ? 10 : signal;
    EXPECT_EQ(line->forwarded_as[signal], expected);
  }
  EXPECT_EQ(Line({"-r", "2:0", "x"})->forwarded_as[2], SignalMap::kDropped);
}

TEST(InitOptions, RefusesWrongValuesAndNamesThem) {
  const struct {
    char option;
    const char* value;
  } cases[] = {{'e', ""},
               {'e', "256"},
               {'e', "-1"},
               {'e', "1x"},
               {'e', "99999999999999999999"},
               {'p', "0"},
               {'p', "65"},
               {'p', "NO"},
               {'p', "SIG"},
               {'p', "TERMX"},
               {'p', "term"},
               {'p', "RTMIN+31"},
               {'p', "RTMIN+"},
               {'p', "SIGSIGHUP"},
               {'t', "-1"},
               {'t', "x"},
               {'t', "1s"},
               {'t', "4294967297"},
               {'r', "15"},
               {'r', "15:"},
               {'r', "0:15"},
               {'r', "KILL:1"},
               {'r', "STOP:1"},
               {'r', "1:65"},
               {'r', "1:2:3"},
               {'r', ":1"},
               {'r', "1-2"}};
  for (const auto& it : cases) {
    const std::string option = {'-', it.option};
    const Line line = {option.c_str(), it.value, "x"};
    EXPECT_EQ(line->request, Request::refuse) << option << ' ' << it.value;
    EXPECT_STREQ(line->wrong, it.value);
    EXPECT_STREQ(line->complaint, "bad value");
  }
  for (const char* option : {"-e", "-p", "-r", "-t", "-ge"}) {
    const Line line = {option};
    EXPECT_EQ(line->request, Request::refuse);
    EXPECT_STREQ(line->wrong, option);
    EXPECT_STREQ(line->complaint, "no value");
  }
}

TEST(InitOptions, PauseTakesNoCommand) {
  EXPECT_EQ(Line({"-P"})->request, Request::pause);
  EXPECT_EQ(Line({"-sP", "--"})->request, Request::pause);
  const Line line = {"-P", "true"};
  EXPECT_EQ(line->request, Request::refuse);
  EXPECT_STREQ(line->wrong, "true");
}

TEST(InitOptions, AnEmptyArgumentVectorIsNoCommand) {
  const char* const nothing[] = {nullptr};
  EXPECT_EQ(parse_options(nothing).request, Request::refuse);
}

}  // namespace
}  // namespace runi
