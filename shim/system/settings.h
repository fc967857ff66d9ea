// What holds for the name that runi was called by: its configuration file, and the runtime that it leads to.
#pragma once

#include "core/config.h"
#include "core/result.h"
#include "system/system.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

inline constexpr std::size_t kMaxConfigBytes = 1 << 20;
inline constexpr std::size_t kMaxSpecBytes = 16 << 20;

// Where configuration files are looked for, "/etc/runi".
inline constexpr std::string_view kConfigDirectory = RUNI_CONFIG_DIR;

// That directory, and after it "../etc/runi" from the directory of the program `runi`: for machines whose
// /etc cannot be written to.
[[nodiscard]] std::array<std::string, 2> config_directories(const std::string& runi = kSelf);

struct Settings {
  Config config;
  std::string path;             // the file that was read; empty where there is none and the defaults hold
  std::optional<Error> broken;  // why `config` holds nothing but a runtime
};

// The first that exists of <directory>/<handler>.json and <directory>/config.json in each of
// config_directories(), else the defaults.
Settings read_settings(std::string_view handler, const std::string& runi = kSelf);

// The runtime that runi becomes. Errors: there is none, or it is the program `runi` itself.
Result<std::string> choose_runtime(const Config& config, const std::string& runi = kSelf);

}  // namespace runi
