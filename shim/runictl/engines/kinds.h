// The container engines whose configuration runictl can change: where each has its files, its program and its
// socket, and what makes it read its configuration again. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace runi {

enum class EngineType : std::uint8_t { containerd, crio, docker, podman };

// What it takes for a changed configuration to apply.
enum class Reloading : std::uint8_t {
  by_itself,  // the engine notices, or reads it anew for each container
  reload,     // the unit is reloaded, which is SIGHUP
  restart,
};

struct EngineKind {
  EngineType type;
  Reloading reloading;
  bool rendered = false;     // its main file is written anew at each start
  std::string_view name;     // as the command line and the record call it
  std::string_view config;   // its main file
  std::string_view program;  // looked for in the system's directories where it has no slash
  std::array<std::string_view, 2> units;
  std::string_view socket;         // its CRI, or of Docker its API; empty where it has none
  std::string_view drop_ins = {};  // a folder that it reads though the main file does not import it
};

// Whether its socket answers to the CRI.
[[nodiscard]] bool has_cri(const EngineKind& kind);

[[nodiscard]] std::span<const EngineKind> engine_kinds();

// Null where there is none of that name.
[[nodiscard]] const EngineKind* find_engine_kind(std::string_view name);

}  // namespace runi
