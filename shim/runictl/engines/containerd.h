// Whether the configuration of a containerd that names runi is right, whichever way that version makes one of
// several files. Pure.
#pragma once

#include "runictl/engines/judge.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// The main file that the system's containerd reads, and the pattern of drop-ins that main files import by
// custom; containerd 2.2 and later import those even where there is no main file.
inline constexpr std::string_view kContainerdMain = "/etc/containerd/config.toml";
inline constexpr std::string_view kContainerdDropIns = "/etc/containerd/conf.d/*.toml";

// The patterns of files that one of containerd imports, relative to that file's directory where they are not
// absolute.
[[nodiscard]] std::vector<std::string> containerd_imports(const ConfigFile& file);

// How containerd makes one configuration of several files. It changed twice.
// Source: cmd/containerd/server/config/config.go of each, LoadConfig and mergeConfig; pkg/cri's
// configMigration.
enum class Merging : std::uint8_t {
  replaces,        // 1.x: of each plugin only the last file's table holds
  merges_first,    // 2.0 to 2.2: tables are merged, and then migrated from the version that was read last
  migrates_first,  // 2.3 and later: each file is migrated, none may be of a later version than the main file
};

// From what `containerd --version` prints. Empty where that names no version.
[[nodiscard]] std::optional<Merging> merging_of(std::string_view version_line);

// The programs that handlers name, in whatever version's names, which judge_containerd has to be told of. The
// files are the main file and after it those it imports, in order.
[[nodiscard]] std::vector<std::string> programs_of_containerd(std::span<const ConfigFile> files);

// Where it is not known how the files are merged, what holds for each way is said of that way; what is wrong
// in one but not in all of them is then a warning.
[[nodiscard]] Judgement judge_containerd(std::span<const ConfigFile> files, std::optional<Merging> merging,
                                         const Programs& programs);

}  // namespace runi
