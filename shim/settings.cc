#include "settings.h"

namespace runi {

Settings read_settings(std::string_view handler) {
  for (const std::string_view name : {handler, std::string_view("config")}) {
    const std::string path = std::string(kConfigDirectory) + "/" + std::string(name) + ".json";
    auto text = read_text(path, kMaxConfigBytes);
    if (!text) return {{}, path, with_context("configuration " + path, text.error())};
    if (!*text) continue;
    auto config = parse_config(**text);
    if (config) return {std::move(*config), path, std::nullopt};
    Settings settings{{}, path, with_context("configuration " + path, config.error())};
    settings.config.runtime = salvage_runtime(**text);
    return settings;
  }
  return {};
}

Result<std::string> choose_runtime(const Config& config, const std::string& runi) {
  if (config.runtime.empty()) return find_runtime(runi);
  if (auto checked = check_runtime(config.runtime, runi); !checked) return checked.error();
  return config.runtime;
}

}  // namespace runi
