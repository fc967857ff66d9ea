// A container as tests of verdicts need it.
#pragma once

#include "runictl/containers/verdict.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace runi {

inline constexpr std::uint64_t kTerm = 1 << 14;

inline Container container(const std::string& program, std::vector<std::string> arguments = {}) {
  Container made;
  made.program = "/usr/bin/" + program;
  made.first.name = program.substr(0, 15);
  made.arguments = arguments.empty() ? std::vector<std::string>{program} : std::move(arguments);
  return made;
}

}  // namespace runi
