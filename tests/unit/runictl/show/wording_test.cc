#include "runictl/show/wording.h"

#include "tests/unit/runictl/containers/made_container.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

std::string text_of(const Container& container) {
  return text_of(assess(container), container);
}

TEST(Verdict, names_its_causes) {
  Container one = container("app");
  EXPECT_EQ(text_of(one), "needs an init: no handler for SIGTERM");
  one.held_zombies = 312;
  EXPECT_EQ(text_of(one), "needs an init: 312 zombies; no handler for SIGTERM");
  one.oldest_zombie_s = 3 * 3600;
  one.first.caught = kTerm;
  EXPECT_EQ(text_of(one), "needs an init: 312 zombies, oldest 3h");
  one.other_zombies = 1;
  EXPECT_EQ(text_of(one), "needs an init: 312 zombies, oldest 3h; 1 zombie of another process");
  EXPECT_EQ(text_of(container("sh")), "needs an init: a shell that does not forward SIGTERM");
}

TEST(Verdict, says_what_waits_perhaps_for_what_it_adopted) {
  Container one = container("pidproxy");
  one.adopted = 2;
  EXPECT_EQ(
      text_of(one),
      "needs an init: no handler for SIGTERM; but it has adopted 2 processes, and must stay PID 1 if it "
      "waits for them");
  EXPECT_EQ(assess(one).verdict, Verdict::needs_init);
  one.held_zombies = 1;
  EXPECT_EQ(text_of(one).find("adopted"), std::string::npos);
  Container shell = container("sh");
  shell.adopted = 2;
  EXPECT_EQ(text_of(shell).find("adopted"), std::string::npos);
}

TEST(Verdict, of_what_handles_waits_or_ignores) {
  Container one = container("app");
  one.first.caught = kTerm;
  EXPECT_EQ(text_of(one), "fine: handles SIGTERM, no zombies");
  one.other_zombies = 2;
  EXPECT_EQ(text_of(one), "fine: handles SIGTERM, no zombies; 2 zombies of another process");
  one.other_zombies = 0;
  one.first.caught = 0;
  one.first.blocked = kTerm;
  EXPECT_EQ(text_of(one), "fine: waits for SIGTERM, it seems");
  one.first.blocked = 0;
  one.first.ignored = kTerm;
  EXPECT_EQ(text_of(one), "ignores SIGTERM, which no init can change");
}

TEST(Verdict, of_inits) {
  Container tini = container("tini");
  EXPECT_EQ(text_of(tini), "has one: tini");
  tini.held_zombies = 2;
  EXPECT_EQ(text_of(tini), "has one: tini, yet 2 zombies");
  EXPECT_EQ(text_of(container("systemd", {"/sbin/init"})), "is an init system: systemd");
}

TEST(Verdict, of_sandboxes) {
  Container one = container("pause");
  one.identity.sandbox = true;
  one.processes = 1;
  EXPECT_EQ(text_of(one), "is a pod's sandbox");
  one.processes = 3;
  EXPECT_EQ(text_of(one), "is a pod's sandbox, and the init of 2 processes");
}

TEST(Verdict, of_the_others) {
  Container one = container("app");
  one.first.real_uid = one.first.saved_uid = 999;
  one.identity.first_uid = 0;
  one.identity.signals_all = false;
  EXPECT_EQ(
      text_of(one),
      "no init would help: without CAP_KILL and CAP_SETUID its signals would not reach the application, "
      "which has changed its user");
  Container runc = container("runc", {"runc", "init"});
  runc.first.name = "runc:[2:INIT]";
  EXPECT_EQ(text_of(runc), "not started yet");
}

TEST(Counted, has_one_and_many) {
  EXPECT_EQ(counted(0, "process", "processes"), "0 processes");
  EXPECT_EQ(counted(1, "process", "processes"), "1 process");
  EXPECT_EQ(counted(2, "process", "processes"), "2 processes");
  EXPECT_EQ(or_dash(""), "-");
  EXPECT_EQ(or_dash("x"), "x");
}

TEST(Age, has_one_unit) {
  EXPECT_EQ(format_age(0), "0s");
  EXPECT_EQ(format_age(119), "119s");
  EXPECT_EQ(format_age(120), "2m");
  EXPECT_EQ(format_age(7199), "119m");
  EXPECT_EQ(format_age(7200), "2h");
  EXPECT_EQ(format_age(172800), "2d");
}

}  // namespace
}  // namespace runi
