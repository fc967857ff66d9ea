#include "init/text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace runi {
namespace {

TEST(InitText, SaysWhatStrerrorSays) {
  for (const int error : {ENOENT, ENOEXEC, EACCES, ENOTDIR}) {
    EXPECT_STREQ(words_for(error), std::strerror(error));
  }
  for (const int error : {0, EPERM, INT_MAX}) EXPECT_EQ(words_for(error), nullptr);
}

TEST(InitText, NumbersFollowTheirText) {
  Numbered numbered;
  EXPECT_STREQ(numbered.set("error ", 116), "error 116");
  EXPECT_STREQ(numbered.set("", 0), "0");
  EXPECT_STREQ(numbered.set("1234567890123456789", UINT64_MAX), "123456789012345678918446744073709551615");
  EXPECT_STREQ(numbered.c_str(), "123456789012345678918446744073709551615");
}

TEST(InitText, AfterAPrefix) {
  EXPECT_STREQ(after("PATH=/bin", "PATH="), "/bin");
  EXPECT_STREQ(after("PATH=", "PATH="), "");
  EXPECT_EQ(after("PAT", "PATH="), nullptr);
  EXPECT_EQ(after("XPATH=", "PATH="), nullptr);
}

TEST(InitText, LengthIsStrlen) {
  EXPECT_EQ(length_of(""), 0U);
  EXPECT_EQ(length_of("four"), 4U);
}

}  // namespace
}  // namespace runi
