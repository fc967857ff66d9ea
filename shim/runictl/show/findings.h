// How findings are shown: a table for people, JSON for programs.
#pragma once

#include "runictl/engines/finding.h"

#include <span>
#include <string>
#include <string_view>

namespace runi {

// With the numbers of problems and warnings at the end.
[[nodiscard]] std::string list_findings(std::span<const Finding> findings, bool colours);

// `root` is the root directory that was looked at.
[[nodiscard]] std::string findings_as_json(std::span<const Finding> findings, const std::string& root,
                                           std::string_view version);

}  // namespace runi
