// What the command lines of runtimes, and of those who supervise containers for engines, say of a container.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace runi {

// What PID 1's parent says. `engine` is empty where it supervises no container.
struct Supervisor {
  std::string engine;
  std::string id;              // of the container, or of its pod's sandbox
  std::string name;            // conmon's -n
  std::string bundle;          // as its own root directory has it; may be relative to its working directory
  bool bundle_is_cwd = false;  // its working directory is the bundle of `id`, and others lie beside it
};

// The words of a supervisor's command line: a containerd shim's, conmon's, or that of a runtime in the
// foreground.
[[nodiscard]] Supervisor read_supervisor(const std::vector<std::string>& words);

// The same of a runtime's, whatever the file is called.
[[nodiscard]] Supervisor read_runtime(const std::vector<std::string>& words);

// Whether a program of this base name is a runtime.
[[nodiscard]] bool is_runtime(std::string_view name);

// Whether a process of this name (comm) can be a supervisor.
[[nodiscard]] bool may_supervise(std::string_view name);

}  // namespace runi
