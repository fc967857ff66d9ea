// The judgement of seccomp profiles against the filters that libseccomp makes of them.
#include "core/decide.h"
#include "core/seccomp_profile.h"
#include "oracle.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

namespace runi {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::vector<std::string> kPlain = {"/dev/.runi-init", "--"};

std::string verdict(const std::string& profile, const std::vector<std::string>& arguments = kPlain,
                    const std::string& environment = "") {
  std::string config = std::string(kBeforeProfile) + profile + std::string(kBehindProfile);
  if (!environment.empty()) config.insert(config.find(R"("args")"), R"("env":[")" + environment + R"("],)");
  const auto spec = parse_spec(config);
  if (!spec) return "unreadable: " + spec.error().what;
  const auto judged = seccomp::judge(*spec, arguments);
  return judged ? "fine" : judged.error().what;
}

// `rules` are elements of syscalls, before the one that allows the rest of what the init calls.
std::string listing(const std::string& default_action, const std::string& rules,
                    const std::vector<std::string>& without = {}) {
  Json names = Json::array();
  for (const seccomp::Call& call : seccomp::init_calls()) {
    if (std::find(without.begin(), without.end(), call.name) == without.end()) names.push_back(call.name);
  }
  return R"({"defaultAction":")" + default_action + R"(","architectures":["SCMP_ARCH_X86_64"],"syscalls":[)" +
         rules + (rules.empty() ? "" : ",") + R"({"action":"SCMP_ACT_ALLOW","names":)" + names.dump() + "}]}";
}

// What is said of the profile, once it has been compared with the filters.
std::string compared(const std::string& profile, const std::vector<std::string>& arguments = kPlain,
                     const std::string& environment = "") {
  EXPECT_EQ(find_seccomp_fault(profile), "");
  return verdict(profile, arguments, environment);
}

TEST(Interpreter, knows_what_the_kernel_does) {
  const auto filter =
      Filter::build(Json::parse(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":3,"syscalls":[
    {"names":["kill"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":9,"op":"SCMP_CMP_GT"}]}]})"),
                    Runtime::crun);
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->answer(SCMP_SYS(kill), {1, 10}), SCMP_ACT_ALLOW);
  EXPECT_EQ(filter->answer(SCMP_SYS(kill), {1, 9}), SCMP_ACT_ERRNO(3));
  EXPECT_EQ(filter->answer(SCMP_SYS(kill), {1, 1ULL << 32}), SCMP_ACT_ALLOW);
  EXPECT_EQ(filter->answer(SCMP_SYS(read), {}), SCMP_ACT_ERRNO(3));
}

std::string objection_to(const std::string& call, const std::string& action) {
  std::string words = "profile answers ";
  return words.append(call).append(" with ").append(action);
}

std::vector<fs::path> engines_files() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(RUNI_GOLDEN_DIR) / "inputs")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Json profile_in(const fs::path& path) {
  std::ifstream in(path);
  return Json::parse(in).value(Json::json_pointer("/linux/seccomp"), Json());
}

// Of each engine the profiles that differ.
std::set<std::pair<std::string, std::string>> engines_profiles() {
  std::set<std::pair<std::string, std::string>> profiles;
  for (const fs::path& path : engines_files()) {
    const std::string name = path.filename();
    const Json profile = profile_in(path);
    if (!profile.is_null()) profiles.emplace(name.substr(0, name.find('-')), profile.dump());
  }
  return profiles;
}

TEST(Engines, default_profiles_are_fine) {
  std::set<std::string> engines;
  for (const auto& [engine, profile] : engines_profiles()) {
    SCOPED_TRACE(engine);
    EXPECT_EQ(compared(profile), "fine");
    EXPECT_EQ(verdict(profile, {"/dev/.runi-init", "-s", "-t", "9", "--"}, "LISTEN_PIDFDID=1"), "fine");
    engines.insert(engine);
  }
  EXPECT_EQ(engines, (std::set<std::string>{"cri", "docker", "podman"}));
}

// As if they killed instead of refusing: no call that the init makes is outside them.
TEST(Engines, default_profiles_hold_all_calls) {
  for (const auto& [engine, text] : engines_profiles()) {
    SCOPED_TRACE(engine);
    Json profile = Json::parse(text);
    profile["defaultAction"] = "SCMP_ACT_KILL_PROCESS";
    profile.erase("defaultErrnoRet");
    EXPECT_EQ(compared(profile.dump()), "fine");
  }
}

TEST(Strict, no_profile_and_an_empty_one) {
  EXPECT_EQ(verdict("null"), "fine");
  EXPECT_EQ(verdict("{}"), "fine");
  EXPECT_EQ(verdict(R"({"syscalls":[]})"), "fine");
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_ALLOW"})"), "fine");
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_LOG"})"), "fine");
}

