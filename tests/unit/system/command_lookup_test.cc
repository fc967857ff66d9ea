#include "system/command_lookup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace runi {
namespace {

namespace fs = std::filesystem;

// A bundle with a root directory. Results are written as words: "absent", or "absent /bin/app".
class CommandLookupTest : public testing::Test {
 protected:
  CommandLookupTest() {
    std::string name = (fs::temp_directory_path() / "runi-lookup-XXXXXX").string();
    bundle_ = mkdtemp(name.data());
    fs::permissions(bundle_, fs::perms(0755));
    fs::create_directories(root("bin"));
    fs::create_directories(root("usr/bin"));
  }
  ~CommandLookupTest() override { fs::remove_all(bundle_); }

  [[nodiscard]] std::string root(const std::string& path) const { return bundle_ + "/rootfs/" + path; }
  void file(const std::string& path, mode_t mode) const {
    fs::create_directories(fs::path(root(path)).parent_path());
    std::ofstream(root(path)) << "x";
    ASSERT_EQ(chmod(root(path).c_str(), mode), 0);
  }
  void link(const std::string& path, const std::string& target) const {
    fs::create_directories(fs::path(root(path)).parent_path());
    fs::create_symlink(target, root(path));
  }

  [[nodiscard]] std::string look(const std::string& command, const std::string& path = "PATH=/usr/bin:/bin",
                                 const std::string& process = "", const std::string& members = "") const {
    const std::string json = R"({"process":{"args":[")" + command + R"("],"env":[")" + path +
                             R"("],"cwd":"/work")" + process + R"(},"root":{"path":"rootfs"})" + members +
                             "}";
    const auto spec = parse_spec(json);
    EXPECT_TRUE(spec) << json;
    const CommandLookup lookup = look_up_command(bundle_, *spec);
    switch (lookup.result) {
      case CommandLookup::Result::may_start: return "may start";
      case CommandLookup::Result::no_path: return "no path";
      case CommandLookup::Result::relative: return "relative " + lookup.path;
      case CommandLookup::Result::absent: return "absent";
      case CommandLookup::Result::not_executable: return "not executable " + lookup.path;
      case CommandLookup::Result::not_permitted: return "not permitted " + lookup.path;
    }
    return "";
  }
  [[nodiscard]] std::string look_with(const std::string& members) const {
    return look("app", "PATH=/usr/bin:/bin", "", members);
  }
  [[nodiscard]] std::string look_as(const std::string& command, const std::string& process) const {
    return look(command, "PATH=/usr/bin:/bin", process);
  }
  static std::string mount(const std::string& destination) {
    return R"(,"mounts":[{"destination":")" + destination + R"(","type":"bind","source":"/x"}])";
  }

  std::string bundle_;
};

TEST_F(CommandLookupTest, what_is_there_may_start) {
  file("bin/app", 0755);
  EXPECT_EQ(look("app"), "may start");
  EXPECT_EQ(look("/bin/app"), "may start");
  EXPECT_EQ(look("../bin/app"), "may start");
  link("sbin", "/bin");
  EXPECT_EQ(look("/sbin/app"), "may start");
  link("usr/bin/other", "../../../../../bin/app");
  EXPECT_EQ(look("other"), "may start");
}

TEST_F(CommandLookupTest, what_is_not_there_is_absent) {
  EXPECT_EQ(look("app"), "absent");
  EXPECT_EQ(look("/bin/app"), "absent");
  EXPECT_EQ(look("/no/such/app"), "absent");
  EXPECT_EQ(look("./app"), "absent");
  EXPECT_EQ(look("app", "PATH=/nowhere"), "absent");
  file("usr/bin/file", 0755);
  EXPECT_EQ(look("/usr/bin/file/app"), "absent");
  link("bin/app", "/nowhere");
  EXPECT_EQ(look("app"), "absent");
  EXPECT_EQ(look("/bin/" + std::string(300, 'x')), "absent");
}

// A link out of the root directory leads into it for the container.
TEST_F(CommandLookupTest, the_host_s_files_do_not_count) {
  link("bin/app", "/etc/passwd");
  EXPECT_EQ(look("app"), "absent");
  EXPECT_EQ(look("/../../../../../../bin/true"), "absent");
}

TEST_F(CommandLookupTest, what_nobody_may_execute) {
  file("bin/app", 0644);
  EXPECT_EQ(look("app"), "not executable /bin/app");
  EXPECT_EQ(look("/bin/app"), "not executable /bin/app");
  EXPECT_EQ(look("/bin"), "not executable /bin");
  EXPECT_EQ(look("bin", "PATH=/usr:/"), "not executable //bin");
  file("usr/bin/app", 0644);
  file("bin/app", 0755);
  EXPECT_EQ(look("app"), "may start");
}

