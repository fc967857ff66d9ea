// What a machine's processes tell of its engines: which one the kubelet uses, and what each was started with.
#pragma once

#include "runictl/machine/machine.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

struct HostProcess {
  std::string name;  // comm
  std::vector<std::string> arguments;
  std::string program;  // the file that it executes; empty where it cannot be seen
};

// Root's processes in the machine's own /proc that have one of the names and are in no container; none where
// there is no /proc.
[[nodiscard]] std::vector<HostProcess> find_processes(const Machine& machine,
                                                      std::span<const std::string_view> names);

// The value of the last of an option's spellings among the arguments; empty where it is not given.
[[nodiscard]] std::string option_of(const HostProcess& process, std::span<const std::string_view> spellings);

// The socket of the engine that the machine's kubelet uses, as a path without "unix://" and with /run for
// /var/run; empty where no kubelet runs.
[[nodiscard]] std::string find_kubelets_socket(const Machine& machine);

// `endpoint` as such a path.
[[nodiscard]] std::string socket_path(std::string_view endpoint);

}  // namespace runi
