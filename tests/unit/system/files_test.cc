#include "system/files.h"

#include "folder.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace runi {
namespace {

namespace fs = std::filesystem;

using Files = Folder;

constexpr std::size_t kMax = 1 << 20;

File opened(const std::string& path) {
  auto file = read_file(path, kMax);
  EXPECT_TRUE(file && *file) << path;
  return std::move(**file);
}

TEST_F(Files, read_file_gives_the_bytes) {
  const std::string bytes("a\0b\n", 4);
  EXPECT_EQ(opened(write("f", bytes)).bytes, bytes);
  EXPECT_EQ(opened(write("empty", "")).bytes, "");
}

TEST_F(Files, read_file_takes_what_is_missing_for_no_error) {
  write("file", "");
  for (const std::string& name :
       {std::string("missing"), std::string("missing/config.json"), std::string("file/config.json"),
        std::string(300, 'x'), std::string(300, 'x') + "/config.json"}) {
    const auto file = read_file(path(name), kMax);
    ASSERT_TRUE(file) << name;
    EXPECT_FALSE(*file) << name;
    const auto text = read_text(path(name), kMax);
    ASSERT_TRUE(text) << name;
    EXPECT_FALSE(*text) << name;
  }
}

TEST_F(Files, read_file_refuses_everything_but_regular_files) {
  fs::create_directory(path("dir"));
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  fs::create_symlink(write("real", "x"), path("link"));
  EXPECT_EQ(read_file(path("dir"), kMax).error().what, "not a regular file");
  EXPECT_EQ(read_file(path("fifo"), kMax).error().what, "not a regular file");
  EXPECT_EQ(read_file(path("link"), kMax).error().what, "a symbolic link, not a regular file");
  EXPECT_EQ(read_file(write("big", "12345"), 4).error().what, "larger than 4 bytes");
}

TEST_F(Files, replace_keeps_mode_owner_and_attributes) {
  const std::string target = write("config.json", "old");
  chmod(target.c_str(), 0640);
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(chown(target.c_str(), 4711, 4712), 0);
  }
  const bool attributes = setxattr(target.c_str(), "user.note", "x\0y", 3, 0) == 0;
  const auto replaced = replace_file(opened(target), "new");
  ASSERT_TRUE(replaced) << replaced.error().what;
  EXPECT_EQ(*replaced, Replaced::yes);
  EXPECT_EQ(read("config.json"), "new");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
  struct stat status {};
  ASSERT_EQ(stat(target.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);
  if (root) {
    EXPECT_EQ(status.st_uid, 4711U);
    EXPECT_EQ(status.st_gid, 4712U);
  }
  if (!attributes) GTEST_SKIP() << "the file system of " << directory_ << " has no user attributes";
  std::array<char, 8> value{};
  EXPECT_EQ(getxattr(target.c_str(), "user.note", value.data(), value.size()), 3);
  EXPECT_EQ(std::string(value.data(), 3), std::string("x\0y", 3));
}

// The value of system.posix_acl_access or _default (include/uapi/linux/posix_acl_xattr.h) that lets one more
// user read and write.
std::string acl_for(std::uint32_t user) {
  struct Entry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
  };
  constexpr std::uint32_t kNobody = 0xFFFFFFFF;
  const std::array<Entry, 5> entries = {
      {{1, 6, kNobody}, {2, 6, user}, {4, 4, kNobody}, {16, 6, kNobody}, {32, 0, kNobody}}};
  std::string value("\2\0\0\0", 4);
  value.resize(4 + sizeof entries);
  std::memcpy(&value[4], entries.data(), sizeof entries);
  return value;
}

TEST_F(Files, replace_inherits_no_acl) {
  const std::string target = write("config.json", "old");
  chmod(target.c_str(), 0640);
  const std::string inherited = acl_for(1000);
  if (setxattr(directory_.c_str(), "system.posix_acl_default", inherited.data(), inherited.size(), 0) < 0) {
    GTEST_SKIP() << "needs ACLs on the file system of " << directory_ << ": " << std::strerror(errno);
  }
  const auto acl_of_target = [&target] {
    std::string value(256, '\0');
    const ssize_t size = getxattr(target.c_str(), "system.posix_acl_access", value.data(), value.size());
    return size < 0 ? std::string() : value.substr(0, static_cast<std::size_t>(size));
  };
  struct stat status {};
  ASSERT_TRUE(replace_file(opened(target), "new"));
  EXPECT_EQ(read("config.json"), "new");
  EXPECT_EQ(acl_of_target(), "");
  ASSERT_EQ(stat(target.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);

  const std::string own = acl_for(2000);
  ASSERT_EQ(setxattr(target.c_str(), "system.posix_acl_access", own.data(), own.size(), 0), 0);
  ASSERT_TRUE(replace_file(opened(target), "newer"));
  EXPECT_EQ(read("config.json"), "newer");
  EXPECT_EQ(acl_of_target(), own);
}

TEST_F(Files, replace_leaves_a_file_alone_that_somebody_else_has_changed) {
  const std::string target = write("config.json", "old");
  const File file = opened(target);
  fs::rename(write("other", "theirs"), target);
  const auto replaced = replace_file(file, "new");
  ASSERT_TRUE(replaced);
  EXPECT_EQ(*replaced, Replaced::changed);
  EXPECT_EQ(read("config.json"), "theirs");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
}

TEST_F(Files, replace_takes_away_what_a_killed_process_left) {
  const std::string target = write("config.json", "old");
  write(".config.json.runi", "left behind");
  ASSERT_TRUE(replace_file(opened(target), "new"));
  EXPECT_EQ(read("config.json"), "new");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
}

TEST_F(Files, replace_fails_cleanly_in_a_directory_that_cannot_be_written) {
  const std::string target = write("config.json", "old");
  const File file = opened(target);
  chmod(directory_.c_str(), 0555);
  constexpr uid_t kNobody = 65534;
  const uid_t self = geteuid();  // root may write everywhere, so be somebody else meanwhile
  const bool changed = self == 0 && seteuid(kNobody) == 0;
  const auto replaced = replace_file(file, "new");
  if (changed) {
    ASSERT_EQ(seteuid(self), 0);
  }
  chmod(directory_.c_str(), 0700);
  ASSERT_FALSE(replaced);
  EXPECT_NE(replaced.error().what.find("Permission denied"), std::string::npos) << replaced.error().what;
  EXPECT_EQ(read("config.json"), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
}

}  // namespace
}  // namespace runi
