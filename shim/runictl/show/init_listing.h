// The containers under runi-init, as a table for people.
#pragma once

#include "runictl/containers/running_init.h"

#include <cstddef>
#include <span>
#include <string>

namespace runi {

// Lines of `width` columns; below some 60 they do not get narrower.
[[nodiscard]] std::string list_inits(std::span<const RunningInit> inits, std::size_t width, bool colours);

}  // namespace runi
