#include "system/settings.h"

#include "system/files.h"

namespace runi {

namespace {

// Returns nothing if the file does not exist.
std::optional<Settings> read_file_of(const std::string& path) {
  auto text = read_text(path, kMaxConfigBytes);
  if (!text) return Settings{{}, path, with_context("configuration " + path, text.error())};
  if (!*text) return std::nullopt;
  auto config = parse_config(**text);
  if (config) return Settings{std::move(*config), path, std::nullopt};
  Settings settings{{}, path, with_context("configuration " + path, config.error())};
  settings.config.runtime = salvage_runtime(**text);
  return settings;
}

}  // namespace

std::array<std::string, 2> config_directories(const std::string& runi) {
  const std::string directory = program_directory(runi);
  const auto slash = directory.rfind('/');
  const std::string prefix = slash == std::string::npos ? directory + "/.." : directory.substr(0, slash);
  return {std::string(kConfigDirectory), prefix + "/etc/runi"};
}

Settings read_settings(std::string_view handler, const std::string& runi) {
  for (const std::string& directory : config_directories(runi)) {
    for (const std::string_view name : {handler, std::string_view("config")}) {
      if (auto settings = read_file_of(directory + "/" + std::string(name) + ".json")) {
        return std::move(*settings);
      }
    }
  }
  return {};
}

Result<std::string> choose_runtime(const Config& config, const std::string& runi) {
  if (config.runtime.empty()) return find_runtime(runi);
  if (auto checked = check_runtime(config.runtime, runi); !checked) return checked.error();
  return config.runtime;
}

}  // namespace runi
