// Where container engines keep their configurations: finds each engine's files on a machine and reads them in
// the order in which the engine does.
#pragma once

#include "runictl/engines/engines.h"
#include "runictl/machine/machine.h"

namespace runi {

// On this machine those of the caller's own podman and Docker are among them, and an installed containerd is
// run for its version, unless others than root and the caller can change it.
[[nodiscard]] EngineFiles read_engine_files(const Machine& machine);

}  // namespace runi