TEST(Strict, lists_of_all_calls) {
  for (const char* action : {"SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD",
                             "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY"}) {
    EXPECT_EQ(compared(listing(action, "")), "fine") << action;
  }
}

// Each call, left out of the list, under each default action.
TEST(Strict, lists_without_one_call) {
  const std::set<std::string> indispensable = {"rt_sigprocmask", "rt_sigaction", "rt_sigtimedwait", "waitid",
                                               "execve",         "kill",         "exit_group"};
  for (const seccomp::Call& call : seccomp::init_calls()) {
    const std::string name = call.name;
    if (call.when != seccomp::When::always || call.need == seccomp::Need::process) continue;
    for (const std::string action :
         {"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_NOTIFY"}) {
      EXPECT_EQ(compared(listing(action, "", {name})), objection_to(name, action));
    }
    for (const std::string action : {"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"}) {
      EXPECT_EQ(compared(listing(action, "", {name})),
                indispensable.count(name) != 0 ? objection_to(name, action) : "fine");
    }
  }
}

TEST(Strict, ways_of_making_a_process) {
  const std::string refused = "SCMP_ACT_ERRNO";
  EXPECT_EQ(compared(listing(refused, "", {"clone"})), "fine");
  EXPECT_EQ(compared(listing(refused, "", {"clone", "vfork"})), "fine");
  EXPECT_EQ(compared(listing(refused, "", {"vfork", "fork"})), "fine");
  EXPECT_EQ(compared(listing(refused, "", {"clone", "vfork", "fork"})),
            "profile answers fork with SCMP_ACT_ERRNO");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", "", {"vfork", "fork"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", "", {"clone"})), "profile answers clone with SCMP_ACT_KILL");
  const std::string refuse_clone = R"({"names":["clone"],"action":"SCMP_ACT_ERRNO","errnoRet":38})";
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", refuse_clone, {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", refuse_clone, {"clone", "vfork"})),
            "profile answers vfork with SCMP_ACT_KILL");
}

// Errors that look like a limit's are the end of it.
TEST(Strict, a_way_of_making_a_process_that_is_refused_as_by_a_limit) {
  for (const int error : {EAGAIN, ENOMEM}) {
    const std::string rule =
        R"({"names":["clone"],"action":"SCMP_ACT_ERRNO","errnoRet":)" + std::to_string(error) + "}";
    EXPECT_EQ(compared(listing("SCMP_ACT_KILL", rule, {"clone"})),
              "profile answers clone with SCMP_ACT_ERRNO");
  }
}

std::string clone_rule(const std::string& args, const std::string& action = "SCMP_ACT_ALLOW") {
  return R"({"names":["clone"],"action":")" + action + R"(","args":[)" + args + "]}";
}

TEST(Strict, clone_by_its_flags) {
  const std::string no_namespaces = clone_rule(R"({"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"})");
  const std::string fork_only = clone_rule(R"({"index":0,"value":17,"op":"SCMP_CMP_EQ"})");
  const std::string threads_only =
      clone_rule(R"({"index":0,"value":65536,"valueTwo":65536,"op":"SCMP_CMP_MASKED_EQ"})");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", no_namespaces, {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", fork_only, {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", fork_only, {"clone", "vfork", "fork"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", fork_only, {"clone", "vfork", "fork"})),
            "profile answers clone with SCMP_ACT_KILL");
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", threads_only, {"clone", "vfork", "fork"})),
            "profile answers fork with SCMP_ACT_ERRNO");
  // A namespace is refused, not fatal, in a profile that allows by default.
  const std::string new_user =
      clone_rule(R"({"index":0,"value":268435456,"valueTwo":268435456,"op":"SCMP_CMP_MASKED_EQ"})",
                 "SCMP_ACT_KILL_PROCESS");
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + new_user + "]}"), "fine");
}

// runc's and crun's special case: two conditions on one argument are two rules.
TEST(Strict, two_conditions_on_one_argument_are_alternatives) {
  const std::string either =
      R"({"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":2101521,"op":"SCMP_CMP_EQ"})";
  const std::string never =
      R"({"index":3,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":1,"op":"SCMP_CMP_EQ"})";
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", clone_rule(either), {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", clone_rule(never), {"clone"})),
            "profile answers clone with SCMP_ACT_KILL");
}

