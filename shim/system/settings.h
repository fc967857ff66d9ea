// Finds the settings that hold for the name that runi was called by, and the runtime that they lead to.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "core/settings.h"
#include "system/programs.h"

#include <array>
#include <string>
#include <string_view>

namespace runi {

// Where configuration files are looked for, "/etc/runi".
inline constexpr std::string_view kConfigDirectory = RUNI_CONFIG_DIR;

// That directory, then "../etc/runi" from the directory of the program `runi`, for machines with a read-only
// /etc.
[[nodiscard]] std::array<std::string, 2> config_directories(const std::string& runi = kSelf);

// The first that exists of <directory>/<handler>.json and <directory>/config.json in each of
// config_directories(), else the defaults.
Settings read_settings(std::string_view handler, const std::string& runi = kSelf);

// The runtime that runi becomes. Errors: it does not exist, or is the program `runi` itself.
Result<std::string> choose_runtime(const Config& config, const std::string& runi = kSelf);

}  // namespace runi
