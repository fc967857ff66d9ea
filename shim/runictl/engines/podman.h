// Whether the configuration of podman that names runi is right. Pure.
// Source: containers.conf(5), "runtimes", "runtime", "runtime_supports_json".
#pragma once

#include "runictl/engines/judge.h"

#include <span>
#include <string>
#include <vector>

namespace runi {

// The programs that the files name, which judge_podman has to be told of. The files are those of
// containers.conf(5), in the order in which podman reads them.
[[nodiscard]] std::vector<std::string> programs_of_podman(std::span<const ConfigFile> files);

[[nodiscard]] Judgement judge_podman(std::span<const ConfigFile> files, const Programs& programs);

}  // namespace runi
