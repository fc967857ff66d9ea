#include "core/edit.h"

#include <gtest/gtest.h>

#include <string>

namespace runi {
namespace {

std::string edited(const std::string& bytes) {
  const auto spec = parse_spec(bytes);
  if (!spec) return spec.error().what;
  return inject(bytes, *spec, {kDevTarget, {"/dev/.runi-init", "--"}}, "/usr/libexec/runi/runi-init", "9.9");
}

constexpr const char* kMount =
    R"({"destination":"/dev/.runi-init","type":"bind","source":"/usr/libexec/runi/runi-init",)"
    R"("options":["bind","ro","nosuid","nodev","rprivate"]})";
constexpr const char* kArgs = R"("/dev/.runi-init","--",)";

TEST(Edit, three_insertions_and_not_a_byte_more) {
  EXPECT_EQ(
      edited(
          R"({ "process":{"args" : [ "sh" ] }, "mounts":[ {"destination":"/x"} ], "annotations":{ "a":"b" }, "n":1e2 })"),
      std::string(R"({ "process":{"args" : [)") + kArgs + R"( "sh" ] }, "mounts":[ {"destination":"/x"},)" +
          kMount + R"( ], "annotations":{"runi.dev/injected":"9.9", "a":"b" }, "n":1e2 })");
}

TEST(Edit, members_that_are_missing_are_made) {
  EXPECT_EQ(edited(R"({"process":{"args":["sh"]}})"), std::string(R"({"mounts":[)") + kMount +
                                                          R"(],"annotations":{"runi.dev/injected":"9.9"},)" +
                                                          R"("process":{"args":[)" + kArgs + R"("sh"]}})");
}

TEST(Edit, members_that_are_null_are_replaced) {
  EXPECT_EQ(edited(R"({"mounts": null ,"annotations":null,"process":{"args":["sh"]}})"),
            std::string(R"({"mounts": [)") + kMount + R"(] ,"annotations":{"runi.dev/injected":"9.9"},)" +
                R"("process":{"args":[)" + kArgs + R"("sh"]}})");
}

TEST(Edit, members_that_are_empty_are_filled) {
  EXPECT_EQ(edited(R"({"mounts":[ ],"annotations":{ },"process":{"args":["sh"]}})"),
            std::string(R"({"mounts":[)") + kMount + R"( ],"annotations":{"runi.dev/injected":"9.9" },)" +
                R"("process":{"args":[)" + kArgs + R"("sh"]}})");
}

TEST(Edit, the_order_of_members_does_not_matter) {
  EXPECT_EQ(edited(R"({"annotations":{},"process":{"args":["sh"]},"mounts":[]})"),
            std::string(R"({"annotations":{"runi.dev/injected":"9.9"},"process":{"args":[)") + kArgs +
                R"("sh"]},"mounts":[)" + kMount + "]}");
}

TEST(Edit, a_false_claim_of_an_earlier_edit_is_corrected_in_place) {
  EXPECT_EQ(
      edited(
          R"({"annotations":{"runi.dev\/injected" : "x\"y","b":""},"mounts":[],"process":{"args":["sh"]}})"),
      std::string(R"({"annotations":{"runi.dev\/injected" : "9.9","b":""},"mounts":[)") + kMount +
          R"(],"process":{"args":[)" + kArgs + R"("sh"]}})");
}

TEST(Edit, a_second_pass_finds_an_init) {
  const std::string once = edited(R"({"process":{"args":["sh"]},"linux":{"namespaces":[{"type":"pid"}]}})");
  const auto spec = parse_spec(once);
  ASSERT_TRUE(spec);
  const CommandLine create{Verb::create, ".", std::nullopt, "id", "", false, LogFormat::text};
  EXPECT_EQ(decide(create, Config{}, *spec, Rootfs{}).reason, Reason::has_init);
}

TEST(Edit, a_path_with_quotes_stays_one_string) {
  const std::string bytes = R"({"process":{"args":["sh"]}})";
  const auto spec = parse_spec(bytes);
  ASSERT_TRUE(spec);
  const std::string out = inject(bytes, *spec, {kDevTarget, {"x"}}, "/a\"b\\c", "1");
  EXPECT_NE(out.find(R"("source":"/a\"b\\c")"), std::string::npos);
}

}  // namespace
}  // namespace runi
