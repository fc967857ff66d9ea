#include "system/programs.h"

#include "folder.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace runi {
namespace {

using Programs = Folder;

TEST(RuntimeCandidates, path_comes_last_and_only_what_is_absolute_of_it) {
  const auto systems = runtime_candidates("");
  EXPECT_EQ(systems.front(), "/usr/local/sbin/runc");
  EXPECT_EQ(systems.back(), "/usr/libexec/crio/crun");
  auto expected = systems;
  for (const char* path : {"/k3s/runc", "/b/runc", "/k3s/crun", "/b/crun"}) expected.emplace_back(path);
  EXPECT_EQ(runtime_candidates("/k3s::bin:/b:."), expected);
}

TEST_F(Programs, an_init_that_cannot_serve_is_refused_with_the_reason) {
  const auto refused = [this](const std::string& bytes, mode_t mode) {
    const std::string init = write("init", bytes);
    chmod(init.c_str(), mode);
    const auto found = find_init(init);
    return found ? "found" : found.error().what.substr(("init " + init + ": ").size());
  };
  EXPECT_EQ(refused("#!/bin/sh\n", 0755), "not an ELF program");
  EXPECT_EQ(refused(std::string(200, 'x'), 0755), "not a 64-bit ELF program");
  EXPECT_EQ(refused("", 0700), "not readable and executable by all; run chmod 0755 on it");
  EXPECT_EQ(refused("", 0775), "writable by users other than its owner; run chmod 0755 on it");
  for (const mode_t mode : {04755U, 02755U, 06755U}) {
    EXPECT_EQ(refused("", mode), "set-user-ID or set-group-ID; run chmod 0755 on it");
  }
  EXPECT_EQ(find_init(path("none")).error().what,
            "init " + path("none") + ": open: No such file or directory");
  EXPECT_EQ(find_init(directory_).error().what, "init " + directory_ + ": not a regular file");
}

TEST_F(Programs, an_init_that_lends_capabilities_is_refused) {
  const std::string init = write("init", "");
  chmod(init.c_str(), 0755);
  constexpr std::array<unsigned, 5> kCapKill = {0x02000001, 1U << 5};  // struct vfs_cap_data, effective
  if (setxattr(init.c_str(), "security.capability", kCapKill.data(), sizeof kCapKill, 0) < 0) {
    GTEST_SKIP() << "needs file capabilities: " << std::strerror(errno);
  }
  EXPECT_EQ(find_init(init).error().what,
            "init " + init + ": has capabilities of its own; run setcap -r on it");
}

TEST_F(Programs, an_init_belongs_to_root_or_to_who_runs_or_owns_runi) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: gives files away";
  const std::string init = write("init", "");
  const std::string runi = write("runi", "");
  chmod(init.c_str(), 0755);
  ASSERT_EQ(chown(init.c_str(), 4711, 0), 0);
  EXPECT_EQ(find_init(init, runi).error().what, "init " + init +
                                                    ": belongs to user 4711, who is neither root nor the one "
                                                    "that runs or owns runi; run chown root on it");
  ASSERT_EQ(chown(runi.c_str(), 4711, 0), 0);
  EXPECT_EQ(find_init(init, runi).error().what, "init " + init + ": not an ELF program");
  ASSERT_EQ(chown(runi.c_str(), 0, 0), 0);
  chmod(directory_.c_str(), 0755);
  ASSERT_EQ(seteuid(4711), 0);
  const auto found = find_init(init, runi);
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(found.error().what, "init " + init + ": not an ELF program");
  ASSERT_EQ(chown(init.c_str(), 65534, 0), 0);
  EXPECT_NE(find_init(init, runi).error().what.find("belongs to user 65534"), std::string::npos);
}

}  // namespace
}  // namespace runi
