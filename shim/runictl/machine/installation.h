// Finds out how runi is installed on a machine: facts for the judge, and for a program that changes them.
#pragma once

#include "runictl/installation/facts.h"
#include "runictl/machine/machine.h"

#include <optional>
#include <string>
#include <vector>

namespace runi {

[[nodiscard]] FileFacts facts_of(const Found& found);

// The whole text of a regular program file; empty where it cannot be read, or is no such file.
[[nodiscard]] std::string read_program(const Found& found);

// As version_of_runi, of the file that was found. Not of runictl, which has runi's marks too.
[[nodiscard]] std::optional<std::string> runi_version_of(const Found& found);

// The programs of runi and what leads to them: the machine's own and the links beside it, and of the programs
// that engines' configurations name those that are runi.
[[nodiscard]] Installation find_installation(const Machine& machine, const std::vector<std::string>& named);

}  // namespace runi