// libseccomp leaves such a condition out, and a rule that has no other takes the place of all that have some.
TEST(Strict, a_mask_without_bits_is_no_condition) {
  const std::string no_bits = R"({"index":1,"value":0,"valueTwo":7,"op":"SCMP_CMP_MASKED_EQ"})";
  const std::string never = R"({"index":0,"value":1,"op":"SCMP_CMP_EQ"})";
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", clone_rule(no_bits), {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", clone_rule(never, "SCMP_ACT_TRAP") + "," + clone_rule(no_bits),
                             {"clone"})),
            "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", clone_rule(no_bits + "," + never), {"clone"})),
            "profile answers clone with SCMP_ACT_KILL");
}

// libseccomp 2.5.4 forgets the second rule where the first one's arguments are compared before it.
TEST(Strict, several_rules_that_compare_otherwise_can_mean_anything) {
  const std::string two =
      clone_rule(R"({"index":3,"value":0,"op":"SCMP_CMP_EQ"},{"index":0,"value":5,"op":"SCMP_CMP_NE"})") +
      "," + clone_rule(R"({"index":0,"value":1,"op":"SCMP_CMP_NE"})");
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", two, {"clone"})), "profile answers clone with SCMP_ACT_KILL");
}

TEST(Strict, a_condition_on_what_can_be_anything_is_taken_for_the_worse) {
  const std::string low =
      R"({"names":["kill"],"action":"SCMP_ACT_KILL","args":[{"index":0,"value":2,"op":"SCMP_CMP_LT"}]})";
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + low + "]}"),
            "profile answers kill with SCMP_ACT_KILL");
  const std::string one =
      R"({"names":["close"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":2,"op":"SCMP_CMP_LT"}]})";
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + one + "]}"), "fine");
}

TEST(Strict, a_rule_without_conditions_beats_those_with) {
  const std::string kill = clone_rule(R"({"index":0,"value":0,"op":"SCMP_CMP_GE"})", "SCMP_ACT_KILL_PROCESS");
  const std::string allow = R"({"names":["clone"],"action":"SCMP_ACT_ALLOW"})";
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", kill + "," + allow, {"clone"})), "fine");
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", allow + "," + kill, {"clone"})), "fine");
}

TEST(Strict, a_rule_that_says_the_default_is_none) {
  const std::string same = R"({"names":["clone"],"action":"SCMP_ACT_ERRNO","errnoRet":1})";
  const std::string allow = clone_rule(R"({"index":0,"value":0,"op":"SCMP_CMP_GE"})");
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO", same + "," + allow, {"clone", "vfork", "fork"})), "fine");
}

TEST(Strict, errno_0_is_a_success_that_is_none) {
  for (const std::string name : {"waitid", "ppoll", "signalfd4", "clone", "exit_group", "close_range"}) {
    const std::string rule = R"({"names":[")" + name + R"("],"action":"SCMP_ACT_ERRNO","errnoRet":0})";
    EXPECT_EQ(compared(listing("SCMP_ACT_KILL", rule, {name})),
              "profile answers " + name + " with SCMP_ACT_ERRNO and errno 0");
  }
  const std::string harmless =
      R"({"names":["setsid","chdir","madvise"],"action":"SCMP_ACT_ERRNO","errnoRet":0})";
  EXPECT_EQ(compared(listing("SCMP_ACT_KILL", harmless, {"setsid", "chdir", "madvise"})), "fine");
  EXPECT_EQ(compared(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":0,"syscalls":[]})"),
            "profile answers rt_sigprocmask with SCMP_ACT_ERRNO and errno 0");
}

TEST(Strict, options_of_the_init_count) {
  const std::string without_timer = listing("SCMP_ACT_KILL", "", {"clock_gettime"});
  EXPECT_EQ(compared(without_timer), "fine");
  EXPECT_EQ(verdict(without_timer, {"/dev/.runi-init", "--", "-t"}), "fine");
  for (const auto& grace : {std::vector<std::string>{"/dev/.runi-init", "-t", "5", "--"},
                            std::vector<std::string>{"/dev/.runi-init", "-t5", "--"}}) {
    EXPECT_EQ(verdict(without_timer, grace), "profile answers clock_gettime with SCMP_ACT_KILL");
  }
  const std::string without_prctl = listing("SCMP_ACT_KILL", "", {"prctl"});
  EXPECT_EQ(verdict(without_prctl), "profile answers prctl with SCMP_ACT_KILL");
}

