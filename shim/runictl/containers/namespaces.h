// Which processes share a PID namespace, and which of their zombies wait for its PID 1.
#pragma once

#include "runictl/containers/proc_files.h"

#include <cstdint>
#include <span>
#include <vector>

namespace runi {

// A PID namespace below that of the /proc: indexes into the processes.
struct PidNamespaceMembers {
  std::size_t first = 0;             // its PID 1, which lives
  std::vector<std::size_t> members;  // all that are in it and in none below it, PID 1 too
  std::vector<std::size_t> held;     // zombies that are PID 1's to reap
  std::vector<std::size_t> others;   // zombies in it that are another process's to reap
};

// `processes` stand in the order of their pids, in all of these.

// Null where there is no process of this pid.
[[nodiscard]] const Process* find_process(int pid, std::span<const Process> processes);

// Whether a process may be in another PID namespace than its parent, so that only the inode of its own tells
// which.
[[nodiscard]] bool enters_namespace(const Process& process, std::span<const Process> processes);

// In the order of the pids of their PID 1. A process that was brought into its namespace from outside, and
// whose Process::pid_namespace is not known, is in none of them, with all that descends from it.
[[nodiscard]] std::vector<PidNamespaceMembers> find_namespaces(std::span<const Process> processes);

}  // namespace runi
