// What a change of a JSON text looks like to people, whose files may be a single line.
#pragma once

#include "core/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace runi {

// The document, read from `bytes`, as lines: one value a line, indented; scalars and keys as they were
// written.
[[nodiscard]] std::vector<std::string> laid_out(const json::Document& document, std::string_view bytes);

// The lines of a text, without their line feeds.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

// The difference as the hunks of a unified diff with three lines of context; empty where there is none. Meant
// for few differences: time and memory grow with their number times the number of lines.
[[nodiscard]] std::vector<std::string> unified_diff(const std::vector<std::string>& before,
                                                    const std::vector<std::string>& after);

}  // namespace runi
