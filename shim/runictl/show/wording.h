// How facts about containers are worded for people.
#pragma once

#include "runictl/containers/verdict.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace runi {

// The verdict with its grounds: "needs an init: 12 zombies, oldest 3h; …".
[[nodiscard]] std::string text_of(const Assessment& assessment, const Container& container);

// "45s", "12m", "3h", "17d".
[[nodiscard]] std::string format_age(std::uint64_t seconds);

// "1 process", "2 processes".
[[nodiscard]] std::string counted(std::size_t number, std::string_view one, std::string_view many);

// The text, or "-" where it is empty.
[[nodiscard]] std::string or_dash(const std::string& text);

}  // namespace runi
