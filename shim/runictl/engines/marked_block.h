// The lines that belong to a handler in a file whose comments begin with #, between marks that tell whether
// somebody has changed them. Pure.
#pragma once

#include "runictl/engines/edit.h"
#include "runictl/engines/toml.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace runi {

inline constexpr std::string_view kBlockBegin = "# BEGIN runi ";  // and the handler's name

// A file as it is without the block, byte for byte.
struct Parted {
  std::string rest;
  std::optional<std::string> body;  // the block's lines between the marks, each ended by \n; empty: no block
};

// Refuses a block that somebody has changed, or of which a mark is missing.
[[nodiscard]] std::variant<Parted, Refusal> part(const ConfigFile& file, std::string_view handler);

// `text` with a block at its end, in its own kind of line ends. `body` is lines, each ended by \n.
[[nodiscard]] std::string with_block(std::string_view text, std::string_view handler, std::string_view body);

}  // namespace runi
