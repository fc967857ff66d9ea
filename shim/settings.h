// What holds for the name that runi was called by: its configuration file, and the runtime that it leads to.
#pragma once

#include "config.h"
#include "result.h"
#include "system.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace runi {

inline constexpr std::size_t kMaxConfigBytes = 1 << 20;
inline constexpr std::size_t kMaxSpecBytes = 16 << 20;

// Where configuration files are looked for, "/etc/runi".
inline constexpr std::string_view kConfigDirectory = RUNI_CONFIG_DIR;

struct Settings {
  Config config;
  std::string path;             // the file that was read; empty where there is none and the defaults hold
  std::optional<Error> broken;  // why `config` holds nothing but a runtime
};

// "/etc/runi/<handler>.json" where there is such a file, else "/etc/runi/config.json", else the defaults.
Settings read_settings(std::string_view handler);

// The runtime that runi becomes. Errors: there is none, or it is the program `runi` itself.
Result<std::string> choose_runtime(const Config& config, const std::string& runi = kSelf);

}  // namespace runi
