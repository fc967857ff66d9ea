// The edit that gives a Docker a runtime that calls runi, and the one that takes it away again. Pure.
//
// JSON has no comments for marks. What is added is spelt in one way, and only that is removed.
#pragma once

#include "runictl/engines/edit.h"
#include "runictl/engines/toml.h"

#include <optional>
#include <string>
#include <string_view>

namespace runi {

// The system's file. Source: dockerd(8).
inline constexpr std::string_view kDockerFile = "/etc/docker/daemon.json";

// `file` is empty where there is none; it is then written at `path`. HandlerWanted::like means nothing here.
[[nodiscard]] Edit add_to_docker(const std::optional<ConfigFile>& file, const std::string& path,
                                 const HandlerWanted& wanted);

[[nodiscard]] Edit remove_from_docker(const ConfigFile& file, const HandlerWanted& wanted);

}  // namespace runi
