// Where a container's command is looked for: the rules by which the runtimes and the init find a program.
#pragma once

#include "core/spec.h"

#include <optional>
#include <string>
#include <vector>

namespace runi {

struct Candidate {
  std::string path;       // in the container, absolute
  bool relative = false;  // PATH leads to it relative to the working directory
};

// The files that process.args[0] may name, in the order in which they are tried; none where it has no slash
// and there is no PATH. No value where there are more of them than are worth looking at.
//
// runc asks Go's exec.LookPath(), in the container and with its PATH, before it reports the container as
// created (libcontainer/standard_init_linux.go, Init()); crun asks find_executable() (src/libcrun/utils.c).
// Of several PATHs in process.env both take the last.
[[nodiscard]] std::optional<std::vector<Candidate>> command_candidates(const Spec& spec);

}  // namespace runi
