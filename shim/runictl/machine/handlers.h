// Follows each name that runi is called by to its configuration, its log, its runtime and its init.
#pragma once

#include "core/config.h"
#include "runictl/installation/facts.h"
#include "runictl/machine/machine.h"

#include <string>
#include <vector>

namespace runi {

[[nodiscard]] MachineFacts look_at_machine(const Machine& machine);

// The files in the directories where the programs of the installation look for their configuration: all, or
// where `only` is not empty those that a handler of this name may read.
[[nodiscard]] std::vector<ConfigurationFile> read_configurations(const Machine& machine,
                                                                 const Installation& installation,
                                                                 const std::string& only);

// What the handlers of the installation lead to; where `only` is not empty that of this name alone, whether
// anything leads to it or not. Left out are those whose configuration is broken. Runs runtimes for their
// versions: on this machine, and if no others than root and the caller can change them.
[[nodiscard]] Handlers follow_handlers(const Machine& machine, const Installation& installation,
                                       const std::string& only);

// The same of one handler, as if `config` were its configuration.
[[nodiscard]] Handlers follow_handler(const Machine& machine, const std::string& name,
                                      const std::string& program, const Config& config);

}  // namespace runi