TEST(Strict, calls_for_socket_activation_count_where_there_is_one) {
  const std::string profile = listing("SCMP_ACT_KILL", "", {"pidfd_open"});
  EXPECT_EQ(compared(profile), "fine");
  EXPECT_EQ(compared(profile, kPlain, "LISTEN_PIDFDID=7"), "profile answers pidfd_open with SCMP_ACT_KILL");
}

TEST(Strict, names_of_no_call_and_of_other_architectures) {
  EXPECT_EQ(compared(listing("SCMP_ACT_ERRNO",
                             R"({"names":["nonesuch","waitpid","_llseek",""],"action":"SCMP_ACT_KILL"})")),
            "fine");
}

TEST(Unreadable, is_told_by_its_place) {
  const auto rule = [](const std::string& members) {
    return R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],)" + members + "}]}";
  };
  EXPECT_EQ(verdict(R"({"defaultAction":"SCMP_ACT_NONE"})"),
            "/linux/seccomp/defaultAction: expected an action of seccomp, found \"SCMP_ACT_NONE\"");
  EXPECT_EQ(verdict(R"({"defaultAction":1})"),
            "/linux/seccomp/defaultAction: expected a string, found a number");
  EXPECT_EQ(verdict(R"({"syscalls":[{"names":["kill"],"action":"SCMP_ACT_KILL"}]})"),
            "/linux/seccomp/defaultAction: expected an action of seccomp, found \"\"");
  EXPECT_EQ(verdict(R"({"defaultAction":"SCMP_ACT_ALLOW","defaultAction":"SCMP_ACT_KILL"})"),
            "/linux/seccomp/defaultAction: appears twice; runtimes disagree on which one they use");
  EXPECT_EQ(
      verdict(R"({"defaultAction":"SCMP_ACT_ALLOW","DefaultAction":"SCMP_ACT_KILL"})"),
      "/linux/seccomp/defaultAction: also written in another case; runtimes disagree on which one they use");
  for (const char* member : {"names", "action", "errnoRet", "args"}) {
    std::string other = member;
    other[0] = static_cast<char>(other[0] - 'a' + 'A');
    EXPECT_EQ(verdict(rule(R"("action":"SCMP_ACT_KILL",")" + other + R"(":null)")),
              "/linux/seccomp/syscalls/" + std::string(member) +
                  ": also written in another case; runtimes disagree on which one they use");
  }
  for (const char* member : {"index", "value", "valueTwo", "op"}) {
    std::string twice = R"("action":"SCMP_ACT_KILL","args":[{")";
    twice.append(member).append(R"(":null,")").append(member).append(R"(":null}])");
    EXPECT_EQ(verdict(rule(twice)), "/linux/seccomp/syscalls/args/" + std::string(member) +
                                        ": appears twice; runtimes disagree on which one they use");
  }
  EXPECT_EQ(verdict(rule(R"("action":"SCMP_ACT_KILL","errnoRet":-1)")),
            "/linux/seccomp/syscalls/errnoRet: expected a number of 0 or more, found -1");
  EXPECT_EQ(verdict(rule(R"("action":"SCMP_ACT_KILL","args":[{"index":6,"op":"SCMP_CMP_EQ"}])")),
            "/linux/seccomp/syscalls/args/index: expected 0 to 5");
  EXPECT_EQ(verdict(rule(R"("action":"SCMP_ACT_KILL","args":[{"index":0,"op":"EQ"}])")),
            "/linux/seccomp/syscalls/args/op: expected a comparison of seccomp, found \"EQ\"");
  EXPECT_EQ(verdict(rule(R"("action":"SCMP_ACT_KILL","args":[null])")),
            "/linux/seccomp/syscalls/args: expected objects in it");
  EXPECT_EQ(verdict(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[7]})"),
            "/linux/seccomp/syscalls: expected objects in it");
}

TEST(Generated, profiles_are_judged_as_they_act) {
  const char* const wish = std::getenv("RUNI_SECCOMP_PROFILES");
  const int count = wish != nullptr ? static_cast<int>(std::strtol(wish, nullptr, 10)) : 300;
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    std::vector<std::uint8_t> bytes(random() % 200);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const std::string fault = find_seccomp_fault(make_profile(bytes.data(), bytes.size()));
    ASSERT_EQ(fault, "") << "profile " << i;
  }
}

}  // namespace
}  // namespace runi
