#include "core/spec.h"

#include <gtest/gtest.h>

#include <string>

namespace runi {
namespace {

std::string error_of(std::string_view text) {
  const auto spec = parse_spec(text);
  return spec ? "no error" : spec.error().what;
}

TEST(Spec, the_facts_of_a_whole_file) {
  const std::string text = R"({
    "ociVersion": "1.2.0", "root": {"path": "rootfs", "readonly": true},
    "process": {"args": ["sh", "-c", "x"], "user": {"uid": 0}},
    "mounts": [{"destination": "/dev", "type": "tmpfs", "options": ["nosuid"]},
               {"destination": "/run", "type": "tmpfs", "options": ["rbind"]},
               {"destination": "/etc/hosts"}],
    "annotations": {"a": "1", "b": "2"},
    "linux": {"namespaces": [{"type": "pid"}, {"type": "user"}],
              "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "gidMappings": [{"containerID": 0, "hostID": 18446744073709551615, "size": 1}]}})";
  const auto spec = parse_spec(text);
  ASSERT_TRUE(spec) << spec.error().what;
  EXPECT_EQ(spec->args, (std::vector<std::string_view>{"sh", "-c", "x"}));
  ASSERT_EQ(spec->mounts.size(), 3U);
  EXPECT_TRUE(spec->mounts[0].tmpfs);
  EXPECT_FALSE(spec->mounts[1].tmpfs) << "a bind option makes a bind mount whatever the type says";
  EXPECT_EQ(spec->mounts[2].destination, "/etc/hosts");
  EXPECT_EQ(spec->annotation("b"), "2");
  EXPECT_FALSE(spec->annotation("c"));
  EXPECT_EQ(spec->pid_namespace, PidNamespace::own);
  EXPECT_TRUE(spec->user_namespace);
  EXPECT_EQ(spec->host_uids.at(0).host, 100000U);
  EXPECT_EQ(spec->host_gids.at(0).host, 18446744073709551615U);
  EXPECT_EQ(spec->root_path, "rootfs");
}

TEST(Spec, missing_and_null_members_are_no_errors) {
  for (const char* text :
       {"{}", R"({"process":null,"mounts":null,"annotations":null,"linux":null,"root":null})",
        R"({"process":{"args":null},"linux":{"namespaces":null,"uidMappings":null}})",
        R"({"process":{},"linux":{},"root":{"path":null},"mounts":[],"annotations":{}})"}) {
    const auto spec = parse_spec(text);
    ASSERT_TRUE(spec) << text << spec.error().what;
    EXPECT_TRUE(spec->args.empty());
    EXPECT_EQ(spec->pid_namespace, PidNamespace::none);
  }
}

TEST(Spec, a_pid_namespace_with_a_path_is_joined) {
  const auto joined = parse_spec(R"({"linux":{"namespaces":[{"type":"pid","path":"/proc/7/ns/pid"}]}})");
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->pid_namespace, PidNamespace::joined);
  const auto own = parse_spec(R"({"linux":{"namespaces":[{"type":"pid","path":""}]}})");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->pid_namespace, PidNamespace::own);
}

TEST(Spec, names_that_runtimes_read_differently_are_refused) {
  EXPECT_EQ(error_of(R"({"process":{"args":["a"]},"process":{"args":["b"]}})"),
            "/process: appears twice; runtimes disagree on which one they use");
  EXPECT_EQ(error_of(R"({"process":{"args":["a"],"args":["b"]}})"),
            "/process/args: appears twice; runtimes disagree on which one they use");
  EXPECT_EQ(error_of(R"({"mounts":[],"mounts":[]})"),
            "/mounts: appears twice; runtimes disagree on which one they use");
  EXPECT_EQ(error_of(R"({"annotations":{"k":"1","x":"","k":"2"}})"),
            "/annotations/k: appears twice; runtimes disagree on which one they use");
  EXPECT_EQ(error_of(R"({"annotations":{"a/b\n":"1","a/b\n":"2"}})"),
            R"(/annotations/a~1b\n: appears twice; runtimes disagree on which one they use)");
  EXPECT_EQ(error_of(R"({"Process":{}})"),
            "/process: also written in another case; runtimes disagree on which one they use");
  EXPECT_EQ(error_of("{\"proce\xC5\xBFs\":{}}"),
            "/process: also written in another case; runtimes disagree on which one they use")
      << "a long s is an s to Go";
  EXPECT_EQ(error_of(R"({"process":{"args":["a"],"ARGS":["b"]}})"),
            "/process/args: also written in another case; runtimes disagree on which one they use");
  EXPECT_EQ(error_of(R"({"proc\u0065ss":{},"process":{}})"),
            "/process: appears twice; runtimes disagree on which one they use")
      << "an escaped name is the same name";
}

TEST(Spec, a_string_with_a_nul_is_read_by_crun_up_to_there) {
  for (const std::string_view json :
       {R"({"process\u0000":{}})", R"({"mounts":[{"destination":"/dev\u0000x"}]})",
        R"({"x":{"y":["\u0000"]}})"}) {
    EXPECT_NE(parse_spec(json).error().what.find("a NUL in \""), std::string::npos) << json;
  }
  EXPECT_EQ(parse_spec(R"({ "x\u0000" : 1})").error().what,
            "a NUL in \"x\\u0000\"; runtimes disagree on where such a string ends");
  EXPECT_TRUE(parse_spec(R"({"process":{"args":["\\u0000"]}})"));
}

TEST(Spec, other_members_may_be_anything) {
  EXPECT_EQ(
      error_of(
          R"({"x":1,"x":2,"vm":[],"hooks":7,"process":{"args":["a"],"User":1,"capabilities":"?"},"linux":{"sysctl":0}})"),
      "no error");
}

// The look at the command is a courtesy: what it would need is refused by nobody here.
TEST(Spec, the_command_is_unclear_where_what_says_more_of_it_is) {
  const auto unclear = [](std::string_view json) {
    const auto spec = parse_spec(json);
    EXPECT_TRUE(spec) << json;
    return spec && spec->command_unclear;
  };
  EXPECT_FALSE(
      unclear(R"({"process":{"args":["a"],"env":["PATH=/"],"cwd":"/","user":{"uid":1},"capabilities":{}}})"));
  for (const char* json :
       {R"({"process":{"args":["a"],"env":7}})", R"({"process":{"args":["a"],"env":[],"Env":[]}})",
        R"({"process":{"args":["a"],"cwd":"/","CWD":"/"}})",
        R"({"process":{"args":["a"],"user":{"uid":-1}}})", R"({"process":{"args":["a"],"user":[]}})",
        R"({"process":{"args":["a"]},"hooks":{"prestart":[{}]}})", R"({"hooks":7})"}) {
    EXPECT_TRUE(unclear(json)) << json;
  }
}

TEST(Spec, a_seccomp_profile_is_found_and_not_looked_into) {
  const auto spec = parse_spec(R"({"linux":{"seccomp":{"x":1,"x":2}}})");
  ASSERT_TRUE(spec);
  ASSERT_NE(spec->seccomp_value, nullptr);
  EXPECT_EQ(spec->seccomp_value->kind, json::Kind::object);
  for (const char* none : {R"({"linux":{"seccomp":null}})", R"({"linux":{}})", "{}"}) {
    const auto without = parse_spec(none);
    ASSERT_TRUE(without);
    EXPECT_EQ(without->seccomp_value, nullptr);
  }
  EXPECT_EQ(error_of(R"({"linux":{"seccomp":{},"Seccomp":{}}})"),
            "/linux/seccomp: also written in another case; runtimes disagree on which one they use");
}

TEST(Spec, wrong_types_are_named_with_their_place) {
  EXPECT_EQ(error_of("[]"), "expected an object at the top, found an array");
  EXPECT_EQ(error_of(R"({"process":[]})"), "/process: expected an object, found an array");
  EXPECT_EQ(error_of(R"({"process":{"args":"x"}})"), "/process/args: expected an array, found a string");
  EXPECT_EQ(error_of(R"({"process":{"args":["x",1]}})"),
            "/process/args: expected a string in it, found a number");
  EXPECT_EQ(error_of(R"({"mounts":[7]})"), "/mounts: expected an object in it, found a number");
  EXPECT_EQ(error_of(R"({"annotations":{"a":true}})"),
            "/annotations: expected a string in it, found a boolean");
  EXPECT_EQ(error_of(R"({"linux":{"uidMappings":[{"hostID":-1}]}})"),
            "/linux/uidMappings/hostID: expected a number of 0 or more, found -1");
}

TEST(Spec, more_mounts_than_can_be_made_are_refused) {
  std::string mounts = R"({"mounts":[{})";
  for (int i = 1; i < 10'000; ++i) mounts += ",{}";
  EXPECT_EQ(error_of(mounts + "]}"), "no error");
  EXPECT_EQ(error_of(mounts + ",{}]}"), "/mounts: more than 10000 to look at");
}

TEST(Spec, many_annotations_take_no_quadratic_time) {
  std::string text = R"({"annotations":{)";
  for (int i = 0; i < 200'000; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":\"v\"";
  EXPECT_EQ(error_of(text + "}}"), "no error");
}

}  // namespace
}  // namespace runi
