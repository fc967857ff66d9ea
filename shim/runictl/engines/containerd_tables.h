// Where a configuration of containerd has its handlers, and what those that call runi are like. Pure.
#pragma once

#include "runictl/engines/containerd.h"
#include "runictl/engines/toml.h"

#include <cstdint>
#include <string_view>

namespace runi {

// The CRI plugin's names in configurations of version 1, of version 2, and of versions 3 and 4.
inline constexpr std::string_view kCri1 = "cri";
inline constexpr std::string_view kCri2 = "io.containerd.grpc.v1.cri";
inline constexpr std::string_view kCri3 = "io.containerd.cri.v1.runtime";
inline constexpr std::string_view kCriPlugins[] = {kCri3, kCri2, kCri1};

// In the plugin's table "containerd": the handler of containers that name none.
inline constexpr std::string_view kDefaultName = "default_runtime_name";

// The shim that calls an OCI runtime, and the annotations of pods that it has to pass on for runi.
inline constexpr std::string_view kRuncShim = "io.containerd.runc.v2";
inline constexpr std::string_view kPodAnnotations[] = {"runi.dev/*", "*.runi.dev/*"};

// "containerd 1.x" and so on, for messages.
[[nodiscard]] std::string_view name_of(Merging merging);

// The latest version of files that each of these containerds is known to read.
[[nodiscard]] std::int64_t newest_known(Merging merging);

// The version that a file says it is of; 0 where it says nothing.
[[nodiscard]] std::int64_t version_in(const TomlValue& root);

// The name under which a file of that version has the CRI plugin.
[[nodiscard]] std::string_view cri_plugin_of(std::int64_t version);

// The plugin's table in a file; null where it has none.
[[nodiscard]] const TomlValue* cri_table(const TomlValue& root, std::string_view plugin);

// The table of handlers in one of the CRI plugin; null where there is none, or `cri` is null.
[[nodiscard]] const TomlValue* handlers_in(const TomlValue* cri);

}  // namespace runi
