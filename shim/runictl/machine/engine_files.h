// Where container engines keep their configurations: finds each engine's files on a machine and reads them in
// the order in which the engine does.
#pragma once

#include "runictl/engines/engines.h"
#include "runictl/engines/kinds.h"
#include "runictl/machine/machine.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace runi {

// On this machine those of the caller's own podman and Docker are among them, and an installed containerd is
// run for its version, unless others than root and the caller can change it.
[[nodiscard]] EngineFiles read_engine_files(const Machine& machine);

// Those of one engine. `main` is its main file; a containerd without one imports what `fallback` does, which
// is what `containerd config default` prints.
[[nodiscard]] EngineFiles read_files_of(const Machine& machine, const EngineKind& kind,
                                        const std::string& main, const std::string& fallback);

// What lies at the names of files_of_crio: at a path, or of a name the first in the system's directories,
// which are the PATH that systemd gives to CRI-O. What cannot be looked at is passed over.
[[nodiscard]] std::map<std::string, CrioFacts::File, std::less<>> find_files_of_crio(
    const Machine& machine, const std::vector<std::string>& names);

}  // namespace runi
