// What the files of /proc/PID say, read from their bytes. The names and forms are those of proc(5),
// cgroups(7) and pid_namespaces(7). Processes choose much of the text themselves, so nothing here trusts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// What /proc/PID/status says.
struct Process {
  int pid = 0;     // as numbered by the /proc that was read
  int parent = 0;  // 0 where the parent is outside of its view
  std::string name;
  char state = '?';
  std::uint64_t threads = 1;
  std::uint64_t uid = 0;  // effective
  std::uint64_t real_uid = 0;
  std::uint64_t saved_uid = 0;
  std::size_t depth = 1;      // PID namespaces from that of the /proc down to its own, both counted
  int number = 0;             // its pid in its own namespace
  std::uint64_t blocked = 0;  // signals, bit n-1 for signal n
  std::uint64_t ignored = 0;
  std::uint64_t caught = 0;
  bool no_new_privs = false;
  int seccomp = 0;  // 2: a filter
  std::optional<std::uint64_t> rss_kib;

  // What is not in status.
  std::uint64_t pid_namespace = 0;  // its inode; 0 where it is not known
  bool waits_for_signals = false;   // its first thread is in sigwait(3) or the like

  // Dead and waiting to be reaped. Not so a process whose first thread alone has ended.
  [[nodiscard]] bool zombie() const { return state == 'Z' && threads <= 1; }
};

// Empty where the bytes are no such file, or lack what every kernel since 4.1 writes.
[[nodiscard]] std::optional<Process> parse_status(std::string_view bytes);

// What /proc/PID/stat says and status does not.
struct Stat {
  char state = '?';
  int parent = 0;
  int session = 0;  // the pid of its leader, which may have ended; 0 where that is outside of view
  std::uint64_t start_ticks = 0;  // after boot, in units of sysconf(_SC_CLK_TCK)
};
[[nodiscard]] std::optional<Stat> parse_stat(std::string_view bytes);

// The number of the system call that a thread is in: from /proc/PID/syscall. Empty where it runs.
[[nodiscard]] std::optional<long> parse_syscall(std::string_view bytes);

// The words of /proc/PID/cmdline, or the lines of environ: each ends with a NUL, the last one perhaps not.
[[nodiscard]] std::vector<std::string> parse_words(std::string_view bytes);

// The value of a variable in /proc/PID/environ.
[[nodiscard]] std::optional<std::string_view> find_variable(std::string_view environment,
                                                            std::string_view name);

// A line of /proc/PID/cgroup. Views into the bytes.
struct Cgroup {
  std::string_view controllers;  // "pids", "cpu,cpuacct"; empty for version 2
  std::string_view path;
};
[[nodiscard]] std::vector<Cgroup> parse_cgroups(std::string_view bytes);

// The longest path that the parent is not in: what a runtime has made for its container. In hierarchies that
// it does not use, both are in the same. Empty where there is none.
[[nodiscard]] std::string_view find_own_path(const std::vector<Cgroup>& cgroups,
                                             const std::vector<Cgroup>& parents);

// Where cgroups of process counts can be looked up, and whether /proc hides others' processes: from
// /proc/self/mountinfo.
struct Mounts {
  struct Hierarchy {
    std::string point;  // where it is mounted
    std::string root;   // which of its cgroups is there
    bool version_2 = false;
  };
  std::vector<Hierarchy> hierarchies;  // those of version 2, and of the controller pids
  bool hides_processes = false;        // hidepid of the mount `proc`: other users' are not even listed
};
[[nodiscard]] Mounts parse_mounts(std::string_view bytes, std::string_view proc);

// The folder of `cgroups`' process counts; empty where no mount shows it.
[[nodiscard]] std::string find_pids_folder(const std::vector<Cgroup>& cgroups, const Mounts& mounts);

// The value in KiB of a line "Name:   12 kB", as in /proc/PID/smaps_rollup.
[[nodiscard]] std::optional<std::uint64_t> find_kib(std::string_view bytes, std::string_view name);

// The last part of a path.
[[nodiscard]] std::string_view base_of(std::string_view path);

}  // namespace runi
