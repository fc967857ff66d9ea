#include "system/system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace runi {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMax = 1 << 20;

class System : public testing::Test {
 protected:
  System() {
    std::string name = (fs::temp_directory_path() / "runi-system-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~System() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory_)) out.push_back(entry.path().filename());
    return out;
  }

  std::string directory_;
};

File opened(const std::string& path) {
  auto file = read_file(path, kMax);
  EXPECT_TRUE(file && *file) << path;
  return std::move(**file);
}

TEST(RuntimeCandidates, path_comes_last_and_only_what_is_absolute_of_it) {
  const auto systems = runtime_candidates("");
  EXPECT_EQ(systems.front(), "/usr/local/sbin/runc");
  EXPECT_EQ(systems.back(), "/usr/libexec/crio/crun");
  auto expected = systems;
  for (const char* path : {"/k3s/runc", "/b/runc", "/k3s/crun", "/b/crun"}) expected.emplace_back(path);
  EXPECT_EQ(runtime_candidates("/k3s::bin:/b:."), expected);
}

TEST_F(System, read_file_gives_the_bytes) {
  const std::string bytes("a\0b\n", 4);
  EXPECT_EQ(opened(write("f", bytes)).bytes, bytes);
  EXPECT_EQ(opened(write("empty", "")).bytes, "");
}

TEST_F(System, read_file_takes_what_is_missing_for_no_error) {
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

TEST_F(System, read_file_refuses_everything_but_regular_files) {
  fs::create_directory(path("dir"));
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  fs::create_symlink(write("real", "x"), path("link"));
  EXPECT_EQ(read_file(path("dir"), kMax).error().what, "not a regular file");
  EXPECT_EQ(read_file(path("fifo"), kMax).error().what, "not a regular file");
  EXPECT_EQ(read_file(path("link"), kMax).error().what, "a symbolic link, not a regular file");
  EXPECT_EQ(read_file(write("big", "12345"), 4).error().what, "larger than 4 bytes");
}

TEST_F(System, replace_keeps_mode_owner_and_attributes) {
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

TEST_F(System, replace_inherits_no_acl) {
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

TEST_F(System, replace_leaves_a_file_alone_that_somebody_else_has_changed) {
  const std::string target = write("config.json", "old");
  const File file = opened(target);
  fs::rename(write("other", "theirs"), target);
  const auto replaced = replace_file(file, "new");
  ASSERT_TRUE(replaced);
  EXPECT_EQ(*replaced, Replaced::changed);
  EXPECT_EQ(read("config.json"), "theirs");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
}

TEST_F(System, replace_takes_away_what_a_killed_process_left) {
  const std::string target = write("config.json", "old");
  write(".config.json.runi", "left behind");
  ASSERT_TRUE(replace_file(opened(target), "new"));
  EXPECT_EQ(read("config.json"), "new");
  EXPECT_EQ(names(), std::vector<std::string>{"config.json"});
}

TEST_F(System, replace_fails_cleanly_in_a_directory_that_cannot_be_written) {
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

class RootfsOf : public System {
 protected:
  RootfsOf() { fs::create_directories(path("bundle/rootfs/dev")); }

  [[nodiscard]] Rootfs look(const std::vector<std::string_view>& destinations = {},
                            const std::string& root = "rootfs") const {
    Spec spec;
    spec.root_path = root;
    for (const std::string_view destination : destinations) spec.mounts.push_back(mount(destination));
    return look_at_rootfs(path("bundle"), spec);
  }
  [[nodiscard]] Rootfs look_at(std::vector<Mount> mounts) const {
    Spec spec;
    spec.root_path = "rootfs";
    spec.mounts = std::move(mounts);
    return look_at_rootfs(path("bundle"), spec);
  }
  static Mount mount(std::string_view destination, Content content = Content::without_links,
                     std::string_view source = {}) {
    return {destination, false, true, content, source};
  }
  void link(const std::string& to, const std::string& name) const {
    fs::create_directories(fs::path(path("bundle/rootfs/" + name)).parent_path());
    fs::create_symlink(to, path("bundle/rootfs/" + name));
  }
};

TEST_F(RootfsOf, a_plain_image) {
  const Rootfs rootfs = look({"/proc", "/dev", "/run", "/", "/etc/hosts"});
  EXPECT_TRUE(rootfs.known);
  EXPECT_TRUE(rootfs.writable);
  EXPECT_FALSE(rootfs.root_is_aliased || rootfs.dev_is_aliased || rootfs.run_is_aliased);
  EXPECT_FALSE(rootfs.target_exists);
  EXPECT_EQ(rootfs.owner_uid, geteuid());
}

TEST_F(RootfsOf, a_target_that_is_there_already) {
  write("bundle/rootfs/.runi-init", "");
  EXPECT_TRUE(look().target_exists);
  EXPECT_TRUE(look().target_is_file);
  EXPECT_TRUE(look({}, path("bundle/rootfs")).target_is_file) << "a root may be given absolutely";
}

TEST_F(RootfsOf, what_cannot_be_looked_at) {
  EXPECT_FALSE(look({}, "missing").known);
  EXPECT_FALSE(look({}, "").known);
}

TEST_F(RootfsOf, links_in_place_of_directories) {
  link("/elsewhere", "run");
  EXPECT_TRUE(look().run_is_aliased);
  EXPECT_FALSE(look().dev_is_aliased);
}

TEST_F(RootfsOf, mounts_that_land_elsewhere_by_a_link) {
  link(".", "x");
  EXPECT_TRUE(look({"/x/dev"}).dev_is_aliased);
  EXPECT_TRUE(look({"/x"}).root_is_aliased);
  EXPECT_FALSE(look({"/x/etc"}).root_is_aliased || look({"/x/etc"}).dev_is_aliased);
  link("../../../dev", "a/b");
  EXPECT_TRUE(look({"/a/b"}).dev_is_aliased) << "a link cannot lead out of the root";
}

TEST_F(RootfsOf, mounts_that_land_by_a_link_on_what_the_runtime_has_yet_to_make) {
  fs::remove_all(path("bundle/rootfs/dev"));
  link(".", "x");
  EXPECT_TRUE(look({"/x/dev"}).dev_is_aliased);
  EXPECT_FALSE(look({"/x/dev"}).run_is_aliased);
  EXPECT_FALSE(look({"/x/etc"}).dev_is_aliased);
  link("/dev", "y");
  EXPECT_TRUE(look({"/y"}).dev_is_aliased);
  EXPECT_FALSE(look({"/y/deeper/still"}).dev_is_aliased);
}

TEST_F(RootfsOf, parts_of_a_path_count_as_they_are_walked) {
  link("a/b", "x");
  fs::create_directories(path("bundle/rootfs/a/b"));
  EXPECT_FALSE(look({"/x/../dev"}).root_is_aliased);
  EXPECT_TRUE(look({"/x/../dev"}).dev_is_aliased) << "it seems to be /dev, and is /a/dev";
  EXPECT_FALSE(look({"/x/../../dev"}).dev_is_aliased) << "it is what it seems to be";
  EXPECT_FALSE(look({"//missing/.././dev/", "../dev"}).dev_is_aliased);
  link("/", "up");
  EXPECT_TRUE(look({"/missing/../up/dev"}).dev_is_aliased);
}

TEST_F(RootfsOf, links_that_are_there_only_when_more_is_mounted) {
  link("/proc/self/root", "p");
  EXPECT_EQ(look({"/p/dev"}).doubt, "") << "without /proc there is nothing to follow";
  EXPECT_EQ(look_at({mount("/proc", Content::proc), mount("/p/dev")}).doubt,
            R"(where the mount "/p/dev" lands cannot be known: "/proc/self": )"
            "in a mount that is not there to be looked into yet");
  EXPECT_NE(look_at({mount("/proc", Content::proc), mount("/proc/1/root/dev")}).doubt, "");
  EXPECT_EQ(look_at({mount("/proc", Content::proc), mount("/proc/sys/kernel")}).doubt, "");
  EXPECT_EQ(look_at({mount("/p/dev"), mount("/proc", Content::proc)}).doubt, "") << "not mounted yet";

  fs::create_directories(path("volume/sub"));
  fs::create_symlink("/", path("volume/up"));
  const std::string volume = path("volume");
  for (const std::string_view source : {std::string_view(volume), std::string_view("../volume")}) {
    const Mount data = mount("/data", Content::of_source, source);
    EXPECT_EQ(look_at({data, mount("/data/sub/x")}).doubt, "");
    EXPECT_EQ(look_at({data, mount("/data/new")}).doubt, "");
    EXPECT_EQ(
        look_at({data, mount("/data/up/dev")}).doubt,
        R"(where the mount "/data/up/dev" lands cannot be known: "/data/up": a symbolic link in a volume)");
    EXPECT_EQ(look_at({data, mount("/data"), mount("/data/up/dev")}).doubt, "") << "the last mount counts";
  }
  EXPECT_NE(look_at({mount("/data", Content::unknown), mount("/data/sub")}).doubt, "");
  link("/", "copied/up");
  EXPECT_TRUE(look_at({mount("/copied", Content::of_covered), mount("/copied/up/dev")}).dev_is_aliased);
  EXPECT_FALSE(look_at({mount("/copied"), mount("/copied/up/dev")}).dev_is_aliased) << "an empty one";
}

TEST_F(RootfsOf, what_takes_too_long_to_follow) {
  link("loop", "loop");
  EXPECT_NE(look({"/loop"}).doubt, "");
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "/d";
  EXPECT_NE(look({deep}).doubt, "");
  EXPECT_NE(look({std::string(5000, '/')}).doubt, "");
  EXPECT_EQ(look({deep.substr(2)}).doubt, "");
  EXPECT_NE(look(std::vector<std::string_view>(10'001, "/x")).doubt, "");
}

TEST_F(RootfsOf, the_usual_link_from_var_run) {
  link("/run", "var/run");
  EXPECT_FALSE(look({"/var/run/secrets/token"}).dev_is_aliased);
  EXPECT_TRUE(look({"/var/run"}).run_is_aliased) << "which the runtime has yet to make";
  fs::create_directories(path("bundle/rootfs/run"));
  EXPECT_TRUE(look({"/var/run"}).run_is_aliased);
  EXPECT_FALSE(look({"/var/run/secrets/token"}).run_is_aliased);
}

TEST_F(System, an_init_that_cannot_serve_is_refused_with_the_reason) {
  const auto refused = [this](const std::string& bytes, mode_t mode) {
    const std::string init = write("init", bytes);
    chmod(init.c_str(), mode);
    const auto found = find_init(init);
    return found ? "found" : found.error().what.substr(("init " + init + ": ").size());
  };
  EXPECT_EQ(refused("#!/bin/sh\n", 0755), "not an ELF program");
  EXPECT_EQ(refused(std::string(200, 'x'), 0755), "not a 64-bit ELF program");
  EXPECT_EQ(refused("", 0700), "not for all to read and execute; run chmod 0755 on it");
  EXPECT_EQ(refused("", 0775), "writable by others than its owner; run chmod 0755 on it");
  for (const mode_t mode : {04755U, 02755U, 06755U}) {
    EXPECT_EQ(refused("", mode), "set-user-ID or set-group-ID; run chmod 0755 on it");
  }
  EXPECT_EQ(find_init(path("none")).error().what,
            "init " + path("none") + ": open: No such file or directory");
  EXPECT_EQ(find_init(directory_).error().what, "init " + directory_ + ": not a regular file");
}

TEST_F(System, an_init_that_lends_capabilities_is_refused) {
  const std::string init = write("init", "");
  chmod(init.c_str(), 0755);
  constexpr std::array<unsigned, 5> kCapKill = {0x02000001, 1U << 5};  // struct vfs_cap_data, effective
  if (setxattr(init.c_str(), "security.capability", kCapKill.data(), sizeof kCapKill, 0) < 0) {
    GTEST_SKIP() << "needs file capabilities: " << std::strerror(errno);
  }
  EXPECT_EQ(find_init(init).error().what,
            "init " + init + ": has capabilities of its own; run setcap -r on it");
}

TEST_F(System, an_init_belongs_to_root_or_to_who_runs_or_owns_runi) {
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

TEST_F(System, append_line_appends_and_never_blocks) {
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

TEST_F(System, append_line_leaves_no_half_line_and_survives_a_size_limit) {
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
