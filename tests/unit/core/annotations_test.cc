#include "core/annotations.h"

#include "core/decide.h"
#include "core/json.h"
#include "init/options.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace runi {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Words = std::vector<std::string>;

// One container with these annotations, decided on.
struct Case {
  Pairs annotations;
  Config config = {};
  Verb verb = Verb::create;
  std::string args = R"(["app"])";

  // Without the default stop signals, so that the options are those that a test is about.
  explicit Case(Pairs all) : annotations(std::move(all)) { config.tuning.stop_signals.reset(); }

  [[nodiscard]] Decision decision() const {
    std::string members;
    for (const auto& [key, value] : annotations) {
      members += (members.empty() ? "" : ",") + json::quote(key) + ":" + json::quote(value);
    }
    const std::string bytes = R"({"process":{"args":)" + args +
                              R"(},"linux":{"namespaces":[{"type":"pid"}]},"annotations":{)" + members +
                              R"(},"mounts":[{"destination":"/dev","type":"tmpfs"}]})";
    const auto spec = parse_spec(bytes);
    EXPECT_TRUE(spec) << bytes;
    const CommandLine command{verb, ".", std::nullopt, "id", "", false, LogFormat::text};
    return decide(command, config, *spec, Rootfs{});
  }
  // The init's options, without its name and the "--".
  [[nodiscard]] Words options() const {
    const Decision made = decision();
    if (made.reason != Reason::inject) return {std::string(name_of(made.reason))};
    const Words& all = made.injection.arguments;
    return {all.begin() + 1, all.end() - 1};
  }
  [[nodiscard]] Words complaints() const { return decision().complaints; }
};

Case named(const std::string& container, Pairs pairs) {
  pairs.emplace_back("io.kubernetes.cri.container-name", container);
  return Case(std::move(pairs));
}

std::string complaint_about(const std::string& key, const std::string& value) {
  const Words all = Case(Pairs{{key, value}}).complaints();
  return all.size() == 1 ? all[0] : "complaints: " + std::to_string(all.size());
}

TEST(Annotations, every_key_becomes_an_option) {
  const Case all(Pairs{{"runi.dev/init", "true"},
                       {"runi.dev/forward", "group"},
                       {"runi.dev/signals", "TERM:QUIT,SIGHUP:0,RTMIN+3:15"},
                       {"runi.dev/expect-exit", "143,0"},
                       {"runi.dev/grace", "30"}});
  EXPECT_EQ(all.options(), (Words{"-g", "-r", "TERM:QUIT", "-r", "SIGHUP:0", "-r", "RTMIN+3:15", "-e", "143",
                                  "-e", "0", "-t", "30"}));
  EXPECT_EQ(all.complaints(), Words{});
}

TEST(Annotations, override_the_administrator_s) {
  Case c(Pairs{{"runi.dev/signals", "HUP:TERM"}, {"runi.dev/forward", "child"}, {"runi.dev/grace", "5"}});
  c.config.tuning = {Forward::group, std::nullopt, {"TERM:QUIT"}, {143}, 10};
  EXPECT_EQ(c.options(), (Words{"-r", "HUP:TERM", "-e", "143", "-t", "5"}));
  c.annotations = {{"runi.dev/signals", ""}, {"runi.dev/expect-exit", ""}, {"runi.dev/grace", "0"}};
  EXPECT_EQ(c.options(), (Words{"-g", "-t", "0"}));
  c.annotations = {};
  EXPECT_EQ(c.options(), (Words{"-g", "-r", "TERM:QUIT", "-e", "143", "-t", "10"}));
}

