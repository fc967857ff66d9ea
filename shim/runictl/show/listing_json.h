// What scan and ps found, as JSON for programs.
#pragma once

#include "runictl/containers/running_init.h"
#include "runictl/containers/verdict.h"
#include "runictl/show/json.h"

#include <span>

namespace runi {

[[nodiscard]] Json scan_as_json(const Survey& survey, std::span<const Assessed> assessed);

[[nodiscard]] Json inits_as_json(std::span<const RunningInit> inits);

}  // namespace runi
