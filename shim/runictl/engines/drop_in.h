// The files that give CRI-O and podman, which merge all their files, a handler that calls runi. Each is a
// file of its own. Pure.
#pragma once

#include "runictl/engines/edit.h"
#include "runictl/engines/toml.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runi {

// Where the files are written, for a handler of that name. Source: crio.conf.d(5), containers.conf(5).
[[nodiscard]] std::string crio_drop_in(std::string_view handler);
[[nodiscard]] std::string podman_drop_in(std::string_view handler);

// `files` are those that CRI-O reads; `effective` is what it makes of them, as `crio config` prints it. CRI-O
// gives a handler its own bare defaults, so all that makes up a handler is copied: without the monitor's path
// CRI-O may not start, and with another root it loses containers when the default is changed.
[[nodiscard]] Edit add_to_crio(std::span<const ConfigFile> files, const ConfigFile& effective,
                               const HandlerWanted& wanted);

// `json_runtimes` are the runtimes that this podman knows to write errors as JSON (runtime_supports_json)
// where no file lists them: naming ours replaces them. Where neither says any, the list is left alone.
[[nodiscard]] Edit add_to_podman(std::span<const ConfigFile> files, const HandlerWanted& wanted,
                                 std::span<const std::string> json_runtimes);

// Of `files`, removes the one at `path` if it is as it was written.
[[nodiscard]] Edit remove_drop_in(std::span<const ConfigFile> files, const std::string& path,
                                  std::string_view handler);

}  // namespace runi