TEST(Annotations, stop_signals) {
  EXPECT_EQ(Case(Pairs{{"runi.dev/stop-signals", "TERM,SIGUSR1,37"}}).options(),
            (Words{"-S", "TERM,SIGUSR1,37"}));
  EXPECT_EQ(Case(Pairs{{"runi.dev/stop-signals", ""}}).options(), (Words{"-S", ""}));
  Case c(Pairs{{"runi.dev/stop-signals", "all"}});
  c.config = {};
  EXPECT_EQ(c.options(), Words{});
  c.annotations = {};
  EXPECT_EQ(c.options(), (Words{"-S", "TERM,INT,QUIT"})) << "the default";
  c.annotations = {{"org.opencontainers.image.stopSignal", "SIGUSR2"}};
  EXPECT_EQ(c.options(), (Words{"-S", "TERM,INT,QUIT,SIGUSR2"})) << "the image's own";
  c.annotations = {{"org.opencontainers.image.stopSignal", "15"}};
  EXPECT_EQ(c.options(), (Words{"-S", "TERM,INT,QUIT"})) << "which may be one of them";
  c.annotations = {{"org.opencontainers.image.stopSignal", "-S"}};
  EXPECT_EQ(c.options(), (Words{"-S", "TERM,INT,QUIT"})) << "or none";
  for (const char* wrong : {"TERM,TERM", "TERM,15", "ALL", "KILLER", "TERM,", "0", "65"}) {
    EXPECT_NE(complaint_about("runi.dev/stop-signals", wrong), "complaints: 0") << wrong;
  }
}

TEST(Annotations, a_container_s_own_count_more_than_its_pod_s) {
  const Pairs pairs = {{"app.runi.dev/grace", "1"}, {"runi.dev/grace", "2"}, {"runi.dev/forward", "group"}};
  EXPECT_EQ(named("app", pairs).options(), (Words{"-g", "-t", "1"}));
  EXPECT_EQ(named("sidecar", pairs).options(), (Words{"-g", "-t", "2"}));
  EXPECT_EQ(Case(pairs).options(), (Words{"-g", "-t", "2"})) << "a container of no known name";
  EXPECT_EQ(named("app", {{"runi.dev/init", "false"}, {"app.runi.dev/init", "true"}}).options(), Words{});
  EXPECT_EQ(named("app", {{"app.runi.dev/init", "false"}}).options(), Words{"disabled"});
}

TEST(Annotations, the_one_that_keeps_the_init_away_is_named) {
  EXPECT_EQ(named("app", {{"runi.dev/init", "false"}}).decision().detail,
            "annotation runi.dev/init is false");
  EXPECT_EQ(named("app", {{"app.runi.dev/init", "false"}, {"runi.dev/init", "true"}}).decision().detail,
            R"(annotation "app.runi.dev/init" is false)");
  EXPECT_EQ(named("\n", {{"\n.runi.dev/init", "false"}}).decision().detail,
            R"(annotation "\n.runi.dev/init" is false)")
      << "a stranger's bytes";
}

TEST(Annotations, a_container_can_ask_for_the_init) {
  Case app = named("app", {{"app.runi.dev/init", "true"}});
  app.config.inject = Inject::annotated;
  EXPECT_EQ(app.options(), Words{});
  Case other = named("other", {{"app.runi.dev/init", "true"}});
  other.config.inject = Inject::annotated;
  EXPECT_EQ(other.options(), Words{"disabled"});
}

TEST(Annotations, the_name_is_containerd_s_or_the_kubelet_s_label) {
  const Pairs own = {{"app.runi.dev/grace", "1"}, {"io.kubernetes.container.name", "app"}};
  EXPECT_EQ(Case(own).options(), (Words{"-t", "1"}));
  Pairs both = own;
  both.emplace_back("io.kubernetes.cri.container-name", "other");
  EXPECT_EQ(Case(both).options(), Words{});
}

TEST(Annotations, names_with_dots_are_names_like_others) {
  const Pairs pairs = {{"a.b.runi.dev/grace", "1"}, {"b.runi.dev/grace", "2"}, {"a.runi.dev/grace", "3"}};
  EXPECT_EQ(named("a.b", pairs).options(), (Words{"-t", "1"}));
  EXPECT_EQ(named("b", pairs).options(), (Words{"-t", "2"}));
  EXPECT_EQ(named("a", pairs).options(), (Words{"-t", "3"}));
  EXPECT_EQ(named("", {{".runi.dev/grace", "4"}}).options(), Words{});
}

TEST(Annotations, other_containers_and_other_domains_are_no_errors) {
  const Case c = named("app", {{"other.runi.dev/colour", "red"},
                               {"appruni.dev/colour", "red"},
                               {"example.com/runi.dev/colour", "red"},
                               {"runi.dev.example.com/colour", "red"},
                               {"xapp.runi.dev/grace", "x"},
                               {"runi.dev/injected", "1.0"}});
  EXPECT_EQ(c.complaints(), Words{});
  EXPECT_EQ(c.options(), Words{});
}

