#include "runictl/containers/verdict.h"

#include "tests/unit/runictl/containers/made_container.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

std::string started_as(const std::string& user, const std::string& set, const std::string& capabilities,
                       const std::string& more = "") {
  return R"({"process": {"user": {"uid": )" + user + R"(}, "capabilities": {")" + set + R"(": [)" +
         capabilities + "]}}" + more + "}";
}

TEST(Assess, no_handler) {
  const Assessment assessment = assess(container("node", {"node", "server.js"}));
  EXPECT_EQ(assessment.verdict, Verdict::needs_init);
  EXPECT_EQ(assessment.causes, std::vector{Cause::no_handler});
}

TEST(Assess, shells) {
  EXPECT_EQ(assess(container("dash", {"sh", "-c", "x"})).causes, std::vector{Cause::shell});
  EXPECT_EQ(assess(container("bash", {"-bash"})).causes, std::vector{Cause::shell});
  Container script = container("dash", {"/bin/sh", "/tini"});
  script.first.name = "tini";
  EXPECT_EQ(assess(script).causes, std::vector{Cause::shell}) << "a script of an init's name";
  Container busybox = container("busybox", {"sh", "-c", "x"});
  busybox.first.name = "sh";
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::shell});
  busybox.arguments = {"sleep", "1"};
  busybox.first.name = "sleep";
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::no_handler});
  busybox.arguments = {"sh", "-c", "x"};
  busybox.first.name = "sh";
  busybox.first.blocked = kTerm;
  EXPECT_EQ(assess(busybox).causes, std::vector{Cause::shell}) << "it is about to start a command";
  Container trapping = container("dash", {"sh", "-c", "trap x TERM"});
  trapping.first.caught = kTerm;
  EXPECT_EQ(assess(trapping).verdict, Verdict::fine);
}

TEST(Assess, signals) {
  Container one = container("app");
  one.first.caught = kTerm;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::handled);
  EXPECT_EQ(assess(one).verdict, Verdict::fine);
  one.first.caught = 0;
  one.first.blocked = kTerm;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::blocked);
  EXPECT_EQ(assess(one).verdict, Verdict::fine);
  one.first.ignored = kTerm;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::blocked) << "the kernel keeps what is blocked, ignored or not";
  one.first.blocked = 0;
  EXPECT_EQ(assess(one).verdict, Verdict::ignores_sigterm);
  one.first.ignored = 0;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::dropped);
  one.first.waits_for_signals = true;
  EXPECT_EQ(sigterm_of(one.first), Sigterm::blocked);
  EXPECT_EQ(assess(one).verdict, Verdict::fine);
}

TEST(Assess, an_application_that_an_init_could_not_signal) {
  Container one = container("app");
  one.first.real_uid = one.first.uid = one.first.saved_uid = 999;
  const auto verdict = [&one](const std::string& config) {
    one.identity = {};
    EXPECT_TRUE(read_bundle(config, one.identity));
    return assess(one).verdict;
  };
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETGID")")), Verdict::no_help);
  EXPECT_EQ(assess(one).causes, std::vector{Cause::no_handler});
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETUID")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("0", "bounding", R"("CAP_SETGID", "CAP_KILL")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("0", "effective", R"("CAP_KILL")")), Verdict::no_help);
  EXPECT_EQ(verdict(started_as("1000", "bounding", R"("CAP_KILL")")), Verdict::no_help);
  EXPECT_EQ(verdict(started_as("1000", "ambient", R"("CAP_KILL")")), Verdict::needs_init);
  EXPECT_EQ(verdict(started_as("999", "bounding", "")), Verdict::needs_init);
  EXPECT_EQ(verdict(R"({"process": {"user": {"uid": 0}}})"), Verdict::needs_init) << "not known";
  EXPECT_EQ(verdict(started_as("0", "bounding", "", R"(, "linux": {"namespaces": [{"type": "user"}]})")),
            Verdict::needs_init)
      << "ids of another namespace";
  one.first.real_uid = 1000;  // a set-user-ID program that keeps who called it
  EXPECT_EQ(verdict(started_as("1000", "bounding", "")), Verdict::needs_init);
  one.first.real_uid = 999;
  one.first.caught = kTerm;
  EXPECT_EQ(verdict(started_as("0", "bounding", "")), Verdict::fine);
}

TEST(Assess, inits) {
  for (const char* name : {"tini", "dumb-init", "catatonit", "docker-init", "podman-init", "pause"}) {
    EXPECT_EQ(assess(container(name)).verdict, Verdict::has_init);
    EXPECT_EQ(assess(container(name)).init, name);
  }
  EXPECT_EQ(assess(container(".runi-init", {"/dev/.runi-init", "--", "app"})).init, "runi-init");
  EXPECT_EQ(assess(container("systemd", {"/sbin/init"})).verdict, Verdict::init_system);
  EXPECT_EQ(assess(container("systemd", {"/sbin/init"})).init, "systemd");
  Container busybox = container("busybox", {"/init"});
  busybox.first.name = "init";
  EXPECT_EQ(assess(busybox).verdict, Verdict::init_system);
  Container deleted = container("tini (deleted)", {"x"});
  deleted.first.name = "x";
  EXPECT_EQ(assess(deleted).verdict, Verdict::has_init);
  Container called = container("docker-init");
  called.is_runi_init = true;
  EXPECT_EQ(assess(called).init, "runi-init, called docker-init");
}

