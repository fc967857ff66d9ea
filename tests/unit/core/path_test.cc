#include "core/path.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

TEST(Path, base_name_is_what_follows_the_last_slash) {
  EXPECT_EQ(base_name("/usr/sbin/runi"), "runi");
  EXPECT_EQ(base_name("runi"), "runi");
  EXPECT_EQ(base_name("/usr/sbin/"), "");
  EXPECT_EQ(base_name(""), "");
}

TEST(Path, directory_is_what_stands_before_the_last_slash) {
  EXPECT_EQ(directory_of("/usr/sbin/runi"), "/usr/sbin");
  EXPECT_EQ(directory_of("/runi"), "/");
  EXPECT_EQ(directory_of("a/runi"), "a");
  EXPECT_EQ(directory_of("runi"), ".");
  EXPECT_EQ(directory_of(""), ".");
}

TEST(Path, joined_has_one_slash_between_directory_and_name) {
  EXPECT_EQ(joined("/usr/sbin", "runi"), "/usr/sbin/runi");
  EXPECT_EQ(joined("/", "runi"), "/runi");
  EXPECT_EQ(joined(directory_of("/runi"), base_name("/runi")), "/runi");
}

}  // namespace
}  // namespace runi
