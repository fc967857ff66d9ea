#include "runictl/installer/hosts.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(Hosts, are_known_by_their_os_release) {
  EXPECT_EQ(os_id_of("NAME=\"Talos\"\nVERSION_ID=1\nID=talos\n"), "talos");
  EXPECT_EQ(os_id_of("ID=\"cos\"\r\nID_LIKE=x"), "cos");
  EXPECT_EQ(os_id_of("ID='debian'"), "debian");
  EXPECT_EQ(os_id_of("VARIANT_ID=x\n"), "");
}

TEST(Hosts, some_have_no_place) {
  for (const char* id : {"bottlerocket", "talos"}) {
    const auto refusal = refusal_of_host(id);
    ASSERT_TRUE(refusal) << id;
    EXPECT_FALSE(refusal->remedy.empty());
  }
  EXPECT_FALSE(refusal_of_host("debian"));
  EXPECT_FALSE(refusal_of_host(""));
}

TEST(Hosts, some_have_another_place) {
  EXPECT_EQ(default_prefix("debian"), "/opt/runi");
  EXPECT_EQ(default_prefix("cos"), "/home/kubernetes/bin/runi");
}

}  // namespace
}  // namespace runi
