#include "text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace runi {
namespace {

TEST(InitText, SaysWhatStrerrorSays) {
  for (const int error :
       {EPERM, ENOENT, E2BIG, ENOEXEC, ENOMEM, EACCES, ENOTDIR, EISDIR, ETXTBSY, ENAMETOOLONG, ELOOP}) {
    EXPECT_STREQ(ErrorText(error).c_str(), std::strerror(error));
  }
}

TEST(InitText, NumbersTheRest) {
  EXPECT_STREQ(ErrorText(0).c_str(), "error 0");
  EXPECT_STREQ(ErrorText(ESTALE).c_str(), "error 116");
  EXPECT_STREQ(ErrorText(INT_MAX).c_str(), "error 2147483647");
}

TEST(InitText, LengthIsStrlen) {
  EXPECT_EQ(length_of(""), 0U);
  EXPECT_EQ(length_of("four"), 4U);
}

}  // namespace
}  // namespace runi
