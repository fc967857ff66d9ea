// A runi-init at work: its version, its application, and what it was told to do.
#pragma once

#include "init/options.h"
#include "runictl/containers/survey.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// The version that a runi-init of these bytes is. Empty where they are not one.
[[nodiscard]] std::string version_of_init(std::string_view bytes);

// Memory that may not be seen is empty.
struct RunningInit {
  Container container;
  std::string title;  // what the container is called
  std::optional<Process> application;
  std::optional<std::uint64_t> pss_kib;
  std::optional<std::uint64_t> private_dirty_kib;
};

// Of the processes that an init has for children, the one it started itself: it was the first.
[[nodiscard]] std::optional<Process> find_application(const Process& init,
                                                      std::span<const Process> processes);

// Leaves out what is an init's child and still the init itself: the application, before it executes.
void drop_unborn(std::vector<RunningInit>& inits);

// The command line of a runi-init, read as it reads it.
struct InitCall {
  Options options;                 // without their `command`
  std::vector<std::string> words;  // the options, as they were given
};
[[nodiscard]] InitCall read_call(const Container& container);

// Whether the kernel reaps for it.
[[nodiscard]] bool kernel_reaps(const Process& init);

// Whether it is in its own sandbox.
[[nodiscard]] bool is_sandboxed(const Process& init);

}  // namespace runi
