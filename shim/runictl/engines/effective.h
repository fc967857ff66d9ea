// What an edit changes in the configuration that an engine makes of all its files. Pure.
#pragma once

#include "core/result.h"
#include "runictl/engines/toml.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// Paths of keys, as TOML writes them.
struct EffectiveChange {
  std::vector<std::string> ours;    // in the handler's own table
  std::vector<std::string> others;  // all others; an edit may be kept only if there are none

  bool operator==(const EffectiveChange&) const = default;
};

// The difference between two trees: the path of each value that is not the same in both, or in one alone.
[[nodiscard]] std::vector<std::vector<std::string>> differing_paths(const TomlValue& before,
                                                                    const TomlValue& after);

// Of what `containerd config dump` prints before and after. It lists the files that it has read among its
// imports: those in `files` do not count there. Errors: which of the two is not TOML, and why.
[[nodiscard]] Result<EffectiveChange> change_of_containerd(const ConfigFile& before, const ConfigFile& after,
                                                           std::string_view handler,
                                                           std::span<const std::string> files);

// Of what `crio config` prints, or of podman's files.
[[nodiscard]] Result<EffectiveChange> change_of_table(const ConfigFile& before, const ConfigFile& after,
                                                      std::span<const std::string_view> table);

}  // namespace runi