TEST(Annotations, complaints_tell_key_value_and_what_was_expected) {
  EXPECT_EQ(
      complaint_about("runi.dev/colour", "red"),
      R"(annotation "runi.dev/colour": unknown key; expected one of init, forward, signals, expect-exit, grace, stop-signals)");
  EXPECT_EQ(complaint_about("runi.dev/init", "yes"),
            R"(annotation "runi.dev/init": expected "true" or "false", found "yes")");
  EXPECT_EQ(complaint_about("runi.dev/forward", "Group"),
            R"(annotation "runi.dev/forward": expected "child" or "group", found "Group")");
  EXPECT_EQ(complaint_about("runi.dev/signals", "TERM"),
            R"(annotation "runi.dev/signals": expected a comma-separated list, each item FROM:TO, names or )"
            R"(numbers of signals, where TO may be 0 and no FROM appears twice, found "TERM")");
  EXPECT_EQ(
      complaint_about("runi.dev/expect-exit", "256"),
      R"(annotation "runi.dev/expect-exit": expected a comma-separated list, each item an exit code from )"
      R"(0 to 255, none of them twice, found "256")");
  EXPECT_EQ(complaint_about("runi.dev/grace", "5m"),
            R"(annotation "runi.dev/grace": expected whole seconds, 0 to 86400, found "5m")");
}

TEST(Annotations, values_are_strict) {
  const Pairs wrong = {{"init", ""},
                       {"init", "True"},
                       {"init", "1"},
                       {"forward", ""},
                       {"forward", " child"},
                       {"signals", ","},
                       {"signals", "TERM:QUIT,"},
                       {"signals", ",TERM:QUIT"},
                       {"signals", "TERM:QUIT, HUP:0"},
                       {"signals", "term:quit"},
                       {"signals", "KILL:TERM"},
                       {"signals", "19:TERM"},
                       {"signals", "0:TERM"},
                       {"signals", "TERM:65"},
                       {"signals", "TERM:RTMIN+31"},
                       {"signals", "TERM:QUIT:HUP"},
                       {"signals", "TERM:QUIT,15:HUP"},
                       {"signals", "TERM:" + std::string(40, '0')},
                       {"expect-exit", "-1"},
                       {"expect-exit", "1,1"},
                       {"expect-exit", "0x10"},
                       {"expect-exit", "1, 2"},
                       {"expect-exit", "4294967297"},
                       {"grace", ""},
                       {"grace", "-1"},
                       {"grace", "1.5"},
                       {"grace", "10s"},
                       {"grace", "86401"},
                       {"grace", " 1"},
                       {"grace", std::string(40, '0')}};
  for (const auto& [key, value] : wrong) {
    const Case c(Pairs{{"runi.dev/" + key, value}});
    EXPECT_EQ(c.complaints().size(), 1U) << key << " " << value;
    EXPECT_EQ(c.options(), Words{}) << key << " " << value;
  }
}

TEST(Annotations, what_is_wrong_counts_as_not_given) {
  const Case c = named("app", {{"runi.dev/grace", "2"}, {"app.runi.dev/grace", "soon"}});
  EXPECT_EQ(c.options(), (Words{"-t", "2"}));
  EXPECT_EQ(c.complaints(),
            Words{R"(annotation "app.runi.dev/grace": expected whole seconds, 0 to 86400, found "soon")"});
  Case half(Pairs{{"runi.dev/signals", "HUP:0,x"}});
  half.config.tuning.signals = {"TERM:QUIT"};
  EXPECT_EQ(half.options(), (Words{"-r", "TERM:QUIT"}));
}

TEST(Annotations, pods_set_what_they_are_let_set) {
  Case c(Pairs{{"runi.dev/init", "false"}, {"runi.dev/grace", "9"}});
  c.config.annotations = {"grace"};
  EXPECT_EQ(c.options(), (Words{"-t", "9"}));
  EXPECT_EQ(c.complaints(),
            Words{R"(annotation "runi.dev/init": the configuration does not let pods set it)"});
  c.config.annotations = {};
  EXPECT_EQ(c.options(), Words{});
  EXPECT_EQ(c.complaints().size(), 2U);
}

