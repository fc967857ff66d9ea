#include "runictl/containers/proc_files.h"

#include <gtest/gtest.h>

namespace runi {
namespace {

using namespace std::string_view_literals;

// Of a container's PID 1, Linux 6.18, without lines that do not matter.
constexpr const char* kStatus =
    "Name:\tsh\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t4690\n"
    "TracerPid:\t0\nUid:\t1000\t1001\t1002\t1003\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0 1 2 \n"
    "NStgid:\t4711\t17\t1\nNSpid:\t4711\t17\t1\nNSpgid:\t4711\t17\t1\nVmPeak:\t 3060 kB\nVmRSS:\t     12 kB\n"
    "Threads:\t2\nSigQ:\t0/96364\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"
    "SigBlk:\tfffffffe7ffbfeff\nSigIgn:\t0000000000010000\nSigCgt:\t0000000000004002\nCapInh:"
    "\t0000000000000000\n"
    "CapEff:\t0000000000000020\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

std::string without(std::string text, const std::string& part, const std::string& instead = "") {
  return text.replace(text.find(part), part.size(), instead);
}

TEST(Status, is_read) {
  const auto process = parse_status(kStatus);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 4711);
  EXPECT_EQ(process->parent, 4690);
  EXPECT_EQ(process->name, "sh");
  EXPECT_EQ(process->state, 'S');
  EXPECT_EQ(process->threads, 2U);
  EXPECT_EQ(process->uid, 1001U);
  EXPECT_EQ(process->real_uid, 1000U);
  EXPECT_EQ(process->saved_uid, 1002U);
  EXPECT_EQ(process->depth, 3U);
  EXPECT_EQ(process->number, 1);
  EXPECT_EQ(process->blocked, 0xfffffffe7ffbfeffU);
  EXPECT_EQ(process->ignored, 0x10000U);
  EXPECT_EQ(process->caught, 0x4002U);
  EXPECT_TRUE(process->no_new_privs);
  EXPECT_EQ(process->seccomp, 2);
  EXPECT_EQ(process->rss_kib, 12U);
}

TEST(Status, of_a_kernel_thread_has_no_memory) {
  const auto process = parse_status(without(kStatus, "VmRSS:\t     12 kB\n"));
  ASSERT_TRUE(process);
  EXPECT_FALSE(process->rss_kib);
  EXPECT_EQ(process->seccomp, 2);
}

TEST(Status, with_less_than_every_kernel_writes_is_none) {
  for (const char* line : {"Name:\tsh\n", "State:\tS (sleeping)\n", "Pid:\t4711\n", "PPid:\t4690\n",
                           "NSpid:\t4711\t17\t1\n", "Threads:\t2\n", "SigBlk:\tfffffffe7ffbfeff\n",
                           "SigIgn:\t0000000000010000\n", "SigCgt:\t0000000000004002\n"}) {
    EXPECT_FALSE(parse_status(without(kStatus, line))) << line;
  }
  EXPECT_FALSE(parse_status(""));
  EXPECT_FALSE(parse_status("Name"));
  EXPECT_FALSE(parse_status(without(kStatus, "Pid:\t4711", "Pid:\t47x1")));
  EXPECT_FALSE(parse_status(without(kStatus, "NSpid:\t4711\t17\t1", "NSpid:\t")));
}

// The kernel escapes a line feed in a name; should one not, the true lines still come after the forged ones.
TEST(Status, names_may_hold_anything) {
  const auto process = parse_status(without(kStatus, "Name:\tsh", "Name:\t) R 1\\nPid:\t5"));
  ASSERT_TRUE(process);
  EXPECT_EQ(process->name, ") R 1\\nPid:\t5");
  EXPECT_EQ(process->pid, 4711);
}

TEST(Status, a_dead_first_thread_is_no_zombie) {
  auto process = parse_status(without(kStatus, "S (sleeping)", "Z (zombie)"));
  ASSERT_TRUE(process);
  EXPECT_FALSE(process->zombie());
  process->threads = 1;
  EXPECT_TRUE(process->zombie());
}

TEST(Stat, is_read_behind_the_name) {
  const auto stat = parse_stat(
      "17 (a) Z 1 (b) S 42 17 17 0 -1 4194304 98 0 0 0 0 0 0 0 20 0 1 0 77239 3133440 347 "
      "18446744073709551615\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 42);
  EXPECT_EQ(stat->start_ticks, 77239U);
  EXPECT_FALSE(parse_stat("17 (sh) S 42 17"));
  EXPECT_FALSE(parse_stat("17"));
}

TEST(Syscall, is_a_number_or_none) {
  EXPECT_EQ(parse_syscall("128 0x7ffd 0x0 0x0 0x8 0x0 0x0 0x7ffd 0x7f12\n"), 128);
  EXPECT_FALSE(parse_syscall("running\n"));
  EXPECT_FALSE(parse_syscall("-1 0x7ffd 0x7f12\n"));
  EXPECT_FALSE(parse_syscall(""));
}

TEST(Words, are_parted_by_nul) {
  EXPECT_EQ(parse_words(std::string_view("sh\0-c\0\0x y\0", 11)),
            (std::vector<std::string>{"sh", "-c", "", "x y"}));
  EXPECT_EQ(parse_words("unended"), std::vector<std::string>{"unended"});
  EXPECT_TRUE(parse_words("").empty());
}

TEST(Environment, is_searched_by_whole_names) {
  const std::string_view environment = "XHOME=a\0HOME=b=c\0EMPTY=\0BARE\0"sv;
  EXPECT_EQ(find_variable(environment, "HOME"), "b=c");
  EXPECT_EQ(find_variable(environment, "EMPTY"), "");
  EXPECT_FALSE(find_variable(environment, "OME"));
}

constexpr const char* kHybrid =
    "9:name=systemd:/\n8:pids:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/unified/a:b\n";

TEST(Cgroups, of_both_versions) {
  const auto cgroups = parse_cgroups(kHybrid);
  ASSERT_EQ(cgroups.size(), 4U);
  EXPECT_EQ(cgroups[1].controllers, "pids");
  EXPECT_EQ(cgroups[1].path, "/docker/x");
  EXPECT_EQ(cgroups[3].controllers, "");
  EXPECT_EQ(cgroups[3].path, "/unified/a:b");
}

TEST(Cgroups, that_a_runtime_made) {
  const auto own = [](std::string_view cgroups, std::string_view parents) {
    return find_own_path(parse_cgroups(cgroups), parse_cgroups(parents));
  };
  EXPECT_EQ(own("0::/a/c\n", "0::/a\n"), "/a/c");
  EXPECT_EQ(own("0::/a\n", "0::/a\n"), "");
  EXPECT_EQ(own("2:cpu:/\n1:pids:/a/c\n0::/\n", "2:cpu:/x\n1:pids:/\n0::/\n"), "/a/c");
  // The longest of all is one in which the runtime left it.
  EXPECT_EQ(own("1:memory:/the/parent-s/own\n0::/a/c\n", "1:memory:/the/parent-s/own\n0::/\n"), "/a/c");
  EXPECT_EQ(own("", "0::/a\n"), "");
}

constexpr const char* kMountinfo =
    "22 1 0:21 / /proc rw,relatime - proc proc rw,hidepid=2\n"
    "30 24 0:26 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n"
    "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 24 0:28 /docker /a\\040b rw - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(Mounts, are_found) {
  const Mounts mounts = parse_mounts(kMountinfo, "/proc");
  EXPECT_TRUE(mounts.hides_processes);
  EXPECT_FALSE(parse_mounts(kMountinfo, "/host/proc").hides_processes);
  ASSERT_EQ(mounts.hierarchies.size(), 2U);
  EXPECT_EQ(mounts.hierarchies[0].point, "/sys/fs/cgroup/pids");
  EXPECT_EQ(mounts.hierarchies[1].point, "/a b");
  EXPECT_EQ(mounts.hierarchies[1].root, "/docker");
}

TEST(Mounts, lead_to_the_folder_that_counts_processes) {
  const Mounts mounts = parse_mounts(kMountinfo, "/proc");
  EXPECT_EQ(find_pids_folder(parse_cgroups(kHybrid), mounts), "/sys/fs/cgroup/pids/docker/x");
  EXPECT_EQ(find_pids_folder(parse_cgroups("0::/docker/x/y\n"), mounts), "/a b/x/y");
  EXPECT_EQ(find_pids_folder(parse_cgroups("0::/dockers\n"), mounts), "");
  EXPECT_EQ(find_pids_folder(parse_cgroups("8:pids:/../../etc\n"), mounts), "");
  EXPECT_EQ(find_pids_folder(parse_cgroups("8:pids:/a/..\n"), mounts), "");
}

TEST(Rollup, has_lines_in_kib) {
  constexpr const char* kRollup =
      "560b-7ffe ---p 00000000 00:00 0  [rollup]\nRss:   1688 kB\nPss_Dirty: 7 kB\nPss:    370 kB\nSwap: x "
      "kB\n";
  EXPECT_EQ(find_kib(kRollup, "Pss"), 370U);
  EXPECT_FALSE(find_kib(kRollup, "Swap"));
  EXPECT_FALSE(find_kib(kRollup, "Locked"));
}

}  // namespace
}  // namespace runi
