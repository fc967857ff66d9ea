#include "system/process.h"

#include "folder.h"

#include <sys/resource.h>
#include <sys/stat.h>

namespace runi {
namespace {

using Process = Folder;

TEST_F(Process, append_line_appends_and_never_blocks) {
  ASSERT_TRUE(append_line(path("log"), "one", 0600));
  ASSERT_TRUE(append_line(path("log"), "two", 0600));
  EXPECT_EQ(read("log"), "one\ntwo\n");
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(append_line(path("fifo"), "nobody reads", 0600));
  EXPECT_FALSE(append_line(path("missing/log"), "x", 0600));
}

// RLIMIT_FSIZE is this many bytes while it lives.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit lower{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~SizeLimit() { setrlimit(RLIMIT_FSIZE, &old_); }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;

 private:
  rlimit old_{};
};

TEST_F(Process, append_line_leaves_no_half_line_and_survives_a_size_limit) {
  const std::string log = write("log", "one\n");
  for (const rlim_t bytes : {4U, 6U}) {
    const SizeLimit limit(bytes);
    EXPECT_FALSE(append_line(log, "second", 0600)) << bytes;
  }
  EXPECT_EQ(read("log"), "one\n");
  ASSERT_TRUE(append_line(log, "two", 0600));
  EXPECT_EQ(read("log"), "one\ntwo\n");
}

}  // namespace
}  // namespace runi
