// What holds for the name that runi was called by.
#pragma once

#include "core/config.h"
#include "core/result.h"

#include <cstddef>
#include <optional>
#include <string>

namespace runi {

// Larger files are refused: runi's configuration, and a container's config.json.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;
inline constexpr std::size_t kMaxSpecBytes = 16 << 20;

struct Settings {
  Config config;
  std::string path;             // the file that was read; empty where there is none and the defaults hold
  std::optional<Error> broken;  // why `config` holds nothing but a runtime
};

}  // namespace runi
