// Programs on the machine: where they are looked for, which may be run, and what they say of themselves.
#pragma once

#include "core/result.h"
#include "runictl/machine/machine.h"

#include <string>
#include <string_view>
#include <vector>

namespace runi {

// Where a program is looked for: at its path, or if it is a name in the system's directories.
[[nodiscard]] std::vector<std::string> program_candidates(std::string_view program);

// Whether only root and the caller can change the file, so that it may run with the caller's rights.
[[nodiscard]] bool is_trusted(const Found& found);

// The first line that `path --version` prints on stdout.
// Errors: it does not run, does not finish in five seconds, or exits with another status than 0.
Result<std::string> version_of(const std::string& path);

}  // namespace runi