TEST(Annotations, a_complaint_is_a_short_line_of_ascii) {
  const std::string nasty = "\x1B[2J\r\n\x7F\xC2\x9B\xE2\x80\xAE\"\\" + std::string(10'000, 'x');
  for (const std::string& complaint :
       {complaint_about("runi.dev/" + nasty, nasty), complaint_about("runi.dev/grace", nasty)}) {
    EXPECT_LT(complaint.size(), 500U);
    EXPECT_TRUE(complaint.starts_with("annotation "));
    EXPECT_TRUE(std::all_of(complaint.begin(), complaint.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << complaint;
  }
}

TEST(Annotations, complaints_are_few) {
  Pairs many;
  for (int i = 0; i < 1000; ++i) many.emplace_back("runi.dev/" + std::to_string(i), "");
  const Words complaints = Case(many).complaints();
  ASSERT_EQ(complaints.size(), kMostComplaints);
  EXPECT_EQ(complaints.back(), "985 more annotations of runi.dev are ignored");
  many.resize(kMostComplaints - 1);
  EXPECT_EQ(Case(many).complaints().size(), kMostComplaints - 1);
}

TEST(Annotations, only_a_container_that_could_have_an_init_is_complained_of) {
  const Pairs wrong = {{"runi.dev/init", "yes"}};
  Case never(wrong);
  never.config.inject = Inject::never;
  EXPECT_EQ(never.complaints(), Words{});
  Case other(wrong);
  other.verb = Verb::other;
  EXPECT_EQ(other.complaints(), Words{});
  Case nothing(wrong);
  nothing.args = "[]";
  EXPECT_EQ(nothing.complaints(), Words{});
  Case sandbox(wrong);
  sandbox.annotations.emplace_back("io.kubernetes.cri.container-type", "sandbox");
  EXPECT_EQ(sandbox.complaints(), Words{});
  sandbox.config.inject = Inject::annotated;
  EXPECT_EQ(sandbox.complaints(), Words{}) << "its containers tell";
  Case annotated(wrong);
  annotated.config.inject = Inject::annotated;
  EXPECT_EQ(annotated.options(), Words{"disabled"});
  EXPECT_EQ(annotated.complaints().size(), 1U);
  Case tini(wrong);
  tini.args = R"(["tini","app"])";
  EXPECT_EQ(tini.complaints().size(), 1U);
}

// Every signal to every other, every code, the longest grace: the init takes them and means the same.
TEST(Annotations, the_init_takes_all_that_is_taken_here) {
  const auto read = [](const Words& options) {
    std::vector<const char*> words = {"runi-init"};
    for (const std::string& word : options) words.push_back(word.c_str());
    for (const char* word : {"--", "app"}) words.push_back(word);
    words.push_back(nullptr);
    const Options read_back = parse_options(words.data());
    EXPECT_EQ(read_back.request, Request::run) << (read_back.wrong != nullptr ? read_back.wrong : "");
    return read_back;
  };
  for (int to = 0; to <= 64; ++to) {
    std::string all;
    for (int from = 1; from <= 64; ++from) {
      if (from == 9 || from == 19) continue;
      all += (all.empty() ? "" : ",") + std::to_string(from) + ":" + std::to_string(to);
    }
    const Options options = read(Case(Pairs{{"runi.dev/signals", all}}).options());
    for (int from = 1; from <= 64; ++from) {
      EXPECT_EQ(options.forwarded_as[from], from == 9 || from == 19 ? from : to);
    }
  }
  std::string codes = "0";
  for (int code = 1; code <= 255; ++code) codes += "," + std::to_string(code);
  const Options options = read(
      Case(Pairs{{"runi.dev/expect-exit", codes}, {"runi.dev/grace", "86400"}, {"runi.dev/forward", "group"}})
          .options());
  for (int code = 0; code <= 255; ++code) EXPECT_TRUE(options.expected.contain(code));
  EXPECT_EQ(options.grace_s, kMostGraceSeconds);
  EXPECT_TRUE(options.forward_to_group);
}

}  // namespace
}  // namespace runi
