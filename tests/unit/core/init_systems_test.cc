#include "core/init_systems.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace runi {
namespace {

struct Row {
  std::vector<std::string_view> args;
  std::string_view evidence;
};

std::string find(const std::vector<std::string_view>& args) {
  return find_init_system(without_multi_call(args)).value_or("");
}

TEST(InitSystems, the_command_itself) {
  for (const std::string_view command :
       {"/sbin/init", "init", "/lib/systemd/systemd", "systemd", "/sbin/runit-init", "s6-svscan",
        "/s6-init/init", "/etc/preinit", "/sbin/procd", "dinit", "/run/s6/basedir/bin/init",
        "/anywhere/sinit"}) {
    EXPECT_EQ(find({command, "x"}), "command \"" + std::string(command) + '"');
  }
  for (const std::string_view command :
       {"/sbin/initialise", "initdb", "sh", "systemd-nspawn", "cloud-init", "/init/app"}) {
    EXPECT_EQ(find({command}), "") << command;
  }
  EXPECT_EQ(find({}), "");
}

TEST(InitSystems, an_applet_of_a_multi_call_program) {
  EXPECT_EQ(find({"busybox", "init"}), R"(command "init")");
  EXPECT_EQ(find({"/bin/busybox", "linuxrc"}), R"(command "linuxrc")");
  EXPECT_EQ(find({"toybox", "init"}), R"(command "init")");
  EXPECT_EQ(find({"busybox", "sh", "-c", "exec init"}), R"("init" in argument "exec init")");
  EXPECT_EQ(find({"busybox"}), "");
  EXPECT_EQ(find({"busybox", "sleep", "init"}), "");
  EXPECT_EQ(find({"busybox", "git", "init"}), "");
}

TEST(InitSystems, behind_a_wrapper) {
  for (const Row& row : std::initializer_list<Row>{
           {{"/usr/local/bin/entrypoint", "/lib/systemd/systemd"}, R"(argument "/lib/systemd/systemd")"},
           {{"/entrypoint.sh", "/usr/lib/systemd/systemd", "--system"},
            R"(argument "/usr/lib/systemd/systemd")"},
           {{"/entrypoint.sh", "/sbin/init"}, R"(argument "/sbin/init")"},
           {{"env", "A=b", "/usr/sbin/init"}, R"(argument "/usr/sbin/init")"},
           {{"setpriv", "--reuid", "0", "--", "/init"}, R"(argument "/init")"},
           {{"chroot", "/root", "/sbin/openrc-init"}, R"(argument "/sbin/openrc-init")"},
           {{"w", "/package/admin/s6-overlay/libexec/preinit"},
            R"(argument "/package/admin/s6-overlay/libexec/preinit")"},
           {{"w", "/package/admin/s6-overlay-3.1.0.1/command/s6-x"},
            R"(argument "/package/admin/s6-overlay-3.1.0.1/command/s6-x")"},
           {{"w", "/etc/s6-linux-init/current/bin/init"},
            R"(argument "/etc/s6-linux-init/current/bin/init")"},
           {{"w", "/usr/bin/dinit"}, R"(argument "/usr/bin/dinit")"},
           {{"w", "/command/s6-svscan", "/run/service"}, R"(argument "/command/s6-svscan")"},
       }) {
    EXPECT_EQ(find(row.args), row.evidence) << row.args.back();
  }
}

TEST(InitSystems, what_a_script_executes) {
  for (const Row& row : std::initializer_list<Row>{
           {{"sh", "-c", "exec /sbin/init"}, R"("/sbin/init" in argument "exec /sbin/init")"},
           {{"/bin/bash", "-ec", "mount -a; exec init 3"}, R"("init" in argument "mount -a; exec init 3")"},
           {{"sh", "-c", "x&&exec systemd"}, R"("systemd" in argument "x&&exec systemd")"},
           {{"sh", "-c", "exec \"/lib/systemd/systemd\""},
            R"("/lib/systemd/systemd" in argument "exec \"/lib/systemd/systemd\"")"},
           {{"sh", "-c", "init"}, R"("init" in argument "init")"},
           {{"sh", "-c", "exec \"$@\"", "--", "/sbin/init"}, R"(argument "/sbin/init")"},
           {{"su", "root", "-c", "/sbin/init"}, R"(argument "/sbin/init")"},
           {{"python3", "-c", "import os; os.execv('/sbin/init', ['init'])"},
            R"x("/sbin/init" in argument "import os; os.execv('/sbin/init', ['init'])")x"},
       }) {
    EXPECT_EQ(find(row.args), row.evidence) << row.args[2];
  }
}

TEST(InitSystems, what_is_only_called_so) {
  for (const std::vector<std::string_view>& args : std::initializer_list<std::vector<std::string_view>>{
           {"git", "init"},
           {"terraform", "init"},
           {"npm", "init", "-y"},
           {"postgres", "initdb"},
           {"sh", "-c", "git init && terraform init; exec app"},
           {"sh", "-c", "exec app init"},
           {"sh", "-c", "exec /app/init"},
           {"sh", "/app/init"},
           {"app", "--scripts", "/docker-entrypoint-initdb.d/init"},
           {"app", "/init/config"},
           {"app", "--init=/sbin/init"},
           {"systemctl", "status", "systemd"},
           {"app", "-c", "/etc/app/init"},
           {"app", "init"},
       }) {
    EXPECT_EQ(find(args), "") << args.back();
  }
}

// The evidence is a line for people, whatever the arguments hold.
TEST(InitSystems, evidence_is_short_and_printable) {
  const std::string hostile = "/sbin/init\n\x1b[31m" + std::string(1000, 'x');
  const std::string evidence = find({"sh", "-c", hostile});
  EXPECT_NE(evidence, "");
  EXPECT_LT(evidence.size(), 200);
  for (const char c : evidence) EXPECT_TRUE(c >= ' ' && c <= '~');
}

}  // namespace
}  // namespace runi
