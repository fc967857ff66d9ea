// Standard output and standard error: how text gets there, and what shows there.
#pragma once

#include "core/result.h"

#include <cstddef>
#include <string_view>

namespace runi {

// Whether stdout shows colours: it is a terminal that can, and the variable NO_COLOR (no-color.org) is not
// set.
[[nodiscard]] bool colours_wanted();

// How wide a line may be: as the terminal is, or COLUMNS says; elsewhere wide enough for most names.
[[nodiscard]] std::size_t line_width();

// Puts text on stdout. Errors show in flush_output.
void print(std::string_view text);

// Errors: something of what was printed could not be written.
Result<void> flush_output();

// One line "runictl: …" on stderr, made printable.
void complain(std::string_view message);

}  // namespace runi
