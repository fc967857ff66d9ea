// Whether every member that parse_spec reads is also kept by the reader of JSON: one that is not would always
// seem to be missing.
#include "core/spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace runi {
namespace {

// A config.json with one member, of each that is read, where ? stands.
constexpr const char* kMembers[] = {
    R"({"process":?})",
    R"({"process":{"args":?}})",
    R"({"process":{"args":[?]}})",
    R"({"process":{"args":[],"env":?}})",
    R"({"process":{"args":[],"env":[?]}})",
    R"({"process":{"args":[],"cwd":?}})",
    R"({"process":{"args":[],"noNewPrivileges":?}})",
    R"({"process":{"args":[],"user":?}})",
    R"({"process":{"args":[],"user":{"uid":?}}})",
    R"({"process":{"args":[],"user":{"gid":?}}})",
    R"({"process":{"args":[],"user":{"additionalGids":?}}})",
    R"({"process":{"args":[],"user":{"additionalGids":[?]}}})",
    R"({"process":{"args":[],"capabilities":?}})",
    R"({"process":{"args":[],"capabilities":{"bounding":?}}})",
    R"({"process":{"args":[],"capabilities":{"effective":?}}})",
    R"({"process":{"args":[],"capabilities":{"ambient":?}}})",
    R"({"hooks":?})",
    R"({"hooks":{"prestart":?}})",
    R"({"hooks":{"createRuntime":?}})",
    R"({"hooks":{"createContainer":?}})",
    R"({"mounts":?})",
    R"({"mounts":[?]})",
    R"({"mounts":[{"destination":?}]})",
    R"({"mounts":[{"type":?}]})",
    R"({"mounts":[{"source":?}]})",
    R"({"mounts":[{"options":?}]})",
    R"({"annotations":?})",
    R"({"annotations":{"x":?}})",
    R"({"linux":?})",
    R"({"linux":{"namespaces":?}})",
    R"({"linux":{"namespaces":[?]}})",
    R"({"linux":{"namespaces":[{"type":?}]}})",
    R"({"linux":{"namespaces":[{"path":?}]}})",
    R"({"linux":{"resources":?}})",
    R"({"linux":{"resources":{"pids":?}}})",
    R"({"linux":{"resources":{"pids":{"limit":?}}}})",
    R"({"linux":{"rootfsPropagation":?}})",
    R"({"linux":{"maskedPaths":?}})",
    R"({"linux":{"maskedPaths":[?]}})",
    R"({"linux":{"uidMappings":?}})",
    R"({"linux":{"uidMappings":[{"hostID":?}]}})",
    R"({"linux":{"uidMappings":[{"size":?}]}})",
    R"({"linux":{"gidMappings":?}})",
    R"({"linux":{"gidMappings":[{"hostID":?}]}})",
    R"({"linux":{"gidMappings":[{"size":?}]}})",
    R"({"linux":{"seccomp":?}})",
    R"({"root":?})",
    R"({"root":{"path":?}})",
};

std::string with(std::string member, const std::string& value) {
  return member.replace(member.find('?'), 1, value);
}

// A wrong type is an error, or makes the command unclear: so the member has been seen.
bool is_noticed(const std::string& bytes) {
  const auto spec = parse_spec(bytes);
  return !spec || spec->command_unclear;
}

TEST(SpecMembers, all_that_are_read_are_kept) {
  for (const std::string member : kMembers) {
    EXPECT_TRUE(is_noticed(with(member, "true")) || is_noticed(with(member, "1"))) << member;
  }
  EXPECT_FALSE(is_noticed(R"({"process":{"args":[]},"unknown":true})"));
}

// Values that change nothing but what is told apart by them.
TEST(SpecMembers, the_arguments_of_hooks_and_the_options_of_mounts_are_kept) {
  EXPECT_FALSE(is_noticed(R"({"hooks":{"prestart":[{"args":["libnetwork-setkey"]}]}})"));
  EXPECT_TRUE(is_noticed(R"({"hooks":{"prestart":[{"args":["x"]}]}})"));
  const auto spec = parse_spec(R"({"mounts":[{"type":"tmpfs","options":["mode=700"]}]})");
  ASSERT_TRUE(spec);
  EXPECT_FALSE(spec->mounts.at(0).searchable);
}

// seccomp_profile.cc finds its members in what is kept here.
TEST(SpecMembers, a_profile_s_members_are_kept_as_deep_as_they_are_read) {
  const std::string profile =
      R"({"defaultAction":"a","defaultErrnoRet":1,"syscalls":[{"names":["n"],"action":"a","errnoRet":1,)"
      R"("args":[{"index":0,"value":1,"valueTwo":2,"op":"o"}]}]})";
  const auto spec = parse_spec(R"({"linux":{"seccomp":)" + profile + "}}");
  const auto whole = json::Document::parse(profile, json::Comments::refused);
  ASSERT_TRUE(spec && whole);
  ASSERT_NE(spec->seccomp_value, nullptr);
  EXPECT_EQ(spec->seccomp_value->tree_size, whole->root().tree_size);
}

}  // namespace
}  // namespace runi
