// What scan found, as a table and a summary for people.
#pragma once

#include "runictl/containers/verdict.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace runi {

// Whether pods' sandboxes are only counted, unless there is something to say of one.
enum class Sandboxes : std::uint8_t { counted, listed };

// Lines of `width` columns; below some 60 they do not get narrower.
[[nodiscard]] std::string list_scan(const Survey& survey, std::span<const Assessed> assessed,
                                    std::size_t width, bool colours, Sandboxes sandboxes);

}  // namespace runi
