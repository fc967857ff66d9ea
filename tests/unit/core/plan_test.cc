#include "core/plan.h"

#include "core/edit.h"

#include <gtest/gtest.h>

#include <string>

namespace runi {
namespace {

constexpr const char* kPlain = R"({"process":{"args":["sh"]},"linux":{"namespaces":[{"type":"pid"}]},
  "mounts":[{"destination":"/dev","type":"tmpfs"}]})";
constexpr const char* kWithoutPlace = R"({"process":{"args":["sh"]},"linux":{"namespaces":[{"type":"pid"}]},
  "annotations":{"runi.dev/nonsense":"1"}})";
constexpr const char* kWithInit = R"({"process":{"args":["tini"]},"linux":{"namespaces":[{"type":"pid"}]},
  "annotations":{"runi.dev/nonsense":"1"}})";
constexpr const char* kComplaint = R"(/b/config.json: annotation "runi.dev/nonsense": unknown key)";

CommandLine create() {
  CommandLine command;
  command.verb = Verb::create;
  return command;
}

// A start with what its machine answers, and which questions it was asked.
struct Case {
  Settings settings{};
  Result<std::string> runtime = std::string("/usr/sbin/runc");
  Result<std::optional<std::string_view>> bytes = std::optional<std::string_view>(kPlain);
  Rootfs rootfs;
  Result<std::string> init = std::string("/usr/libexec/runi/runi-init");
  mutable std::string asked{};

  [[nodiscard]] StartPlan plan() const {
    asked.clear();
    const StartFacts facts{runtime, "/b/config.json",
                           [this] {
                             asked += "spec ";
                             return bytes;
                           },
                           [this](const Spec&) {
                             asked += "rootfs ";
                             return rootfs;
                           },
                           [this] {
                             asked += "init ";
                             return init;
                           }};
    return plan_start(create(), settings, facts, "9.9");
  }
  // Decision, whether it starts, and the error.
  [[nodiscard]] std::string outcome() const {
    const StartPlan made = plan();
    EXPECT_EQ(made.edited.empty(), !made.injects());
    EXPECT_TRUE(made.starts || made.failure) << "refused without a word";
    return std::string(decision_of(made)) + (made.starts ? " starts" : " refused") +
           (made.failure ? ": " + made.failure->what : "");
  }
};

Case with(std::string_view bytes) {
  Case c;
  c.bytes = std::optional<std::string_view>(bytes);
  return c;
}

TEST(StartPlan, a_container_that_gets_the_init) {
  const Case c;
  const StartPlan plan = c.plan();
  EXPECT_EQ(c.outcome(), "inject starts");
  EXPECT_EQ(c.asked, "spec rootfs init ");
  EXPECT_EQ(plan.detail, "at /dev/.runi-init");
  const auto spec = parse_spec(kPlain);
  ASSERT_TRUE(spec);
  const Decision decision = decide(create(), c.settings.config, *spec, c.rootfs);
  EXPECT_EQ(plan.edited, inject(kPlain, *spec, decision.injection, *c.init, "9.9"));
}

TEST(StartPlan, without_runtime_or_settings_nothing_is_looked_at_and_nothing_starts) {
  Case c;
  c.settings.broken = Error{"configuration x: wrong"};
  EXPECT_EQ(c.outcome(), "failed refused: configuration x: wrong");
  c.runtime = Error{"no OCI runtime found"};
  c.settings.config.inject = Inject::never;
  EXPECT_EQ(c.outcome(), "failed refused: no OCI runtime found") << "the first of the two";
  EXPECT_EQ(c.asked, "");
}

TEST(StartPlan, where_inject_is_never_nothing_is_looked_at) {
  Case c = with("not JSON");
  c.settings.config.inject = Inject::never;
  c.settings.config.on_failure = OnFailure::fail;
  EXPECT_EQ(c.outcome(), "disabled starts");
  EXPECT_EQ(c.plan().detail, "configuration: inject is never");
  EXPECT_EQ(c.asked, "");
}

TEST(StartPlan, a_file_that_does_not_exist_is_the_runtime_s_to_complain_of) {
  Case c;
  c.bytes = std::optional<std::string_view>();
  c.settings.config.on_failure = OnFailure::fail;
  EXPECT_EQ(c.outcome(), "no-process starts");
  EXPECT_EQ(c.plan().detail, "/b/config.json: No such file or directory");
  EXPECT_EQ(c.asked, "spec ");
}

// Each failure starts the container without the init, or under onFailure "fail" not at all.
TEST(StartPlan, failures_name_the_file_and_what_is_not_needed_any_more_is_not_asked) {
  const auto failure = [](Case c, const std::string& asked) {
    const std::string kept = c.outcome();
    EXPECT_EQ(c.asked, asked);
    c.settings.config.on_failure = OnFailure::fail;
    const std::string refused = c.outcome();
    EXPECT_EQ(c.asked, asked);
    const auto colon = refused.find(' ');
    EXPECT_EQ(refused.substr(0, colon) + " starts" + refused.substr(colon + 8), kept);
    return refused;
  };
  Case unreadable;
  unreadable.bytes = Error{"open: Permission denied"};
  EXPECT_EQ(failure(unreadable, "spec "), "failed refused: /b/config.json: open: Permission denied");
  EXPECT_EQ(failure(with("[]"), "spec "),
            "failed refused: /b/config.json: expected an object at the top, found an array");
  Case placeless = with(R"({"process":{"args":["sh"]},"linux":{"namespaces":[{"type":"pid"}]}})");
  placeless.rootfs.doubt = "it is dark";
  EXPECT_EQ(failure(placeless, "spec rootfs "), "no-place refused: /b/config.json: no-place: it is dark");
  Case without_init;
  without_init.init = Error{"init not found"};
  EXPECT_EQ(failure(without_init, "spec rootfs init "), "failed refused: init not found");
}

TEST(StartPlan, a_container_that_wants_no_init_is_not_asked_for_one) {
  const Case c = with(R"({"process":{"args":["tini"]},"linux":{"namespaces":[{"type":"pid"}]}})");
  EXPECT_EQ(c.outcome(), "has-init starts");
  EXPECT_EQ(c.asked, "spec rootfs ");
}

TEST(StartPlan, complaints_are_told_or_refuse_the_start) {
  Case c = with(kWithInit);
  EXPECT_EQ(c.outcome(), "has-init starts");
  EXPECT_EQ(c.plan().complaints.size(), 1U);
  c.settings.config.on_failure = OnFailure::fail;
  EXPECT_TRUE(c.outcome().starts_with(std::string("has-init refused: ") + kComplaint)) << c.outcome();
  EXPECT_TRUE(c.plan().complaints.empty());

  Case placeless = with(kWithoutPlace);
  EXPECT_TRUE(placeless.outcome().starts_with("no-place starts: ")) << placeless.outcome();
  EXPECT_TRUE(placeless.plan().complaints.empty());
}

TEST(StartPlan, an_edit_that_cannot_be_made) {
  Case c;
  StartPlan plan = c.plan();
  ASSERT_TRUE(plan.injects());
  fail(plan, Error{"rename: No space left on device"}, c.settings.config);
  EXPECT_FALSE(plan.injects());
  EXPECT_TRUE(plan.starts);
  EXPECT_EQ(decision_of(plan), "failed");
  EXPECT_EQ(plan.edited, "");
  c.settings.config.on_failure = OnFailure::fail;
  fail(plan, Error{"x"}, c.settings.config);
  EXPECT_FALSE(plan.starts);
}

}  // namespace
}  // namespace runi
