#include "runictl/containers/running_init.h"

#include <algorithm>
#include <csignal>

namespace runi {

std::string version_of_init(std::string_view bytes) {
  // As `runi-init --version` says it: init/main.cc.
  constexpr std::string_view kBefore = "tini version ";
  constexpr std::string_view kAfter = " - git.runi-init";
  const auto end = bytes.find(kAfter);
  if (end == std::string_view::npos) return {};
  const auto begin = bytes.substr(0, end).rfind(kBefore);
  if (begin == std::string_view::npos) return {};
  return std::string(bytes.substr(begin + kBefore.size(), end - begin - kBefore.size()));
}

std::optional<Process> find_application(const Process& init, std::span<const Process> processes) {
  std::optional<Process> application;
  for (const Process& process : processes) {
    if (process.parent != init.pid) continue;
    // Numbers of a namespace grow until they start again, and the application has the first one after 1.
    if (!application || process.number < application->number) application = process;
  }
  return application;
}

void drop_unborn(std::vector<RunningInit>& inits) {
  std::vector<int> unborn;
  for (const RunningInit& init : inits) {
    const Container& container = init.container;
    const bool is_one = std::any_of(inits.begin(), inits.end(), [&container](const RunningInit& other) {
      return other.container.first.pid == container.first.parent &&
             other.container.arguments == container.arguments;
    });
    if (is_one) unborn.push_back(container.first.pid);
  }
  std::erase_if(inits, [&unborn](const RunningInit& init) {
    return std::find(unborn.begin(), unborn.end(), init.container.first.pid) != unborn.end();
  });
}

InitCall read_call(const Container& container) {
  InitCall call;
  std::vector<const char*> args;
  for (const std::string& argument : container.arguments) args.push_back(argument.c_str());
  args.push_back(nullptr);
  call.options = parse_options(args.data());
  for (std::size_t i = 1; i < container.arguments.size(); ++i) {
    if (call.options.command == &args[i] || container.arguments[i] == "--") break;
    call.words.push_back(container.arguments[i]);
  }
  call.options.command = nullptr;  // into what goes now
  return call;
}

bool kernel_reaps(const Process& init) {
  // It ignores SIGCHLD, so that the kernel reaps: init/serve.cc.
  constexpr std::uint64_t kBit = std::uint64_t{1} << (SIGCHLD - 1);
  return (init.ignored & kBit) != 0;
}

bool is_sandboxed(const Process& init) {
  return init.no_new_privs && init.seccomp == 2;
}

}  // namespace runi