TEST(Assess, sandboxes_are_left_alone) {
  Container one = container("sleep");
  EXPECT_TRUE(
      read_bundle(R"({"annotations": {"io.kubernetes.cri.container-type": "sandbox"}})", one.identity));
  EXPECT_EQ(assess(one).verdict, Verdict::sandbox);
  // What it is comes before what it runs.
  Container pause = container("pause", {"/usr/bin/pod", "x"});
  EXPECT_EQ(assess(pause).verdict, Verdict::has_init);
  pause.identity.sandbox = true;
  EXPECT_EQ(assess(pause).verdict, Verdict::sandbox);
  // Where its annotations are not to be had, as runi(8) knows it.
  EXPECT_EQ(assess(container("pause", {"/pause"})).verdict, Verdict::sandbox);
  EXPECT_EQ(assess(container("catatonit", {"/catatonit", "-P"})).verdict, Verdict::sandbox);
}

TEST(Assess, the_runtime_itself_has_not_started_yet) {
  Container one = container("runc", {"runc", "init"});
  one.first.name = "runc:[2:INIT]";
  EXPECT_EQ(assess(one).verdict, Verdict::not_started);
  EXPECT_EQ(assess(container("crun", {"/usr/bin/crun", "create", "--bundle", "/b", "web"})).verdict,
            Verdict::not_started);
  EXPECT_EQ(assess(container("crun", {"crun", "list"})).verdict, Verdict::needs_init);
}

TEST(Assess, without_the_program_goes_by_what_all_may_see) {
  Container one = container("x", {"/bin/sh", "/docker-entrypoint.sh"});
  one.program.clear();
  one.first.name = "docker-entrypoi";
  EXPECT_EQ(assess(one).causes, std::vector{Cause::shell});
  one.first.name = "tini";
  one.arguments = {"/tini", "--", "x"};
  EXPECT_EQ(assess(one).verdict, Verdict::has_init);
}

TEST(Assess, zombies) {
  Container one = container("app");
  one.first.caught = kTerm;
  one.other_zombies = 1;
  EXPECT_EQ(assess(one).verdict, Verdict::fine) << "no init would reap those";
  one.held_zombies = 1;
  EXPECT_EQ(assess(one).verdict, Verdict::needs_init);
  EXPECT_EQ(assess(one).causes, std::vector{Cause::zombies});
  one.first.caught = 0;
  EXPECT_EQ(assess(one).causes, (std::vector{Cause::zombies, Cause::no_handler}));
}

TEST(AssessAll, puts_the_worst_first) {
  Survey survey;
  survey.containers = {container("tini"), container("app"), container("app"),
                       container("sh"),   container("app"), container("app")};
  survey.containers[1].identity.name = "quiet";
  survey.containers[2].held_zombies = 1;
  survey.containers[4].held_zombies = 99;
  survey.containers[5].identity.name = "another";
  const auto assessed = assess_all(survey);
  std::vector<std::ptrdiff_t> order;
  for (const Assessed& one : assessed) order.push_back(one.container - survey.containers.data());
  EXPECT_EQ(order, (std::vector<std::ptrdiff_t>{4, 2, 3, 5, 1, 0}));
  EXPECT_EQ(assessed[3].title, "another");
  EXPECT_EQ(assessed[3].assessment.causes, std::vector{Cause::no_handler});
}

TEST(AssessAll, knows_what_a_container_is_in) {
  Survey survey;
  survey.containers = {container("app"), container("app")};
  survey.containers[0].first.pid = 10;
  survey.containers[0].identity.name = "web";
  survey.containers[1].outer = 10;
  EXPECT_EQ(assess_all(survey)[0].title, "in web");
}

TEST(Count, by_kind) {
  Survey survey;
  survey.containers = {container("app"), container("tini"), container("systemd"), container("pause")};
  survey.containers.push_back(container("app"));
  survey.containers.back().first.caught = kTerm;
  survey.containers.back().program.clear();
  survey.containers[3].identity.sandbox = true;
  const Counts counts = count(assess_all(survey));
  EXPECT_EQ(counts.need_init, 1U);
  EXPECT_EQ(counts.have_init, 2U);
  EXPECT_EQ(counts.sandboxes, 1U);
  EXPECT_EQ(counts.sealed, 1U);
}

}  // namespace
}  // namespace runi
