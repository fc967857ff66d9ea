// What one look at the processes of a machine brings: the containers there, and the facts about each.
#pragma once

#include "runictl/containers/identity.h"
#include "runictl/containers/proc_files.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace runi {

// All processes that a /proc shows at about one time; those that come or go meanwhile may be missing.
struct Population {
  std::vector<Process> processes;  // by pid
  std::size_t unreadable = 0;      // listed, but not for the caller to look at
};

struct PidsLimit {
  std::uint64_t current = 0;
  std::uint64_t max = 0;
};

struct Container {
  Process first;
  int outer = 0;  // the PID 1 of the container that it is in; 0 where it is in none, or in an unknown one
  Identity identity;
  std::string program;  // the file that PID 1 executes; empty where it may not be seen
  std::vector<std::string> arguments;
  bool is_runi_init = false;  // whatever the file is called
  std::string init_version;   // of runi-init; empty where it is another, or may not be seen
  std::optional<std::uint64_t> age_s;
  std::size_t processes = 0;
  std::size_t held_zombies = 0;
  std::size_t other_zombies = 0;
  // Living children of PID 1's whose session's leader has ended: daemons, most likely.
  std::size_t adopted = 0;
  std::optional<std::uint64_t> oldest_zombie_s;  // since the oldest of the held ones started
  std::optional<PidsLimit> pids;                 // of the cgroup above it that is closest to its limit
};

struct Survey {
  Population population;
  std::vector<Container> containers;  // by the pid of their PID 1
  bool hides_processes = false;       // others' processes are not even listed
};

// Whether the reader may not see its program and environment.
[[nodiscard]] bool is_sealed(const Container& container);

// What to call it among these: title_of() its identity; where only a container that it is in has a name, "in
// " and that.
[[nodiscard]] std::string title_of(const Container& container, std::span<const Container> containers);

}  // namespace runi