TEST_F(CommandLookupTest, what_the_container_s_user_may_not_execute) {
  const std::string someone = R"(,"user":{"uid":12345,"gid":12345})";
  const uid_t self = geteuid();
  file("bin/app", 0700);
  EXPECT_EQ(look_as("app", someone), "not permitted /bin/app");
  EXPECT_EQ(look_as("app", R"(,"user":{"uid":)" + std::to_string(self) + R"(,"gid":12345})"), "may start");
  ASSERT_EQ(chmod(root("bin/app").c_str(), 0710), 0);
  struct stat status {};
  ASSERT_EQ(stat(root("bin/app").c_str(), &status), 0);
  EXPECT_EQ(look_as("app", someone), "not permitted /bin/app");
  EXPECT_EQ(look_as("app", R"(,"user":{"uid":12345,"gid":12345,"additionalGids":[)" +
                               std::to_string(status.st_gid) + "]}"),
            "may start");
  ASSERT_EQ(chmod(root("bin/app").c_str(), 0755), 0);
  EXPECT_EQ(look_as("app", someone), "may start");
  ASSERT_EQ(chmod(root("bin").c_str(), 0700), 0);
  EXPECT_EQ(look_as("app", someone), "not permitted /bin/app");
  EXPECT_EQ(
      look_as("app", R"(,"user":{"uid":12345,"gid":12345},"capabilities":{"ambient":["CAP_DAC_OVERRIDE"]})"),
      "may start");
  EXPECT_EQ(look("app", "PATH=/bin", someone, R"(,"linux":{"namespaces":[{"type":"user"}]})"), "may start");
}

TEST_F(CommandLookupTest, root_may_execute_what_anybody_may_if_its_capabilities_say_so) {
  file("bin/app", 0010);
  ASSERT_EQ(chown(root("bin/app").c_str(), geteuid(), getegid()), 0);
  const std::string user = R"(,"user":{"uid":)" + std::to_string(geteuid()) + R"(,"gid":12345})";
  if (geteuid() != 0) GTEST_SKIP() << "needs root: for its files";
  EXPECT_EQ(look_as("app", user), "may start");
  const std::string all =
      R"(,"capabilities":{"bounding":["CAP_DAC_OVERRIDE"],"effective":["CAP_DAC_OVERRIDE"]})";
  EXPECT_EQ(look_as("app", user + all), "may start");
  EXPECT_EQ(look_as("app", user + R"(,"capabilities":{"bounding":[],"effective":[]})"),
            "not permitted /bin/app");
}

TEST_F(CommandLookupTest, path) {
  file("bin/app", 0755);
  file("work/local", 0755);
  EXPECT_EQ(look("app", "HOME=/"), "no path");
  EXPECT_EQ(look("app", "PATH="), "no path");
  EXPECT_EQ(look("/bin/app", "PATH="), "may start");
  EXPECT_EQ(look("app", "PATH=:/bin"), "may start");  // nothing there to disagree about
  EXPECT_EQ(look("local", "PATH=:/bin"), "relative /work//local");
  EXPECT_EQ(look("local", "PATH=/bin:."), "relative /work/./local");
  EXPECT_EQ(look("app", "PATH=../bin:/bin"), "relative /work/../bin/app");
  EXPECT_EQ(look("./local", "PATH="), "may start");
}

TEST_F(CommandLookupTest, mounts_hide_what_is_there) {
  EXPECT_EQ(look_with(mount("/bin")), "may start");
  EXPECT_EQ(look_with(mount("/usr/../bin/")), "may start");
  EXPECT_EQ(look_with(mount("/")), "may start");
  EXPECT_EQ(look_with(mount("bin/app")), "may start");
  EXPECT_EQ(look_with(mount("/binary")), "absent");
  EXPECT_EQ(look_with(mount("/bin/other")), "absent");
  EXPECT_EQ(look("/opt/new/bin/app", "PATH=", "", mount("/opt/new")), "may start");
  EXPECT_EQ(look("/opt/app", "PATH=", "", mount("/opt/app/new")), "absent");
  for (const char* command : {"/proc/self/exe", "/dev/fd/3", "/sys/app"}) {
    EXPECT_EQ(look(command), "may start");
  }
}

TEST_F(CommandLookupTest, links_lead_into_mounts_and_mounts_land_through_links) {
  link("bin/app", "/data/app");
  EXPECT_EQ(look("app"), "absent");
  EXPECT_EQ(look_with(mount("/data")), "may start");
  link("store", "usr/bin");
  EXPECT_EQ(look_with(mount("/store")), "may start");
  link("bin/gone", "/nix/store/gone");
  EXPECT_EQ(look("gone", "PATH=/bin", "", mount("/nix/store")), "may start");
  EXPECT_EQ(look("gone", "PATH=/bin", "", mount("/nix/other")), "absent");
}

TEST_F(CommandLookupTest, links_without_end_may_lead_anywhere) {
  link("bin/app", "app");
  EXPECT_EQ(look("app"), "may start");
}

TEST_F(CommandLookupTest, hooks_may_put_something_there) {
  for (const char* when : {"prestart", "createRuntime", "createContainer"}) {
    EXPECT_EQ(look_with(R"(,"hooks":{")" + std::string(when) + R"(":[{"path":"/hook"}]})"), "may start")
        << when;
  }
  EXPECT_EQ(look_with(R"(,"hooks":{"poststop":[{"path":"/hook"}],"prestart":[]})"), "absent");
  EXPECT_EQ(look_with(R"(,"hooks":{"prestart":[{"path":"/proc/7/exe","args":["libnetwork-setkey","x"]}]})"),
            "absent");
}

TEST_F(CommandLookupTest, without_a_root_directory_nothing_can_be_told) {
  fs::remove_all(root(""));
  EXPECT_EQ(look("app"), "may start");
}

}  // namespace
}  // namespace runi
